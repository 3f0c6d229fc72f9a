/**
 * Random programs on the state and on a plain model of it.
 *
 * @module
 */
import fc from "fast-check";
import { memory } from "../../adapters/memory.ts";
import { limitDriver } from "../faults/limited_driver.ts";
import { runProgram } from "./run.ts";
import { program } from "./verbs.ts";

const factor = Number(Deno.env.get("TEST_RUNS_FACTOR") ?? 1);

Deno.test("openState() on memory does what the model does, whatever is called in whatever order", async () => {
  await fc.assert(fc.asyncProperty(program, (verbs) => runProgram(verbs, memory())), { numRuns: 2000 * factor });
});

Deno.test("openState() on a driver that takes little at a time does what the model does", async () => {
  await fc.assert(fc.asyncProperty(program, (verbs) => runProgram(verbs, limitDriver(memory()))), { numRuns: 500 * factor });
});
