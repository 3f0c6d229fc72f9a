/**
 * Many processes, one counter.
 *
 * @module
 */
import assert from "node:assert/strict";
import { openDriver } from "../../adapters/open.ts";
import { openState, StateScope } from "../../mod.ts";

const PROCESSES = 8;
const TIMES = 100;
const worker = new URL("increments_worker.ts", import.meta.url).pathname;

for (const scheme of ["sqlite", "fs", "deno-kv"]) {
  Deno.test(`B6 increment() by 8 processes on ${scheme}, 100 times each, ends at exactly 800`, () => incrementByMany(scheme));
}

Deno.test("increment() by 8 processes on fs, one of which stands still until all others are done, ends at exactly 800", async () => {
  // Before it writes a frame, and when it has written one that is not durable.
  for (const stop of ["append:9", "sync:9", "sync:60"]) await incrementByMany("fs", stop);
});

/** Runs one worker to its end; `stopping` is called when it is about to stop. How often it tried to commit. */
async function run(url: string, stop: string, stopping: (child: Deno.ChildProcess) => void): Promise<number> {
  const args = ["run", "-A", "--no-check", worker, url, String(TIMES), stop];
  const child = new Deno.Command(Deno.execPath(), { args, stdin: "null", stdout: "piped", stderr: "piped" }).spawn();
  const errors = new Response(child.stderr).text();
  let said = "";
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    said += text;
    if (text.includes("stopping")) stopping(child);
  }
  assert.ok((await child.status).success, await errors);
  return Number(said.trimEnd().split("\n").at(-1));
}

async function incrementByMany(scheme: string, stop: string = ""): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    const url = `${scheme}:${folder}/state`;
    const load = async () => {
      await using state = await openState({ driver: await openDriver(url) });
      return [await state.load<number>(StateScope.global, "n") ?? 0, (await state.inspect()).commit] as const;
    };
    const others = Array.from({ length: PROCESSES - 1 }, () => run(url, "", () => {}));
    const last = run(url, stop, async (child) => {
      await Promise.allSettled(others);
      // All others are done, and what the one that stands still has not acknowledged is one increment at the most.
      const [n] = await load();
      console.log(`one stands still before its ${stop}, the others have made it ${n}`);
      child.kill("SIGCONT");
      assert.ok(n >= (PROCESSES - 1) * TIMES && n < PROCESSES * TIMES);
    });
    const attempts = (await Promise.all([...others, last])).reduce((sum, tries) => sum + tries, 0);
    assert.deepEqual(await load(), [PROCESSES * TIMES, PROCESSES * TIMES]);
    console.log(`${scheme}: ${PROCESSES} × ${TIMES} increments: ${(attempts / (PROCESSES * TIMES)).toFixed(2)} attempts a commit`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
