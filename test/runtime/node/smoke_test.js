import { test } from "node:test";
import { smoke } from "../smoke.js";
import { hasSqlite } from "./version.js";

smoke(test, hasSqlite);
