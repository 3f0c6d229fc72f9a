/** The package as plain JavaScript sees it, for any test runner. */
import * as front from "@llmspell/state-persistence";
import assert from "node:assert/strict";

/** Registers the tests. */
export function smoke(test) {
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

  test("openDriver() opens memory by URL", async () => {
    const { openDriver } = await import("@llmspell/state-persistence/adapters/open");
    const state = await front.openState({ driver: await openDriver("memory:") });
    await state.save(front.StateScope.global, "a", 1);
    assert.equal(await state.load(front.StateScope.global, "a"), 1);
    await state.close();
  });
}
