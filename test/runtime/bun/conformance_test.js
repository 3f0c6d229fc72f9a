import { conformance } from "@llmspell/state-persistence/testing";
import { describe, it } from "bun:test";
import { memorySubject, sqliteSubject } from "../subjects.js";

conformance({ describe, it }, memorySubject);
conformance({ describe, it }, sqliteSubject);
