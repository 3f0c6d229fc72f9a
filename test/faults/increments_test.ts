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

for (const scheme of ["sqlite", "fs"]) {
  Deno.test(`B6 increment() by 8 processes on ${scheme}, 100 times each, ends at exactly 800`, () => incrementByMany(scheme));
}

async function incrementByMany(scheme: string): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    const url = `${scheme}:${folder}/state`;
    const args = ["run", "-A", "--no-check", new URL("increments_worker.ts", import.meta.url).pathname, url, String(TIMES)];
    const workers = Array.from({ length: PROCESSES }, () => new Deno.Command(Deno.execPath(), { args, stdin: "null" }).output());
    let attempts = 0;
    for (const { success, stdout, stderr } of await Promise.all(workers)) {
      assert.ok(success, new TextDecoder().decode(stderr));
      attempts += Number(new TextDecoder().decode(stdout));
    }
    await using state = await openState({ driver: await openDriver(url) });
    assert.equal(await state.load(StateScope.global, "n"), PROCESSES * TIMES);
    assert.equal((await state.inspect()).commit, PROCESSES * TIMES);
    console.log(`${scheme}: ${PROCESSES} × ${TIMES} increments: ${(attempts / (PROCESSES * TIMES)).toFixed(2)} attempts a commit`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
