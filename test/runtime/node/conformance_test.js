import { conformance } from "@llmspell/state-persistence/testing";
import { describe, it } from "node:test";
import { memorySubject, sqliteSubject } from "../subjects.js";
import { hasSqlite } from "./version.js";

conformance({ describe, it }, memorySubject);
if (hasSqlite) conformance({ describe, it }, sqliteSubject);
