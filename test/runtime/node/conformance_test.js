import { conformance } from "@llmspell/state-persistence/testing";
import { describe, it } from "node:test";
import { fsSubject, sqliteSubject } from "../file_subjects.js";
import { memorySubject, unstorageSubject } from "../subjects.js";
import { hasSqlite } from "./version.js";

conformance({ describe, it }, memorySubject);
conformance({ describe, it }, unstorageSubject);
conformance({ describe, it }, fsSubject);
if (hasSqlite) conformance({ describe, it }, sqliteSubject);
