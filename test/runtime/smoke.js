/** The package as plain JavaScript sees it, for any test runner. */
import * as front from "@llmspell/state-persistence";
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** Registers the tests; `hasSqlite`: it is built into this runtime. */
export function smoke(test, hasSqlite) {
  test("the package is the installed one, not a source tree", () => {
    assert.match(import.meta.resolve("@llmspell/state-persistence"), /\/node_modules\/@llmspell\/state-persistence\/mod\.js$/);
  });

  test("openState() in plain JavaScript saves, loads, deletes and closes", async () => {
    const { openState, StateScope } = front;
    const state = await openState();
    const alice = StateScope.user("alice");
    const value = { at: new Date(0), tags: new Set(["a"]), n: 1n, bytes: new Uint8Array([1, 2]) };
    await state.save(alice, "prefs", value);
    assert.deepEqual(await state.load(alice, "prefs"), value);
    assert.equal(await state.delete(alice, "prefs"), true);
    assert.equal(await state.load(alice, "prefs"), undefined);
    await state.close();
    await assert.rejects(state.load(alice, "prefs"), (error) => front.isStateError(error, "STATE_CLOSED"));
  });

  test("fs() keeps what was saved in a folder for the next open, and openDriver() opens it by URL", async () => {
    const { fs } = await import("@llmspell/state-persistence/adapters/fs");
    const { openDriver } = await import("@llmspell/state-persistence/adapters/open");
    const { openState, StateScope } = front;
    const outer = await mkdtemp(join(tmpdir(), "state-"));
    try {
      const folder = join(outer, "new", "state");
      const first = await openState({ driver: fs(folder) });
      const agent = first.in(StateScope.agent("gpt-4"));
      await agent.save("seen", new Map([["alice", new Date(0)]]));
      await Promise.all(Array.from({ length: 100 }, () => agent.increment("turns")));
      // Not closed: the process may as well have been killed.
      const second = await openState({ driver: await openDriver(`fs:${folder}`) });
      assert.deepEqual(await second.in(StateScope.agent("gpt-4")).load("seen"), new Map([["alice", new Date(0)]]));
      assert.equal(await second.load(StateScope.agent("gpt-4"), "turns"), 100);
      await second.close();
      await first.close();
      const files = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
      assert.ok(files.length > 0 && files.every(({ name }) => !name.startsWith(".tmp-")), "no unfinished file is left");
      assert.equal((await stat(folder)).mode & 0o777, process.platform === "win32" ? 0o666 : 0o700);
    } finally {
      await rm(outer, { recursive: true });
    }
  });

  test("openDriver() opens memory by URL", async () => {
    const { openDriver } = await import("@llmspell/state-persistence/adapters/open");
    const state = await front.openState({ driver: await openDriver("memory:") });
    await state.save(front.StateScope.global, "a", 1);
    assert.equal(await state.load(front.StateScope.global, "a"), 1);
    await state.close();
  });

  test("examples/node/two_workers.mjs runs in memory, on files, and where there is SQLite on that", async () => {
    const example = fileURLToPath(new URL("../examples/node/two_workers.mjs", import.meta.url));
    const folder = await mkdtemp(join(tmpdir(), "state-"));
    try {
      for (const url of ["memory:", `fs:${join(folder, "agents")}`, ...hasSqlite ? [`sqlite:${join(folder, "agents.db")}`] : []]) {
        const { stdout } = await promisify(execFile)(process.execPath, [example, url]);
        assert.equal(stdout, "Two workers, 100 steps, one list: all as it should be.\n", url);
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  });
}
