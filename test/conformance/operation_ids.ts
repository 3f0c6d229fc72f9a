/**
 * An operation id makes a retry safe: done once, answered alike, and refused for anything else.
 *
 * @module
 */
import { isStateError } from "../../src/errors.ts";
import { StateScope } from "../../src/keys/scopes.ts";
import type { StateManager } from "../../src/state/manager.ts";
import { assert, assertEquals, assertStateError, failureOf } from "./assert.ts";
import { conflicts, createClock, createPlug, type Test, times } from "./suite.ts";

const scope = StateScope.agent("a");
const other = StateScope.agent("b");
const operationId = "op-1";

/** Each writing verb with an operation id, and the same with something else to write. */
const verbs: Readonly<Record<string, { first(state: StateManager): Promise<unknown>; changed?(state: StateManager): Promise<unknown> }>> = {
  save: {
    first: (state) => state.save(scope, "k", { n: 1 }, { operationId }),
    changed: (state) => state.save(scope, "k", { n: 2 }, { operationId }),
  },
  "save of another key": {
    first: (state) => state.save(scope, "k", 1, { operationId }),
    changed: (state) => state.save(scope, "l", 1, { operationId }),
  },
  "save in another scope": {
    first: (state) => state.save(scope, "k", 1, { operationId }),
    changed: (state) => state.save(other, "k", 1, { operationId }),
  },
  delete: {
    first: (state) => state.delete(scope, "there", { operationId }),
    changed: (state) => state.delete(scope, "n", { operationId }),
  },
  "delete of nothing": {
    first: (state) => state.delete(scope, "none", { operationId }),
  },
  increment: {
    first: (state) => state.increment(scope, "n", 5, { operationId }),
    changed: (state) => state.increment(scope, "n", 6, { operationId }),
  },
  update: {
    first: (state) => state.update<number>(scope, "n", (n) => n! * 3, { operationId }),
  },
  "update that takes its time": {
    first: (state) => state.update<number>(scope, "n", async (n) => await Promise.resolve(n! * 3), { operationId }),
  },
  clear: {
    first: (state) => state.clear(scope, { operationId }),
    changed: (state) => state.clear(other, { operationId }),
  },
  copy: {
    first: (state) => state.copy(scope, other, { operationId }),
    changed: (state) => state.copy(other, scope, { operationId }),
  },
  move: {
    first: (state) => state.move(scope, other, { operationId }),
    changed: (state) => state.move(scope, StateScope.agent("c"), { operationId }),
  },
  transaction: {
    first: (state) =>
      state.transaction(async (tx) => {
        await tx.increment(scope, "n");
        return { sum: await tx.load(scope, "n"), when: new Date(0) };
      }, { operationId }),
  },
  "another verb": {
    first: (state) => state.save(scope, "k", 1, { operationId }),
    changed: (state) => state.increment(scope, "k", 1, { operationId }),
  },
};

async function prepare(state: StateManager): Promise<void> {
  await state.save(scope, "there", "there");
  await state.save(scope, "n", 2);
}

