import { conformance } from "@llmspell/state-persistence/testing";
import { describe, it } from "bun:test";
import { fsSubject, sqliteSubject } from "../file_subjects.js";
import { memorySubject, unstorageSubject } from "../subjects.js";

conformance({ describe, it }, memorySubject);
conformance({ describe, it }, unstorageSubject);
conformance({ describe, it }, fsSubject);
conformance({ describe, it }, sqliteSubject);
