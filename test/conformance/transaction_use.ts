/**
 * Inside a transaction: its own writes are there for all of its verbs; outside, it is not there at all.
 *
 * @module
 */
import { StateScope } from "../../src/keys/scopes.ts";
import type { StateManager, Transaction } from "../../src/state/manager.ts";
import { assert, assertEquals, assertMisuse, assertStateError, failureOf } from "./assert.ts";
import { callsOf } from "./errors_and_closing.ts";
import { breathe, createGate, type Gate, numbered, type Test } from "./suite.ts";

const scope = StateScope.user("u");
const other = StateScope.user("other");

/** The transaction's own view, and its bounds. */
export function testTransactionUse(test: Test): void {
  test("a transaction sees its own writes in load, entry, has, keys and entries", async ({ open }) => {
    const state = await open();
    for (const key of ["a", "c", "e"]) await state.save(scope, key, `stored ${key}`);
    await state.transaction(async (tx) => {
      await tx.save(scope, "b", "own b");
      await tx.save(scope, "c", { own: "c" });
      assertEquals(await tx.delete(scope, "e"), true);
      assertEquals(await tx.delete(scope, "none"), false);
      await tx.save(other, "z", 1);
      assertEquals([await tx.load(scope, "a"), await tx.load(scope, "b"), await tx.load(scope, "c"), await tx.load(scope, "e")], [
        "stored a",
        "own b",
        { own: "c" },
        undefined,
      ]);
      assertEquals([await tx.has(scope, "b"), await tx.has(scope, "e"), await tx.has(scope, "none")], [true, false, false]);
      assertEquals(await tx.keys(scope).toArray(), ["a", "b", "c"]);
      assertEquals((await tx.entries(scope).toArray()).map(({ key, value }) => [key, value]), [["a", "stored a"], ["b", "own b"], ["c", {
        own: "c",
      }]]);
      assertEquals((await tx.entry(scope, "c"))?.value, { own: "c" });
      assertEquals(await tx.entry(scope, "e"), undefined);
      assertEquals(await tx.keys(other).toArray(), ["z"]);
    });
    assertEquals(await state.keys(scope).toArray(), ["a", "b", "c"]);
  });

  test("a transaction's own writes take their place in every kind of listing", async ({ open }) => {
    const state = await open();
    for (let i = 0; i < 20; i += 2) await state.save(scope, numbered("k", i), i);
    await state.transaction(async (tx) => {
      for (let i = 1; i < 20; i += 2) await tx.save(scope, numbered("k", i), i);
      await tx.delete(scope, numbered("k", 4));
      await tx.delete(scope, numbered("k", 5));
      const keys = Array.from({ length: 20 }, (_, i) => numbered("k", i)).filter((_, i) => i !== 4 && i !== 5);
      assertEquals(await tx.keys(scope).toArray(), keys);
      assertEquals(await tx.keys(scope, { reverse: true }).toArray(), [...keys].reverse());
      assertEquals(await tx.keys(scope, { limit: 6 }).toArray(), keys.slice(0, 6));
      assertEquals(await tx.keys(scope, { after: keys[2]!, limit: 3 }).toArray(), keys.slice(3, 6));
      assertEquals(await tx.keys(scope, { after: keys[9]!, limit: 3, reverse: true }).toArray(), keys.slice(6, 9).reverse());
      assertEquals(await tx.keys(scope, { prefix: "k001" }).toArray(), keys.filter((key) => key.startsWith("k001")));
      assertEquals(await tx.keys(scope).first(), keys[0]);
      assertEquals((await tx.entries(scope, { after: keys[15]! }).toArray()).map(({ value }) => value), [18, 19]);
    });
  });

  test("a transaction's clear counts and removes what is stored and what it wrote itself", async ({ open }) => {
    const state = await open();
    for (const key of ["a", "b"]) await state.save(scope, key, 1);
    await state.transaction(async (tx) => {
      await tx.save(scope, "c", 1);
      await tx.delete(scope, "a");
      assertEquals(await tx.clear(scope), 2);
      assertEquals([await tx.keys(scope).toArray(), await tx.has(scope, "b"), await tx.clear(scope)], [[], false, 0]);
      await tx.save(scope, "d", 1);
      assertEquals(await tx.in(scope).keys().toArray(), ["d"]);
    });
    assertEquals(await (await open()).keys(scope).toArray(), ["d"]);
    await state.transaction(async (tx) => {
      for (const key of ["a1", "a2", "b"]) await tx.save(scope, key, 1);
      assertEquals([await tx.clear(scope, { prefix: "a" }), await tx.in(scope).clear({ prefix: "a" })], [2, 0]);
    });
    assertEquals(await state.keys(scope).toArray(), ["b", "d"]);
  });

  test("a transaction's update and increment build on its own writes", async ({ open }) => {
    const state = await open();
    await state.save(scope, "n", 10);
    const result = await state.transaction(async (tx) => {
      assertEquals(await tx.increment(scope, "n"), 11);
      assertEquals(await tx.increment(scope, "n", 4), 15);
      assertEquals(await tx.update<number>(scope, "n", (n) => n! * 2), 30);
      assertEquals(await tx.update<string[]>(scope, "list", (list) => [...list ?? [], "x"]), ["x"]);
      assertEquals(await tx.update<string[]>(scope, "list", async (list) => [...await Promise.resolve(list!), "y"]), ["x", "y"]);
      await tx.delete(scope, "n");
      assertEquals(await tx.increment(scope, "n", 3), 3);
      return await tx.load(scope, "list");
    });
    assertEquals([result, await state.load(scope, "n"), (await state.entry(scope, "n"))?.revision], [["x", "y"], 3, 2]);
  });

  test("a key that a transaction saves and deletes was never there", async ({ open }) => {
    const state = await open();
    await state.transaction(async (tx) => {
      await tx.save(scope, "k", 1);
      assertEquals(await tx.delete(scope, "k"), true);
      await tx.save(scope, "other", 1);
    });
    assertEquals(await state.keys(scope).toArray(), ["other"]);
  });

  test("a precondition in a transaction is judged by what the transaction sees", async ({ open }) => {
    const state = await open();
    const { revision } = await state.save(scope, "k", 1);
    await state.transaction(async (tx) => {
      await tx.save(scope, "k", 2, { ifRevision: revision });
      assert((await tx.entry(scope, "k"))!.revision > revision, "its own write raised the revision");
      const conflict = await failureOf(tx.save(scope, "k", 3, { ifRevision: revision }));
      assertEquals((conflict as { code?: unknown }).code, "STATE_CONFLICT");
      await tx.delete(scope, "k");
      await tx.save(scope, "k", 4, { ifRevision: null });
      await tx.save(scope, "new", 1, { ifRevision: null });
    });
    assertEquals([await state.load(scope, "k"), await state.load(scope, "new")], [4, 1]);
  });

  test("a transaction keeps the class, content and expiry that its writes were given", async ({ open }) => {
    const state = await open();
    await state.transaction(async (tx) => {
      await tx.save(scope, "archived", "x".repeat(3000), { class: "archive" });
      await tx.save(scope, "password", "none", { content: "plain" });
      await tx.save(scope, "expires", 1, { expiresInMs: 60_000 });
      assertEquals([(await tx.entry(scope, "archived"))?.class, typeof (await tx.entry(scope, "expires"))?.expiresAt], [
        "archive",
        "object",
      ]);
    });
    const reader = await open();
    assertEquals((await reader.entry(scope, "archived"))?.class, "archive");
    assertEquals((await reader.entry(scope, "password"))?.content, "plain");
    assert((await reader.entry(scope, "expires"))?.expiresAt instanceof Date, "it expires");
    assertEquals(await reader.load(scope, "archived"), "x".repeat(3000));
  });

  test("calls that a transaction's function does not await are part of it all the same", async ({ open }) => {
    const state = await open();
    await state.transaction((tx) => {
      tx.save(scope, "a", 1);
      tx.save(scope, "b", 2);
      tx.increment(scope, "n");
    });
    assertEquals(await state.loadMany(scope, ["a", "b", "n"]), new Map([["a", 1], ["b", 2], ["n", 1]]));
  });

  test("a call that fails, and that a transaction's function does not await, fails the transaction", async ({ open }) => {
    const state = await open();
    await state.save(scope, "from", 10);
    const first = new Error("the first");
    const calls: Record<string, (tx: Transaction) => unknown> = {
      early: async (tx) => {
        tx.save(scope, "from", 5, { ifRevision: 99 });
        await breathe();
        await tx.has(scope, "from");
      },
      late: (tx) => void tx.delete(scope, "from", { ifRevision: 99 }),
      "in a scope": async (tx) => {
        tx.in(scope).save("from", 5, { ifRevision: 99 });
        await breathe();
      },
      "given out": (tx) => [tx.save(scope, "from", 5, { ifRevision: 99 })],
    };
    for (const [name, call] of Object.entries(calls)) {
      const running = state.transaction(async (tx) => {
        tx.save(scope, "to", name);
        await call(tx);
      });
      await assertStateError(running, "STATE_CONFLICT", name);
    }
    const failure = await failureOf(state.transaction(async (tx) => {
      tx.update(scope, "from", () => Promise.reject(first));
      await breathe();
      tx.update(scope, "from", () => Promise.reject(new Error("the second")));
    }));
    assert(failure === first, `it should be the first failure, and is ${failure}`);
    assertEquals([await state.load(scope, "from"), await state.keys(scope).toArray()], [10, ["from"]]);
  });

  test("a failure that a transaction's function takes up, sooner or later, does not fail the transaction", async ({ open }) => {
    const state = await open();
    await state.save(scope, "k", 1);
    const refused = (tx: Transaction) => tx.save(scope, "k", 2, { ifRevision: 99 });
    const calls: Record<string, (tx: Transaction) => unknown> = {
      awaited: (tx) => failureOf(refused(tx)),
      "awaited later": async (tx) => {
        const call = refused(tx);
        await breathe();
        await failureOf(call);
      },
      "caught and not awaited": (tx) => void refused(tx).catch(() => {}),
      "one of several": (tx) => Promise.allSettled([refused(tx), tx.load(scope, "k")]),
      "awaited by another function": (tx) => void failureOf(refused(tx)),
    };
    for (const [name, call] of Object.entries(calls)) {
      await state.transaction(async (tx) => {
        tx.save(scope, "done", name);
        await call(tx);
      });
      assertEquals(await state.load(scope, "done"), name);
    }
    assertEquals(await state.load(scope, "k"), 1);
  });

  test("using a transaction after it has ended is a TypeError, and changes nothing", async ({ open }) => {
    const state = await open();
    await state.save(scope, "k", 1);
    const kept: Transaction[] = [];
    await state.transaction(async (tx) => {
      kept.push(tx);
      await tx.save(scope, "l", 1);
    });
    await failureOf(state.transaction((tx) => {
      kept.push(tx);
      throw new Error("own");
    }));
    await state.transaction((tx) => {
      kept.push(tx);
      return tx.has(scope, "k");
    });
    for (const tx of kept) {
      const calls = [
        () => tx.save(scope, "late", 1),
        () => tx.load(scope, "k"),
        () => tx.entry(scope, "k"),
        () => tx.has(scope, "k"),
        () => tx.delete(scope, "k"),
        () => tx.keys(scope).toArray(),
        () => tx.entries(scope).first(),
        () => tx.clear(scope),
        () => tx.update(scope, "k", () => 2),
        () => tx.increment(scope, "k"),
        () => tx.in(scope).save("late", 1),
        () => tx.in(scope).keys().toArray(),
      ];
      for (const call of calls) await assertMisuse(call, String(call), /transaction/i);
    }
    assertEquals([await state.load(scope, "k"), await state.keys(scope).toArray(), (await state.inspect()).commit], [1, ["k", "l"], 2]);
  });

  test("a cursor that leaves its transaction is a TypeError", async ({ open }) => {
    const state = await open();
    await state.save(scope, "k", 1);
    const cursor = await state.transaction((tx) => ({ keys: tx.keys(scope) }));
    await assertMisuse(() => cursor.keys.toArray(), "the cursor");
  });

  test("B9b every verb of the outer state inside a transaction is a TypeError, not a deadlock", async ({ open }) => {
    const state = await open();
    await state.save(scope, "k", 1);
    for (const [name, call] of Object.entries(callsOf(state))) {
      await assertMisuse(() => state.transaction(() => call()), `${name} at its beginning`, /transaction/i);
      await assertMisuse(
        () =>
          state.transaction(async (tx) => {
            await tx.load(scope, "k");
            await call();
          }),
        `${name} after an await`,
        /transaction/i,
      );
      const afterAll = () =>
        state.transaction(async (tx) => {
          await Promise.all([tx.load(scope, "k"), tx.save(scope, "l", 1)]);
          await tx.keys(scope).toArray();
          await call();
        });
      await assertMisuse(afterAll, `${name} after a listing`, /transaction/i);
    }
    assertEquals([await state.load(scope, "k"), await state.keys(scope).toArray(), (await state.inspect()).commit], [1, ["k"], 1]);
  });

  test("B9b the outer state is a TypeError also in an update inside the transaction, and in a transaction in one", async ({ open }) => {
    const state = await open();
    await state.save(scope, "k", 1);
    await assertMisuse(
      () => state.transaction((tx) => tx.update(scope, "k", async () => (await state.load<number>(scope, "k"))! + 1)),
      "in an update",
    );
    await assertMisuse(() => state.transaction(() => state.transaction((tx) => tx.save(scope, "k", 2))), "a nested transaction");
    await assertMisuse(() => state.transaction(() => state.in(scope).save("k", 2)), "a scoped state");
    assertEquals(await state.load(scope, "k"), 1);
  });

  test("B9b the outer state after a foreign await inside a transaction never deadlocks", async ({ open }) => {
    const state = await open();
    await state.save(scope, "k", 1);
    const gates: Gate[] = [createGate(), createGate()];
    for (const [i, call] of [() => state.load(scope, "k"), () => state.save(other, "k", 1)].entries()) {
      const running = state.transaction(async (tx) => {
        await tx.save(scope, "l", i);
        await gates[i]!.promise;
        await call();
      });
      gates[i]!.open();
      // Nothing on the web can tell here whose call it is; settling, either way, is what counts.
      await running.catch((error: unknown) => assert(error instanceof TypeError, `it failed with ${error}`));
    }
    assertEquals(await state.load(scope, "k"), 1);
  });

  test("B9b the outer state beside a running transaction is no part of it", async ({ open }) => {
    const state = await open();
    await state.save(scope, "k", 1);
    const [started, go] = [createGate(), createGate()];
    const running = state.transaction(async (tx) => {
      await tx.save(scope, "mine", 1);
      started.open();
      await go.promise;
      await tx.save(scope, "mine too", 1);
    });
    await started.promise;
    assertEquals([await state.load(scope, "k"), await state.has(scope, "mine")], [1, false]);
    await state.save(scope, "theirs", 1);
    assertEquals(await concurrently(state), 1);
    go.open();
    await running;
    assertEquals(await state.keys(scope).toArray(), ["k", "mine", "mine too", "n", "theirs"]);
  });

  test("another state inside a transaction is an ordinary other state", async ({ open, supports }) => {
    if (supports.writers !== "many") return;
    const [state, second] = [await open(), await open()];
    await state.transaction(async (tx) => {
      await tx.save(scope, "k", 1);
      await second.save(other, "k", 2);
      assertEquals(await second.load(scope, "k"), undefined);
      await tx.save(scope, "l", await second.load(other, "k"));
    });
    assertEquals(await second.loadMany(scope, ["k", "l"]), new Map([["k", 1], ["l", 2]]));
  });
}

function concurrently(state: StateManager): Promise<number> {
  return state.transaction((tx) => tx.increment(scope, "n"));
}
