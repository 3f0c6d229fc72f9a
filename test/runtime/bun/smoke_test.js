import { test } from "bun:test";
import { smoke } from "../smoke.js";

smoke(test, true);
