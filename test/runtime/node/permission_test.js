import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { hasSqlite } from "./version.js";

/** What a program prints under Node's permission model, with leave to read everything and to write into one folder. */
function runPermitted(program, folder) {
  const leave = ["--permission", "--allow-fs-read=*", `--allow-fs-write=${folder}`];
  const { stdout, stderr } = spawnSync(process.execPath, [...leave, "--input-type=module", "--eval", program], { encoding: "utf8" });
  return { printed: stdout.trim(), stderr };
}

const programOf = (adapter, place) => `
  import { isStateError, openState } from "@llmspell/state-persistence";
  import { ${adapter} } from "@llmspell/state-persistence/adapters/${adapter}";
  try {
    const state = await openState({ driver: ${adapter}(${JSON.stringify(place)}) });
    await state.save({ type: "global" }, "a", 1);
    console.log(await state.load({ type: "global" }, "a"));
  } catch (error) {
    console.log(isStateError(error) ? error.code : String(error));
  }`;

// Before it there is no such flag.
if (hasSqlite) {
  test("under Node's permission model sqlite() works, and fs(), which may not sync, is STATE_DRIVER", async () => {
    const folder = await mkdtemp(join(tmpdir(), "state-"));
    try {
      for (const [adapter, expected] of [["sqlite", "1"], ["fs", "STATE_DRIVER"]]) {
        const { printed, stderr } = runPermitted(programOf(adapter, join(folder, adapter)), folder);
        assert.equal(printed, expected, stderr);
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  });
}
