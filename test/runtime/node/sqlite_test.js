import { isStateError, openState } from "@llmspell/state-persistence";
import { sqlite } from "@llmspell/state-persistence/adapters/sqlite";
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { hasSqlite } from "./version.js";

const openOn = async (file) => await openState({ driver: sqlite(file) });

if (hasSqlite) {
  test("sqlite() keeps what was saved for the next open", async () => {
    const folder = await mkdtemp(join(tmpdir(), "state-"));
    try {
      const file = join(folder, "state.db");
      const first = await openOn(file);
      await first.save({ type: "global" }, "a", new Map([[1, new Date(0)]]));
      await first.close();
      const second = await openOn(file);
      assert.deepEqual(await second.load({ type: "global" }, "a"), new Map([[1, new Date(0)]]));
      await second.close();
    } finally {
      await rm(folder, { recursive: true });
    }
  });
} else {
  test("sqlite() under a Node without SQLite is STATE_UNSUPPORTED, says so and what to do", async () => {
    await assert.rejects(openOn(join(tmpdir(), "never-made.db")), (error) => {
      assert.ok(isStateError(error, "STATE_UNSUPPORTED"), String(error));
      assert.match(error.message, /^Cannot .*22\.13/s);
      return true;
    });
  });
}
