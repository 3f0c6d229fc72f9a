/**
 * Atomic read-modify-write: nothing is lost between the read and the write, whoever else writes.
 *
 * @module
 */
import { StateScope } from "../../src/keys/scopes.ts";
import { DELETE } from "../../src/state/entry.ts";
import { assert, assertEquals, assertMisuse, assertStateError, failureOf } from "./assert.ts";
import { conflicts, type Test, times } from "./suite.ts";

const scope = StateScope.workflow("w");

/** B6, B9b. */
export function testUpdateAndIncrement(test: Test): void {
  test("B6 100 increments at once end at exactly 100, and each gives a sum of its own", async ({ open }) => {
    const state = await open();
    const sums = await times(100, () => state.increment(scope, "n"));
    assertEquals(sums.sort((a, b) => a - b), Array.from({ length: 100 }, (_, i) => i + 1));
    assertEquals(await (await open()).load(scope, "n"), 100);
  });

  test("B6 100 increments by four states end at exactly 100", async ({ open, supports }) => {
    if (supports.writers !== "many") return;
    const states = await times(4, () => open());
    const sums = await times(100, (i) => states[i % 4]!.increment(scope, "n"));
    assertEquals(sums.sort((a, b) => a - b), Array.from({ length: 100 }, (_, i) => i + 1));
    for (const state of states) assertEquals([await state.load(scope, "n"), (await state.entry(scope, "n"))?.revision], [100, 100]);
  });

  test("B6 increment() counts up, down and by fractions, from 0 where nothing is", async ({ open }) => {
    const state = await open();
    assertEquals(await state.increment(scope, "n"), 1);
    assertEquals(await state.increment(scope, "n", 41), 42);
    assertEquals(await state.increment(scope, "n", -2), 40);
    assertEquals(await state.increment(scope, "n", 0.5), 40.5);
    assertEquals(await state.increment(scope, "n", 0), 40.5);
    assertEquals(await state.increment(scope, "down", -1), -1);
    assertEquals(await state.load(scope, "n"), 40.5);
  });

  test("B6 increment() of what is no number is STATE_INVALID_VALUE and leaves it", async ({ open }) => {
    const state = await open();
    for (const [i, value] of ["1", null, true, [1], { n: 1 }, 1n, new Date(1)].entries()) {
      await state.save(scope, `k${i}`, value);
      await assertStateError(() => state.increment(scope, `k${i}`), "STATE_INVALID_VALUE", `increment() of value ${i}`);
      assertEquals([await state.load(scope, `k${i}`), (await state.entry(scope, `k${i}`))?.revision], [value, 1]);
    }
  });

  test("B6 increment() stays exact: beyond that it is STATE_INVALID_VALUE and leaves what is there", async ({ open }) => {
    const state = await open();
    const most = Number.MAX_SAFE_INTEGER;
    const sums: readonly [from: number, by: number][] = [[most, 1], [-most, -1], [2 ** 60, 1], [1, 2 ** 53], [1.5e308, 1.5e308], [
      Infinity,
      1,
    ], [NaN, 1]];
    for (const [i, [from, by]] of sums.entries()) {
      await state.save(scope, `k${i}`, from);
      await assertStateError(() => state.increment(scope, `k${i}`, by), "STATE_INVALID_VALUE", `${from} + ${by}`);
      const inside = state.transaction((tx) => tx.increment(scope, `k${i}`, by));
      await assertStateError(() => inside, "STATE_INVALID_VALUE", `${from} + ${by} in a transaction`);
      assertEquals([await state.load(scope, `k${i}`), (await state.entry(scope, `k${i}`))?.revision], [from, 1]);
    }
    await state.save(scope, "n", most - 1);
    assertEquals([await state.increment(scope, "n"), await state.increment(scope, "n", -2)], [most, most - 2]);
  });

  test("B6 increment() heeds ifRevision", async ({ open }) => {
    const state = await open();
    assertEquals(await state.increment(scope, "n", 5, { ifRevision: null }), 5);
    assert(await conflicts(state.increment(scope, "n", 1, { ifRevision: null })), "it is there");
    assertEquals(await state.increment(scope, "n", 1, { ifRevision: 1 }), 6);
    assert(await conflicts(state.increment(scope, "n", 1, { ifRevision: 1 })), "it is at revision 2");
    assertEquals(await state.load(scope, "n"), 6);
  });

  test("B9b update() gives what is stored and stores what comes back", async ({ open }) => {
    const state = await open();
    assertEquals(await state.update<number[]>(scope, "k", (list) => [...list ?? [], 1]), [1]);
    assertEquals(await state.update<number[]>(scope, "k", async (list) => await Promise.resolve([...list!, 2])), [1, 2]);
    assertEquals(await state.load(scope, "k"), [1, 2]);
    assertEquals((await state.entry(scope, "k"))?.revision, 2);
    assertEquals(await state.update<number | null>(scope, "null", (n) => n ?? null), null);
    assertEquals(await state.has(scope, "null"), true);
  });

  test("B9b update() that returns undefined is a TypeError and changes nothing", async ({ open }) => {
    const state = await open();
    await state.save(scope, "k", 1);
    const forgetful = [
      () => undefined,
      () => Promise.resolve(undefined),
      (list: unknown) => void list,
    ] as unknown as ((n: unknown) => number)[];
    for (const fn of forgetful) {
      await assertMisuse(() => state.update(scope, "k", fn), String(fn));
      await assertMisuse(() => state.update(scope, "none", fn), String(fn));
      await assertMisuse(() => state.transaction((tx) => tx.update(scope, "k", fn)), `${fn} in a transaction`);
    }
    assertEquals([await state.load(scope, "k"), await state.has(scope, "none"), (await state.inspect()).commit], [1, false, 1]);
  });

  test("B9b update() that returns DELETE deletes", async ({ open }) => {
    const state = await open();
    await state.save(scope, "k", 1);
    assertEquals(await state.update(scope, "k", () => DELETE), undefined);
    assertEquals([await state.has(scope, "k"), (await state.inspect()).commit], [false, 2]);
    assertEquals(await state.update(scope, "k", () => DELETE), undefined);
    assertEquals(await state.update<number>(scope, "k", (n) => (n === undefined ? 7 : DELETE)), 7);
    assertEquals(await state.transaction((tx) => tx.update(scope, "k", () => DELETE)), undefined);
    assertEquals(await (await open()).has(scope, "k"), false);
  });

  test("B9b update() starts from `initial` where nothing is, and hands it out afresh", async ({ open }) => {
    const state = await open();
    const initial: string[] = [];
    const push = (list: string[]) => {
      list.push("x");
      return list;
    };
    assertEquals(await state.update(scope, "k", push, { initial }), ["x"]);
    assertEquals(await state.update(scope, "k", push, { initial }), ["x", "x"]);
    assertEquals(await state.update(scope, "l", push, { initial }), ["x"]);
    assertEquals(initial, []);
  });

  test("B9b update() whose function throws rejects with just that and changes nothing", async ({ open }) => {
    const state = await open();
    await state.save(scope, "k", { n: 1 });
    const own = new Error("own");
    assertEquals(
      await failureOf(state.update<{ n: number }>(scope, "k", (value) => {
        value!.n = 2;
        throw own;
      })),
      own,
    );
    assertEquals(await failureOf(state.update(scope, "k", () => Promise.reject(own))), own);
    assertEquals([await state.load(scope, "k"), (await state.inspect()).commit], [{ n: 1 }, 1]);
  });

  test("B9b updates at once lose nothing", async ({ open, supports }) => {
    const states = [await open()];
    if (supports.writers === "many") states.push(await open());
    await times(30, (i) =>
      states[i % states.length]!.update<number[]>(scope, "k", async (list) => {
        await Promise.resolve();
        return [...list ?? [], i];
      }));
    const list = await states[0]!.load<number[]>(scope, "k");
    assertEquals([...list!].sort((a, b) => a - b), Array.from({ length: 30 }, (_, i) => i));
  });

  test("B9b update() runs again with the newer value when another state got in between", async ({ open, supports }) => {
    if (supports.writers !== "many") return;
    const [one, two] = [await open(), await open()];
    await one.save(scope, "k", 1);
    const seen: number[] = [];
    const result = await one.update<number>(scope, "k", async (n) => {
      seen.push(n!);
      if (seen.length === 1) await two.save(scope, "k", 10);
      return n! + 1;
    });
    assertEquals([result, seen], [11, [1, 10]]);
    assertEquals(await two.load(scope, "k"), 11);
  });

  test("B9b the state may be used inside an update's function, and that never deadlocks", async ({ open }) => {
    const state = await open();
    await state.save(scope, "rate", 3);
    const result = await state.update<number>(scope, "k", async (n) => {
      await state.increment(scope, "calls");
      return (n ?? 1) * (await state.load<number>(scope, "rate"))!;
    });
    assertEquals([result, await state.load(scope, "k"), await state.load(scope, "calls")], [3, 3, 1]);
  });

  test("B9b update() that runs again gets `initial` afresh", async ({ open, supports }) => {
    if (supports.writers !== "many") return;
    const [one, two] = [await open(), await open()];
    let runs = 0;
    const result = await one.update<string[]>(scope, "k", async (list) => {
      list.push("mine");
      if (++runs === 1) {
        await two.save(scope, "k", 1);
        await two.delete(scope, "k");
      }
      return list;
    }, { initial: [] });
    assertEquals([result, await two.load(scope, "k")], [["mine"], ["mine"]]);
  });

  test("B9b update() heeds ifRevision without running its function in vain", async ({ open }) => {
    const state = await open();
    await state.save(scope, "k", 1);
    let runs = 0;
    const fn = () => ++runs;
    assert(await conflicts(state.update(scope, "k", fn, { ifRevision: 9 })), "it is at revision 1");
    assert(await conflicts(state.update(scope, "k", fn, { ifRevision: null })), "it is there");
    assert(runs <= 2, `it ran ${runs} times`);
    assertEquals(await state.update(scope, "k", () => "second", { ifRevision: 1 }), "second");
    assertEquals((await state.entry(scope, "k"))?.revision, 2);
  });

  test("B9b update() keeps the entry's class, and takes another one when told", async ({ open }) => {
    const state = await open();
    await state.save(scope, "k", 1, { class: "archive" });
    await state.update<number>(scope, "k", (n) => n! + 1);
    assertEquals((await state.entry(scope, "k"))?.class, "archive");
    await state.increment(scope, "k");
    assertEquals((await state.entry(scope, "k"))?.class, "archive");
    await state.update<number>(scope, "k", (n) => n! + 1, { class: "standard" });
    const entry = await state.entry(scope, "k");
    assertEquals([entry?.class, entry?.value], ["standard", 4]);
  });
}
