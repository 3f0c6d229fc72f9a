import { conformance } from "@llmspell/state-persistence/testing";
import { describe, it } from "bun:test";
import { fsSubject, memorySubject, sqliteSubject } from "../subjects.js";

conformance({ describe, it }, memorySubject);
conformance({ describe, it }, fsSubject);
conformance({ describe, it }, sqliteSubject);
