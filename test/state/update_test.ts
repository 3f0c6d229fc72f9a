import assert from "node:assert/strict";
import { openState, type StateManager, StateScope } from "../../mod.ts";

const { global } = StateScope;

Deno.test("update() whose function awaits an update of the same key is a TypeError, and writes nothing", async () => {
  const inner: Record<string, (state: StateManager) => Promise<unknown>> = {
    increment: (state) => state.increment(global, "k"),
    update: (state) => state.update(global, "k", () => 5),
    "update that takes its time": (state) => state.update(global, "k", () => Promise.resolve(5)),
    "in().increment": (state) => state.in(global).increment("k"),
  };
  await Promise.all(
    Object.entries(inner).map(async ([name, call]) => {
      await using state = await openState();
      await state.save(global, "k", 1);
      let runs = 0;
      const outer = state.update<number>(global, "k", async (n) => {
        // Well before the attempts are used up, if it is not seen.
        if (++runs > 2) throw new Error(`it runs for the ${runs}. time`);
        await call(state);
        return n! + 1;
      });
      await assert.rejects(outer, TypeError, name);
      assert.deepEqual([await state.load(global, "k"), (await state.entry(global, "k"))?.revision, runs], [1, 1, 1], name);
    }),
  );
});

Deno.test("update() beside a slow one of the same key goes ahead after a while, also where its function calls others", async () => {
  await using state = await openState();
  await state.save(global, "k", 1);
  let wake = () => {};
  const woken = new Promise<void>((resolve) => wake = resolve);
  let runs = 0;
  const slow = state.update<number>(global, "k", async (n) => {
    await state.increment(global, "other");
    if (++runs === 1) await woken;
    return n! + 1;
  });
  assert.equal(await state.increment(global, "k", 10), 11);
  wake();
  assert.deepEqual([await slow, await state.load(global, "other")], [12, 2]);
});

Deno.test("update() whose function calls an update of the same key and does not await it goes first", async () => {
  await using state = await openState();
  let inner: Promise<number> | undefined;
  const outer = await state.update<number>(global, "k", (n) => {
    inner = state.increment(global, "k", 10);
    return Promise.resolve((n ?? 0) + 1);
  });
  assert.deepEqual([outer, await inner], [1, 11]);
});
