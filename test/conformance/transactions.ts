/**
 * Transactions are all or nothing, and none commits on what is not so any more.
 *
 * @module
 */
import { StateScope } from "../../src/keys/scopes.ts";
import type { StateManager } from "../../src/state/manager.ts";
import { assert, assertEquals, assertMisuse, assertStateError, fail, failureOf } from "./assert.ts";
import { breathe, createGate, numbered, type Test, times } from "./suite.ts";

const scope = StateScope.workflow("w");
const other = StateScope.workflow("other");

/** B8: atomicity and isolation. */
export function testTransactions(test: Test): void {
  test("B8 a transaction of many writes is one commit, seen whole by others", async ({ open }) => {
    const state = await open();
    const reader = await open();
    const result = await state.transaction(async (tx) => {
      for (let i = 0; i < 50; i++) await tx.save(scope, numbered("k", i), i);
      await tx.save(other, "k", "other");
      return "done";
    });
    assertEquals(result, "done");
    const entries = await reader.entries(scope).toArray();
    assertEquals([entries.length, new Set(entries.map(({ commit }) => commit))], [50, new Set([1])]);
    assertEquals((await reader.entry(other, "k"))?.commit, 1);
  });

  test("B8 a transaction that throws leaves no trace", async ({ open }) => {
    const state = await open();
    await state.save(scope, "kept", 1);
    const own = new Error("own");
    const failing = [
      () => {
        throw own;
      },
      () => Promise.reject(own),
    ];
    for (const fail of failing) {
      const failure = await failureOf(state.transaction(async (tx) => {
        await tx.save(scope, "new", 1);
        await tx.delete(scope, "kept");
        await tx.clear(other);
        await tx.increment(other, "n");
        return await fail();
      }));
      assertEquals(failure, own);
    }
    for (const reader of [state, await open()]) {
      assertEquals([await reader.keys(scope).toArray(), await reader.keys(other).toArray(), (await reader.inspect()).commit], [
        ["kept"],
        [],
        1,
      ]);
    }
  });

  test("B8 a call that fails inside a transaction may be caught, and the rest commits", async ({ open }) => {
    const state = await open();
    await state.transaction(async (tx) => {
      await tx.save(scope, "a", 1);
      await assertStateError(() => tx.save(scope, "b", Symbol("no")), "STATE_INVALID_VALUE");
      await assertStateError(() => tx.save(scope, "a", 2, { ifRevision: 9 }), "STATE_CONFLICT");
      await tx.save(scope, "c", 3);
    });
    assertEquals(await state.loadMany(scope, ["a", "b", "c"]), new Map([["a", 1], ["c", 3]]));
  });

  test("B8 write skew: of two transactions that read each other's writes, one runs again", async ({ open }) => {
    const [one, two] = [await open(), await open()];
    for (let round = 0; round < 4; round++) {
      await one.save(scope, "a", "on call");
      await one.save(scope, "b", "on call");
      let runs = 0;
      const gate = createGate();
      let waiting = 0;
      // Each goes off call only if the other one stays.
      const leave = (state: StateManager, me: string, them: string) =>
        state.transaction(async (tx) => {
          runs++;
          const isFree = await tx.load(scope, them) === "on call";
          if (++waiting === 2) gate.open();
          if (waiting <= 2) await gate.promise;
          if (isFree) await tx.save(scope, me, "off");
        });
      await Promise.all([leave(one, "a", "b"), leave(two, "b", "a")]);
      const left = [...(await two.loadMany(scope, ["a", "b"])).values()].filter((value) => value === "on call");
      assertEquals([left.length, runs], [1, 3]);
    }
  });

  test("B8 two transactions that count what is there and add to it never both count the same: no phantoms", async ({ open }) => {
    const counters: Record<string, (tx: Parameters<Parameters<StateManager["transaction"]>[0]>[0]) => Promise<number>> = {
      keys: async (tx) => (await tx.keys(scope).toArray()).length,
      entries: async (tx) => (await tx.entries(scope).toArray()).length,
      "keys with a prefix": async (tx) => (await tx.keys(scope, { prefix: "seat" }).toArray()).length,
      "keys, iterated": async (tx) => {
        let count = 0;
        for await (const _ of tx.keys(scope)) count++;
        return count;
      },
      "first, backwards": async (tx) => Number((await tx.keys(scope, { reverse: true }).first() ?? "seat 0").slice(5)),
      has: async (tx) => {
        let count = 0;
        while (await tx.has(scope, `seat ${count + 1}`)) count++;
        return count;
      },
    };
    const [one, two] = [await open(), await open()];
    for (const [name, count] of Object.entries(counters)) {
      const seats = await times(8, (i) =>
        [one, two][i % 2]!.transaction(async (tx) => {
          const seat = await count(tx) + 1;
          await Promise.resolve();
          await tx.save(scope, `seat ${seat}`, i);
          return seat;
        }));
      assertEquals(seats.sort(), [1, 2, 3, 4, 5, 6, 7, 8], name);
      assertEquals(await one.clear(scope), 8);
    }
  });

  test("B8 a transaction that finds a key absent conflicts with whoever creates it", async ({ open }) => {
    const [one, two] = [await open(), await open()];
    let runs = 0;
    const seen = await one.transaction(async (tx) => {
      const before = await tx.load(scope, "k");
      if (++runs === 1) await two.save(scope, "k", "theirs");
      await tx.save(other, "copy", before ?? "absent");
      return before;
    });
    assertEquals([seen, runs, await one.load(other, "copy")], ["theirs", 2, "theirs"]);
  });

  test("B8 reads are of one commit: a key read twice is the same twice, whoever writes in between", async ({ open }) => {
    const [one, two] = [await open(), await open()];
    await one.save(scope, "k", 0);
    await one.save(scope, "l", 0);
    let runs = 0;
    const pairs: unknown[][] = [];
    await one.transaction(async (tx) => {
      runs++;
      const first = await tx.load(scope, "k");
      if (runs <= 2) {
        await two.transaction(async (theirs) => {
          await theirs.save(scope, "k", runs);
          await theirs.save(scope, "l", runs);
        });
      }
      pairs.push([first, await tx.load(scope, "l"), await tx.load(scope, "k")]);
      await tx.save(scope, "m", 1);
    });
    for (const [first, second, third] of pairs) assertEquals([second, third], [first, first]);
    assertEquals([runs, await two.load(scope, "m")], [3, 1]);
  });

  test("B8 a listing and a read in one transaction are of one commit", async ({ open }) => {
    const [writer, reader] = [await open(), await open()];
    const write = (turn: number) =>
      writer.transaction(async (tx) => {
        await tx.clear(scope);
        for (let i = 0; i <= turn % 3; i++) await tx.save(scope, `k${i}`, turn);
        await tx.save(other, "count", turn % 3 + 1);
      });
    await write(0);
    let isWriting = true;
    const reading = (async () => {
      do {
        const [entries, count] = await reader.transaction(async (tx) =>
          [await tx.entries(scope).toArray(), await tx.load(other, "count")] as const
        );
        assertEquals([entries.length, new Set(entries.map(({ value }) => value)).size], [count, 1]);
        await breathe();
      } while (isWriting);
    })();
    try {
      for (let turn = 1; turn <= 30; turn++) await write(turn);
    } finally {
      isWriting = false;
      await reading;
    }
  });

  test("B8 a read-only transaction sees one commit and commits nothing", async ({ open }) => {
    const state = await open();
    await state.save(scope, "k", 1);
    let commits = 0;
    assertEquals(await state.transaction((tx) => tx.load(scope, "k"), { onCommit: () => commits++ }), 1);
    assertEquals(await state.transaction(() => "nothing"), "nothing");
    assertEquals([(await state.inspect()).commit, commits], [1, 0]);
  });

  test("B8 blind writes of two transactions need no second run", async ({ open }) => {
    const [one, two] = [await open(), await open()];
    let runs = 0;
    await times(10, (i) =>
      [one, two][i % 2]!.transaction(async (tx) => {
        runs++;
        await tx.save(scope, "a", i);
        await tx.save(scope, "b", i);
      }));
    assertEquals(runs, 10);
    const values = await one.loadMany(scope, ["a", "b"]);
    assertEquals(values.get("a"), values.get("b"));
    assertEquals((await one.entry(scope, "a"))?.revision, 10);
  });

  test("B8 transfers at once, between and within states, neither make nor lose money", async ({ open }) => {
    const [one, two] = [await open(), await open()];
    const accounts = Array.from({ length: 6 }, (_, i) => `account ${i}`);
    await one.transaction(async (tx) => {
      for (const account of accounts) await tx.save(scope, account, 100);
    });
    let isRunning = true;
    const audit = (async () => {
      do {
        const values = [...(await two.loadMany<number>(scope, accounts)).values()];
        assertEquals(values.reduce((sum, n) => sum + n, 0), 600, "seen from outside");
        await breathe();
      } while (isRunning);
    })();
    try {
      await times(40, (i) =>
        [one, two][i % 2]!.transaction(async (tx) => {
          const [from, to] = [accounts[i % 6]!, accounts[(i * 5 + 1) % 6]!];
          const [a, b] = await Promise.all([tx.load<number>(scope, from), tx.load<number>(scope, to)]);
          if (from === to || a! < 30) return;
          await tx.save(scope, from, a! - 30);
          await tx.save(scope, to, b! + 30);
        }));
    } finally {
      isRunning = false;
      await audit;
    }
    const left = [...(await one.loadMany<number>(scope, accounts)).values()];
    assertEquals(left.reduce((sum, n) => sum + n, 0), 600);
    assert(left.every((n) => n >= 0), `overdrawn: ${left}`);
  });

  test("B8 a transaction defeated in every attempt is STATE_CONFLICT, retryable, and leaves no trace", async ({ open }) => {
    const [one, two] = [await open(), await open()];
    let runs = 0;
    const error = await assertStateError(
      one.transaction(async (tx) => {
        await tx.load(scope, "k");
        await two.save(scope, "k", ++runs);
        await tx.save(scope, "mine", runs);
      }, { attempts: 3 }),
      "STATE_CONFLICT",
    );
    assertEquals([runs, error.retryable, await two.has(scope, "mine"), await two.load(scope, "k")], [3, true, false, 3]);
    for (const attempts of [0, -1, 1.5, NaN]) {
      await assertMisuse(() => one.transaction(() => 1, { attempts }), `attempts ${attempts}`, /attempts/, RangeError);
    }
  });

  test("B8 onCommit is called once, with the commit, however often the function ran", async ({ open }) => {
    const [one, two] = [await open(), await open()];
    const commits: number[] = [];
    let runs = 0;
    await one.transaction(async (tx) => {
      const n = await tx.load<number>(scope, "n") ?? 0;
      if (++runs === 1) await two.save(scope, "n", 5);
      await tx.save(scope, "n", n + 1);
    }, { onCommit: ({ commit }) => commits.push(commit) });
    assertEquals([runs, commits], [2, [(await one.entry(scope, "n"))!.commit]]);
  });

  test("B8 onCommit that fails, at once or later, leaves the transaction committed, and onWarning hears it", async ({ open }) => {
    const heard: [code: string, commit: number | undefined][] = [];
    const state = await open({ onWarning: ({ code, commit }) => code === "onCommit" && heard.push([code, commit]) });
    const failures: (() => void)[] = [
      () => fail("it has no time"),
      () => Promise.reject(new Error("it has no time")),
    ];
    for (const [i, onCommit] of failures.entries()) {
      assertEquals(await state.transaction((tx) => tx.increment(scope, "n"), { onCommit }), i + 1);
      await breathe();
    }
    const { commit } = await state.inspect();
    assertEquals(heard, [["onCommit", commit - 1], ["onCommit", commit]]);
  });
}
