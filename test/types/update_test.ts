/** How `update` knows its value, and that a forgotten `return` does not compile. */
import { DELETE, openState, type StateManager, StateScope } from "../../mod.ts";
import assert from "node:assert/strict";
import { type Equal, expectType } from "./expect.ts";

Deno.test("update() with `initial` hands out a value, never undefined", async () => {
  await using state = await openState();
  const turns = await state.in(StateScope.session("s1")).update("turns", (n) => n + 1, { initial: 0 });
  expectType<Equal<typeof turns, number | undefined>>();
  const later = await state.update(StateScope.global, "n", async (n) => {
    await Promise.resolve();
    return n + 1;
  }, { initial: 0 });
  expectType<Equal<typeof later, number | undefined>>();
  assert.deepEqual([turns, later], [1, 1]);
});

Deno.test("update() without `initial` hands out undefined too, and takes DELETE", async () => {
  await using state = await openState();
  const session = state.in(StateScope.session("s1"));
  await session.update("turns", (n: number | undefined) => (n ?? 0) > 9 ? DELETE : (n ?? 0) + 1);
  const items = await session.update<readonly string[]>("items", (list = []) => [...list, "a"]);
  expectType<Equal<typeof items, readonly string[] | undefined>>();
  assert.deepEqual(items, ["a"]);
});

Deno.test("update() whose function returns nothing does not compile", () => {
  const refused = async (state: StateManager) => {
    // @ts-expect-error: no return
    await state.update<{ n: number }>(StateScope.global, "a", (value) => {
      if (value) value.n++;
    });
    // @ts-expect-error: no return, and nothing annotated
    await state.update(StateScope.global, "a", (value) => {
      console.log(value);
    });
    // @ts-expect-error: undefined is no value
    await state.update(StateScope.global, "a", () => undefined);
    // @ts-expect-error: no return in a transaction either
    await state.transaction((tx) => tx.update(StateScope.global, "a", () => {}));
  };
  assert.equal(typeof refused, "function");
});

Deno.test("increment() takes and gives numbers", async () => {
  await using state = await openState();
  const sum = await state.increment(StateScope.global, "n", 2);
  expectType<Equal<typeof sum, number>>();
  const refused = async () => {
    // @ts-expect-error: no number
    await state.increment(StateScope.global, "n", "2");
  };
  assert.deepEqual([sum, typeof refused], [2, "function"]);
});
