import { test } from "node:test";
import { smoke } from "../smoke.js";

smoke(test);