/** B9. */
export function testOperationIds(test: Test): void {
  for (const [name, { first, changed }] of Object.entries(verbs)) {
    test(`B9 ${name} with an operation id counts once, is answered alike, also by a new state, and conflicts with anything else`, async ({ open }) => {
      const state = await open();
      await prepare(state);
      const answer = await first(state);
      const { commit, entries } = await state.inspect();
      const snapshot = async (one: StateManager) => [await one.entries(scope).toArray(), await one.entries(other).toArray()];
      const after = await snapshot(state);
      const check = async (one: StateManager) => {
        assertEquals(await first(one), answer);
        if (changed) {
          const { details } = await assertStateError(() => changed(one), "STATE_CONFLICT", `${name}, changed`);
          assertEquals(details.operationId, operationId);
        }
        assertEquals(await snapshot(one), after);
        const inspection = await one.inspect();
        assertEquals([inspection.commit, inspection.entries], [commit, entries]);
      };
      await check(state);
      await check(await open());
      await state.close();
      await check(await open());
    });
  }

  test("B9 what was written since does not change the answer, nor is it overwritten", async ({ open }) => {
    const state = await open();
    const receipt = await state.save(scope, "k", "first", { operationId });
    await state.save(scope, "k", "newer");
    assertEquals(await state.save(scope, "k", "first", { operationId }), receipt);
    assertEquals(await state.load(scope, "k"), "newer");
    await state.delete(scope, "k");
    assertEquals(await state.save(scope, "k", "first", { operationId }), receipt);
    assertEquals(await state.has(scope, "k"), false);
  });

  test("B9 a transaction with an operation id does not run its function again", async ({ open }) => {
    const state = await open();
    let runs = 0;
    const run = (one: StateManager) =>
      one.transaction(async (tx) => {
        runs++;
        await tx.increment(scope, "n");
        return new Map([["sum", await tx.load(scope, "n")]]);
      }, { operationId });
    for (const one of [state, state, await open()]) assertEquals(await run(one), new Map([["sum", 1]]));
    assertEquals([runs, await state.load(scope, "n")], [1, 1]);
  });

  test("B9 a transaction that returns nothing, or only reads, is remembered too", async ({ open }) => {
    const state = await open();
    let runs = 0;
    const silent = () =>
      state.transaction(async (tx) => {
        runs++;
        await tx.save(scope, "k", runs);
      }, { operationId: "silent" });
    assertEquals([await silent(), await silent(), runs], [undefined, undefined, 1]);
    await state.save(scope, "k", "before");
    const reading = () => state.transaction((tx) => tx.load(scope, "k"), { operationId: "reading" });
    assertEquals(await reading(), "before");
    await state.save(scope, "k", "after");
    assertEquals(await reading(), "before");
  });

  test("B9 twenty callers with one operation id count once, and all get the one answer", async ({ open, supports }) => {
    const states = [await open()];
    if (supports.writers === "many") states.push(await open());
    const sums = await times(20, (i) => states[i % states.length]!.increment(scope, "n", 7, { operationId }));
    assertEquals(new Set(sums), new Set([7]));
    const receipts = await times(20, (i) => states[i % states.length]!.save(scope, "k", 1, { operationId: "op-2" }));
    for (const receipt of receipts) assertEquals({ ...receipt }, { ...receipts[0]! });
    assertEquals([await states[0]!.load(scope, "n"), (await states[0]!.entry(scope, "k"))?.revision], [7, 1]);
    assertEquals((await states[0]!.inspect()).commit, 2);
  });

  test("B9 twenty callers of one transaction get the one answer", async ({ open, supports }) => {
    const states = [await open()];
    if (supports.writers === "many") states.push(await open());
    const answers = await times(20, (i) =>
      states[i % states.length]!.transaction(async (tx) => {
        await tx.increment(scope, "n");
        return i;
      }, { operationId }));
    assertEquals([new Set(answers).size, await states[0]!.load(scope, "n")], [1, 1]);
  });

  test("B9 each operation id is its own, and case and spelling count", async ({ open }) => {
    const state = await open();
    const ids = ["a", "A", "a ", "a:b", "a/b", "../x", "😀", "x".repeat(200)];
    for (const id of ids) assertEquals(await state.increment(scope, "n", 1, { operationId: id }), ids.indexOf(id) + 1);
    for (const id of ids) assertEquals(await state.increment(scope, "n", 1, { operationId: id }), ids.indexOf(id) + 1);
    assertEquals(await state.load(scope, "n"), ids.length);
  });

  test("B9 an operation id is of one namespace alone", async ({ open }) => {
    const [one, two] = [await open({ namespace: "one" }), await open({ namespace: "two" })];
    assertEquals([await one.increment(scope, "n", 1, { operationId }), await two.increment(scope, "n", 5, { operationId })], [1, 5]);
  });

  test("B9 an operation that failed is not remembered", async ({ open }) => {
    const state = await open();
    await state.save(scope, "k", 1);
    assert(await conflicts(state.save(scope, "k", 2, { operationId, ifRevision: 9 })), "it is at revision 1");
    assertEquals(await state.save(scope, "k", 2, { operationId, ifRevision: 1 }), { revision: 2, commit: 2 });
    await failureOf(state.transaction(() => Promise.reject(new Error("own")), { operationId: "tx" }));
    assertEquals(await state.transaction((tx) => tx.increment(scope, "n"), { operationId: "tx" }), 1);
    await failureOf(state.update<number>(scope, "n", () => Promise.reject(new Error("own")), { operationId: "up" }));
    assertEquals(await state.update<number>(scope, "n", (n) => n! + 1, { operationId: "up" }), 2);
    await failureOf(state.increment(scope, "text", Symbol("1") as never, { operationId: "inc" }));
    assertEquals(await state.increment(scope, "text", 1, { operationId: "inc" }), 1);
  });

  test("B9 a precondition that held the first time is not asked again", async ({ open }) => {
    const state = await open();
    const save = () => state.save(scope, "k", 1, { operationId, ifRevision: null });
    assertEquals(await save(), { revision: 1, commit: 1 });
    assertEquals(await save(), { revision: 1, commit: 1 });
    await state.delete(scope, "k", { operationId: "gone", ifRevision: 1 });
    assertEquals(await state.delete(scope, "k", { operationId: "gone", ifRevision: 1 }), true);
  });

  test("B9 an operation id is remembered for limits.operationIdMs, and not for ever", async ({ open }) => {
    const clock = createClock();
    const state = await open({ now: clock.now, limits: { operationIdMs: 1000 } });
    assertEquals(await state.increment(scope, "n", 1, { operationId }), 1);
    clock.advance(999);
    assertEquals(await state.increment(scope, "n", 1, { operationId }), 1);
    assertEquals(await (await open({ now: clock.now, limits: { operationIdMs: 1000 } })).increment(scope, "n", 1, { operationId }), 1);
    clock.advance(1);
    assertEquals(await state.increment(scope, "n", 1, { operationId }), 2);
  });

  test("B9 an operation id that is remembered for longer than dates last is remembered, and read by all", async ({ open }) => {
    for (const operationIdMs of [8.64e15, Number.MAX_SAFE_INTEGER]) {
      const state = await open({ limits: { operationIdMs } });
      const id = `for ${operationIdMs}`;
      assertEquals(await state.save(scope, id, 1, { operationId: id }), await state.save(scope, id, 1, { operationId: id }));
      assertEquals(await state.once(scope, `once ${id}`, () => 1), 1);
      assertEquals(await state.transaction(() => id, { operationId: `tx ${id}` }), id);
      await state.close();
      const later = await open({ limits: { operationIdMs } });
      assertEquals(await later.transaction(() => "again", { operationId: `tx ${id}` }), id);
      assertEquals(await later.load(scope, id), 1);
      await later.close();
    }
  });

  test("B9 operation ids are no entries: nothing lists, counts or clears them", async ({ open }) => {
    const state = await open();
    await state.save(scope, "k", 1, { operationId });
    assertEquals([await state.scopes().toArray(), await state.keys(scope).toArray()], [[scope], ["k"]]);
    assertEquals((await state.inspect()).entries, 1);
    for (const one of await state.scopes().toArray()) await state.clear(one);
    assertEquals(await state.save(scope, "k", 1, { operationId }), { revision: 1, commit: 1 });
    assertEquals(await state.has(scope, "k"), false);
  });

  test("B9 a commit whose answer is lost counts once, with an operation id and without", async ({ driver, open, supports }) => {
    if (supports.writers !== "many") return;
    const plug = createPlug(await driver());
    const state = await open({ driver: plug.driver });
    await state.save(scope, "n", 0);
    const verbs: (() => Promise<unknown>)[] = [
      () => state.increment(scope, "n"),
      () => state.increment(scope, "n", 1, { operationId: "increment" }),
      () => state.update<number>(scope, "n", (n) => n! + 1),
      () => state.transaction((tx) => tx.increment(scope, "n")),
      () => state.transaction((tx) => tx.increment(scope, "n"), { operationId: "transaction" }),
    ];
    for (const [i, verb] of verbs.entries()) {
      plug.loseAnswers(i % 2 + 1);
      // The library looks for its commit in the log: its caller need not know.
      assertEquals(await verb(), i + 1, String(verb));
      plug.loseAnswers(0);
    }
    const entry = await (await open()).entry(scope, "n");
    assertEquals([entry?.value, entry?.revision], [5, 6]);
  });

  test("B9 a write that failed through a cut can be repeated with its operation id, and counts once", async ({ driver, open, supports }) => {
    if (supports.writers !== "many") return;
    const plug = createPlug(await driver());
    const state = await open({ driver: plug.driver });
    await state.save(scope, "n", 0);
    plug.pull();
    for (const operationId of [undefined, "op"]) {
      const failure = await failureOf(state.increment(scope, "n", 1, operationId === undefined ? {} : { operationId }));
      assert(isStateError(failure, "STATE_DRIVER", "STATE_UNCERTAIN"), `it failed with ${failure}`);
      const isSafe = failure.code === "STATE_DRIVER" || operationId !== undefined;
      assertEquals([failure.code, failure.retryable], [failure.code, isSafe]);
    }
    plug.push();
    for (let again = 0; again < 3; again++) assertEquals(await state.increment(scope, "n", 1, { operationId: "op" }), 1);
    assertEquals(await (await open()).load(scope, "n"), 1);
  });

  test("B9 a copy of 2,000 entries and a large transaction are remembered like small ones", async ({ open }) => {
    const state = await open();
    let runs = 0;
    const fill = () =>
      state.transaction(async (tx) => {
        runs++;
        for (let i = 0; i < 2000; i++) await tx.save(scope, `k${i}`, i);
        return "filled";
      }, { operationId: "fill" });
    assertEquals([await fill(), await fill(), runs], ["filled", "filled", 1]);
    assertEquals(await state.copy(scope, other, { operationId }), 2000);
    await state.clear(other);
    for (const one of [state, await open()]) assertEquals(await one.copy(scope, other, { operationId }), 2000);
    assertEquals([await state.keys(other).toArray(), (await state.inspect()).commit], [[], 3]);
  });

  test("B9 an operation id is remembered over 1,500 later commits", async ({ open }) => {
    const state = await open();
    assertEquals(await state.increment(scope, "n", 5, { operationId }), 5);
    for (let batch = 0; batch < 15; batch++) await times(100, (i) => state.save(other, `k${i}`, batch));
    assertEquals((await state.inspect()).commit, 1501);
    assertEquals(await state.increment(scope, "n", 5, { operationId }), 5);
    await state.close();
    assertEquals(await (await open()).increment(scope, "n", 5, { operationId }), 5);
  });
}
