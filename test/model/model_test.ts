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

/** What once failed, by fast-check's seed and path. */
const failed: readonly { readonly seed: number; readonly path: string }[] = [
  {
    seed: 739563049,
    path: "423:4:6:11:11:11:11:11:11:12:11:14:16:17:17:17:17:17:17:17:17:17:17:28:27:27:29:18:18:18:18:18",
  },
  {
    seed: -980796158,
    path: "1799:2:1:2:6:6:6:6:6:6:6:9:10:10:12:12:12:12:12:12:12:12:12:17:20:19:21:20:28:28:29:30:30:30:30:31:19:19:19:19:19:19",
  },
  {
    seed: 1290675081,
    path:
      "137:2:4:5:5:6:6:6:8:10:13:12:12:13:13:17:18:17:18:18:21:23:24:23:23:25:26:26:27:34:33:33:33:33:33:33:33:34:33:33:35:34:35:26:26:26:26" +
      ":26:26:26:26:26:26",
  },
  {
    seed: 101682827,
    path: "1482:2:0:0:0:1:4:4:4:4:4:5:5:6:6:6:1:3:4:4:4:5:4:6:6:7:9:9:10:9:9:12:12:13:13:14:13",
  },
  {
    seed: 961579852,
    path: "1223:3:0:0:0:3:6:6:6:6:7:7:8:12:12:14:14:21:21:22:22:22:22:23:22:21:25:25:26:27:28:28:29:21:21:21:21:21:21:21:21:21:21:21",
  },
];

Deno.test("openState() does what the model does in programs that once failed", async () => {
  for (const { seed, path } of failed) {
    await fc.assert(fc.asyncProperty(program, (verbs) => runProgram(verbs, memory())), { seed, path, numRuns: 2000 });
  }
});
