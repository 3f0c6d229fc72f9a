/**
 * What is saved is there, for this state and for others, and nothing else changes it.
 *
 * @module
 */
import { StateScope } from "../../src/keys/scopes.ts";
import { assert, assertEquals, assertMisuse, assertStateError, failureOf } from "./assert.ts";
import { nineScopes } from "./scopes_and_keys.ts";
import { breathe, createClock, type Test, times } from "./suite.ts";

const scope = StateScope.user("alice");

/** B1, B2, B10, B11, and what `entry` tells. */
export function testSaveAndLoad(test: Test): void {
  test("B1 save, load, delete, delete again, load, and has follows", async ({ open }) => {
    const state = await open();
    assertEquals(await state.load(scope, "k"), undefined);
    assertEquals(await state.has(scope, "k"), false);
    assertEquals(await state.delete(scope, "k"), false);
    assertEquals(await state.save(scope, "k", { n: 1 }), { revision: 1, commit: 1 });
    assertEquals(await state.load(scope, "k"), { n: 1 });
    assertEquals(await state.has(scope, "k"), true);
    assertEquals(await state.delete(scope, "k"), true);
    assertEquals(await state.delete(scope, "k"), false);
    assertEquals(await state.load(scope, "k"), undefined);
    assertEquals(await state.entry(scope, "k"), undefined);
    assertEquals(await state.has(scope, "k"), false);
  });

  test("B1 save() overwrites, and each receipt counts on", async ({ open }) => {
    const state = await open();
    for (let i = 1; i <= 5; i++) {
      assertEquals(await state.save(scope, "k", i), { revision: i, commit: i });
      assertEquals(await state.load(scope, "k"), i);
    }
    assertEquals(await state.save(scope, "other", 1), { revision: 1, commit: 6 });
  });

  test("B1 a value of null is a value", async ({ open }) => {
    const state = await open();
    await state.save(scope, "k", null);
    assertEquals([await state.load(scope, "k"), await state.has(scope, "k")], [null, true]);
    assertEquals(await state.loadMany(scope, ["k", "none"]), new Map([["k", null]]));
    assertEquals(await state.keys(scope).toArray(), ["k"]);
    assertEquals(await state.delete(scope, "k"), true);
  });

  test("B1 save() of undefined fails and leaves what was there", async ({ open }) => {
    const state = await open();
    await state.save(scope, "k", 1);
    await failureOf(state.save(scope, "k", undefined), "undefined");
    assertEquals((await state.entry(scope, "k"))?.revision, 1);
    assertEquals(await state.load(scope, "k"), 1);
  });

  test("B2 what one state wrote a new one reads, in every scope, with its revision", async ({ open }) => {
    const state = await open();
    for (const [text, one] of nineScopes) {
      await state.save(one, "k", "first");
      await state.save(one, "k", text);
    }
    await state.close();
    const again = await open();
    for (const [text, one] of nineScopes) {
      const entry = await again.entry(one, "k");
      assertEquals([entry?.value, entry?.revision, entry?.scope], [text, 2, one]);
      assertEquals(await again.save(one, "k", "third"), { revision: 3, commit: (await again.inspect()).commit });
    }
    assertEquals(await again.scopes().toArray().then((all) => all.length), nineScopes.length);
    assertEquals(again.recovered.setAside, []);
  });

  test("B2 entry() tells the value's revision, commit, times, class and content", async ({ open }) => {
    const clock = createClock();
    const state = await open({ now: clock.now });
    const created = new Date(clock.now());
    await state.save(scope, "k", 1);
    clock.advance(5000);
    await state.save(scope, "k", { n: 2 });
    for (const reader of [state, await open({ now: clock.now })]) {
      assertEquals(await reader.entry(scope, "k"), {
        scope,
        key: "k",
        value: { n: 2 },
        revision: 2,
        commit: 2,
        createdAt: created,
        updatedAt: new Date(clock.now()),
        class: "standard",
        content: "plain",
      });
    }
  });

  test("B2 an entry that was deleted and saved again was created anew", async ({ open }) => {
    const clock = createClock();
    const state = await open({ now: clock.now });
    await state.save(scope, "k", 1);
    await state.delete(scope, "k");
    clock.advance(1000);
    await state.save(scope, "k", 2);
    assertEquals((await state.entry(scope, "k"))?.createdAt, new Date(clock.now()));
  });

  test("B2 times never run backwards when the clock does", async ({ open }) => {
    const clock = createClock();
    const state = await open({ now: clock.now });
    await state.save(scope, "k", 1);
    const before = clock.now();
    clock.advance(-60_000);
    await state.save(scope, "k", 2);
    await state.save(scope, "l", 1);
    for (const key of ["k", "l"]) {
      const entry = await state.entry(scope, key);
      assert(entry!.updatedAt.getTime() >= before, `${key} was written at ${entry!.updatedAt.getTime()}, before ${before}`);
      assert(entry!.updatedAt.getTime() >= entry!.createdAt.getTime(), `${key} was written before it was created`);
    }
  });

  test("loadMany() gives the values that are there, by the keys asked for", async ({ open }) => {
    const state = await open();
    await state.save(scope, "a", 1);
    await state.save(scope, "b", null);
    await state.save(StateScope.user("bob"), "c", 3);
    assertEquals(await state.loadMany(scope, ["b", "none", "a", "c", "a"]), new Map([["b", null], ["a", 1]] as [string, unknown][]));
    assertEquals(await state.in(scope).loadMany(["b", "none"]), new Map([["b", null]]));
    assertEquals(await state.loadMany(scope, []), new Map());
    // deno-lint-ignore no-sparse-arrays
    await assertMisuse(() => state.loadMany(scope, [, "a"] as never), "a hole", /use undefined as a key/);
    await assertMisuse(() => state.loadMany(scope, "a" as never), "a text", /keys "a": they must be an array/);
    assertEquals((await (await open()).loadMany(scope, ["a"])).get("a"), 1);
  });

  test("loadMany() is of one commit while another state writes", async ({ open, supports }) => {
    if (supports.writers !== "many") return;
    const [writer, reader] = [await open(), await open()];
    const keys = ["a", "b", "c", "d"];
    const write = (turn: number) =>
      writer.transaction(async (tx) => {
        for (const key of keys) await tx.save(scope, key, turn);
      });
    await write(0);
    let isWriting = true;
    const reading = (async () => {
      do {
        const values = [...(await reader.loadMany<number>(scope, keys)).values()];
        assertEquals(values, keys.map(() => values[0]), "of one commit");
        await breathe();
      } while (isWriting);
    })();
    try {
      for (let turn = 1; turn <= 40; turn++) await write(turn);
    } finally {
      isWriting = false;
      await reading;
    }
  });

  test("B10 a write that fails leaves the previous value and revision", async ({ open }) => {
    const state = await open({ limits: { valueBytes: 10_000 } });
    const cycle: Record<string, unknown> = {};
    cycle.self = cycle;
    await state.save(scope, "k", "kept");
    await state.save(scope, "n", 1);
    const failing = [
      () => state.save(scope, "k", "x".repeat(20_000)),
      () => state.save(scope, "k", cycle),
      () => state.save(scope, "k", { f: () => 1 }),
      () => state.save(scope, "k", 1, { content: "sensitive" }),
      () => state.save(scope, "k", 1, { ifRevision: 9 }),
      () => state.delete(scope, "k", { ifRevision: 9 }),
      () => state.update(scope, "k", () => cycle),
      () => state.update(scope, "k", () => "x".repeat(20_000)),
      () => state.update(scope, "k", () => Promise.reject(new Error("own"))),
      () => state.increment(scope, "k"),
      () => state.once(scope, "o", () => cycle),
      () =>
        state.transaction(async (tx) => {
          await tx.save(scope, "k", "changed");
          await tx.delete(scope, "n");
          await tx.save(scope, "k", cycle);
        }),
    ];
    for (const act of failing) await failureOf(act, String(act));
    for (const reader of [state, await open()]) {
      const entry = await reader.entry(scope, "k");
      assertEquals([entry?.value, entry?.revision, entry?.commit], ["kept", 1, 1]);
      assertEquals(await reader.keys(scope).toArray(), ["k", "n"]);
    }
  });

  test("B10 a failed write stands in nobody's way", async ({ open }) => {
    const state = await open();
    const outcomes = await Promise.allSettled([
      state.save(scope, "a", 1),
      state.save(scope, "b", Symbol("no")),
      state.save(scope, "c", 1, { ifRevision: 5 }),
      state.save(scope, "d", 1),
      state.transaction(() => Promise.reject(new Error("own"))),
      state.save(scope, "e", 1),
    ]);
    assertEquals(outcomes.map(({ status }) => status === "fulfilled"), [true, false, false, true, false, true]);
    assertEquals(await state.keys(scope).toArray(), ["a", "d", "e"]);
  });

  test("B11 changing what was saved, or what was loaded, changes nothing in the store", async ({ open }) => {
    const state = await open();
    const make = () => ({ list: [1, { deep: true }], when: new Date(0), map: new Map([["k", { n: 1 }]]), bytes: new Uint8Array([1, 2]) });
    const spoil = (value: ReturnType<typeof make>) => {
      value.list.push(9);
      (value.list[1] as { deep: boolean }).deep = false;
      value.when.setTime(5);
      value.map.get("k")!.n = 9;
      value.bytes.fill(9);
    };
    const given = make();
    const saving = state.save(scope, "k", given);
    spoil(given);
    await saving;
    const reads = {
      load: () => state.load<ReturnType<typeof make>>(scope, "k"),
      entry: async () => (await state.entry<ReturnType<typeof make>>(scope, "k"))!.value,
      loadMany: async () => (await state.loadMany<ReturnType<typeof make>>(scope, ["k"])).get("k"),
      entries: async () => (await state.entries<ReturnType<typeof make>>(scope).first())!.value,
      transaction: () => state.transaction((tx) => tx.load<ReturnType<typeof make>>(scope, "k")),
    };
    for (const [name, read] of Object.entries(reads)) {
      for (let again = 0; again < 2; again++) {
        const value = await read();
        assertEquals(value, make(), name);
        spoil(value!);
      }
    }
    await failureOf(state.update<ReturnType<typeof make>>(scope, "k", (value) => {
      spoil(value!);
      throw new Error("own");
    }));
    assertEquals(await state.load(scope, "k"), make());
  });

  test("B11 a Date handed out by entry() is the caller's own", async ({ open }) => {
    const state = await open();
    await state.save(scope, "k", 1);
    const first = (await state.entry(scope, "k"))!;
    const at = first.createdAt.getTime();
    first.createdAt.setTime(0);
    first.updatedAt.setTime(0);
    const second = (await state.entry(scope, "k"))!;
    assertEquals([second.createdAt.getTime(), second.updatedAt.getTime()], [at, at]);
  });

  test("B11 a value saved by a transaction, an update or once is the store's own", async ({ open }) => {
    const state = await open();
    const given = { n: 1 };
    await state.transaction(async (tx) => {
      await tx.save(scope, "tx", given);
      given.n = 2;
      const seen = await tx.load<{ n: number }>(scope, "tx");
      assertEquals(seen, { n: 1 });
      seen!.n = 3;
      assertEquals(await tx.load(scope, "tx"), { n: 1 });
    });
    const updated = await state.update<{ n: number }>(scope, "up", () => given);
    updated!.n = 9;
    const made = await state.once(scope, "once", () => given);
    made.n = 9;
    given.n = 8;
    assertEquals(await state.loadMany(scope, ["tx", "up", "once"]), new Map([["tx", { n: 1 }], ["up", { n: 2 }], ["once", { n: 2 }]]));
  });

  test("64 savers at once all succeed, each in a commit of its own", async ({ open, supports }) => {
    const states = [await open()];
    if (supports.writers === "many") states.push(await open());
    const receipts = await times(64, (i) => states[i % states.length]!.save(scope, `k${i}`, i));
    assertEquals(receipts.map(({ revision }) => revision), receipts.map(() => 1));
    assertEquals(receipts.map(({ commit }) => commit).sort((a, b) => a - b), receipts.map((_, i) => i + 1));
    const reader = await open();
    assertEquals(await reader.loadMany(scope, receipts.map((_, i) => `k${i}`)), new Map(receipts.map((_, i) => [`k${i}`, i])));
  });

  test("64 savers of one key leave the value of the greatest revision", async ({ open, supports }) => {
    const states = [await open()];
    if (supports.writers === "many") states.push(await open());
    const receipts = await times(64, (i) => states[i % states.length]!.save(scope, "k", i));
    assertEquals(receipts.map(({ revision }) => revision).sort((a, b) => a - b), receipts.map((_, i) => i + 1));
    const last = receipts.findIndex(({ revision }) => revision === 64);
    for (const state of states) assertEquals(await state.load(scope, "k"), last);
  });

  test("what one state saves without waiting it loads in order", async ({ open }) => {
    const state = await open();
    const first = state.save(scope, "k", 1);
    const second = state.save(scope, "k", 2);
    const removal = state.delete(scope, "k");
    const third = state.save(scope, "k", 3);
    assertEquals([(await first).revision, (await second).revision, await removal, (await third).revision > 2], [1, 2, true, true]);
    assertEquals(await state.load(scope, "k"), 3);
  });

  test("the options of a call are those that it was made with, whatever becomes of the object", async ({ open }) => {
    const state = await open();
    await state.save(scope, "k", 1);
    const refusing: Record<string, (options: { ifRevision: number | null }) => Promise<unknown>> = {
      save: (options) => state.save(scope, "k", 2, options),
      delete: (options) => state.delete(scope, "k", options),
      update: (options) => state.update(scope, "k", () => 2, options),
      "update that takes its time": (options) => state.update(scope, "k", () => Promise.resolve(2), options),
      increment: (options) => state.increment(scope, "k", 1, options),
      "in().save": (options) => state.in(scope).save("k", 2, options),
    };
    for (const [name, call] of Object.entries(refusing)) {
      const options = { ifRevision: null as number | null };
      const called = call(options);
      options.ifRevision = 1;
      await assertStateError(called, "STATE_CONFLICT", name);
    }
    await state.transaction(async (tx) => {
      const options = { ifRevision: null as number | null };
      const calls = [
        tx.save(scope, "k", 2, options),
        tx.in(scope).delete("k", options),
        tx.update(scope, "k", () => 2, options),
        tx.increment(scope, "k", 1, options),
      ];
      options.ifRevision = 1;
      for (const call of calls) await assertStateError(call, "STATE_CONFLICT", "in a transaction");
    });
    const remembered: Record<string, (options: { operationId: string }) => Promise<unknown>> = {
      clear: (options) => state.clear(StateScope.user("nobody"), options),
      copy: (options) => state.copy(scope, StateScope.user("copy"), options),
      move: (options) => state.move(StateScope.user("copy"), StateScope.user("moved"), options),
      once: (options) => state.once(scope, "once", () => 1, options),
      transaction: (options) => state.transaction((tx) => tx.increment(scope, "n"), options),
    };
    for (const [name, call] of Object.entries(remembered)) {
      const options = { operationId: name };
      const called = call(options);
      options.operationId = "another";
      const first = await called;
      const { commit } = await state.inspect();
      assertEquals([await call({ operationId: name }), (await state.inspect()).commit], [first, commit], name);
    }
    const [page, from, initial] = [{ limit: 1 }, { limit: 1 }, { list: ["first"] }];
    const [keys, scopes] = [state.keys(scope, page), state.scopes(from)];
    const updated = state.update<{ list: string[] }>(scope, "list", async ({ list }) => ({ list: [...await list, "own"] }), { initial });
    [page.limit, from.limit] = [9, 9];
    initial.list.push("late");
    assertEquals([await keys.toArray(), await scopes.toArray(), await updated], [["k"], [scope], { list: ["first", "own"] }]);
  });

  test("an unknown class or content, or an impossible option, is refused before anything is written", async ({ open }) => {
    const state = await open();
    // deno-lint-ignore no-explicit-any
    const save = (options: any) => state.save(scope, "k", 1, options);
    await assertMisuse(() => save({ class: "fast" }), 'class "fast"', /standard/);
    await assertMisuse(() => save({ content: "secret" }), 'content "secret"');
    for (const ifRevision of [0, -1, 1.5, NaN, "1", true]) await assertMisuse(() => save({ ifRevision }), `ifRevision ${ifRevision}`);
    for (const expiresInMs of [0, -1, NaN]) {
      await assertMisuse(() => save({ expiresInMs }), `expiresInMs ${expiresInMs}`, /expiresInMs/, RangeError);
    }
    for (const by of [NaN, Infinity, "1"] as number[]) await failureOf(state.increment(scope, "k", by), `by ${by}`);
    // A message tells a number from a text that looks like one.
    await assertMisuse(() => save({ ifRevision: "1" }), "ifRevision", /ifRevision "1"/);
    await assertMisuse(() => save({ ifRevision: 5n }), "ifRevision", /ifRevision 5n/);
    await assertMisuse(() => save({ expiresInMs: "60" }), "expiresInMs", /expiresInMs "60"/, RangeError);
    for (const [by, says] of [["1", /by "1"/], [5n, /by 5n/], [null, /by null/], [{}, /by an object/]] as const) {
      await assertMisuse(() => state.increment(scope, "k", by as never), "by", says);
      await assertMisuse(() => state.transaction((tx) => tx.increment(scope, "k", by as never)), "by in a transaction", says);
    }
    for (
      const [key, says] of [[null, /use null as/], [undefined, /use undefined as/], [5, /a number/], [[], /an array|typed key/]] as const
    ) {
      await assertMisuse(() => state.load(scope, key as never), "a key", says);
    }
    assertEquals((await state.inspect()).commit, 0);
  });

  test("a sensitive entry is STATE_SECRET, by option and by the words of its key, unless it is said to be plain", async ({ open }) => {
    const state = await open();
    const refused = [
      "password",
      "github_token",
      "api_key",
      "API_KEY",
      "apiKey",
      "x-api-key",
      "client_secret",
      "aws credentials",
      "private_key",
    ];
    for (const key of refused) {
      const { details } = await assertStateError(() => state.save(scope, key, "x"), "STATE_SECRET", key);
      assert(details.found.length > 0, `${key} should name the rule`);
      await assertStateError(() => state.transaction((tx) => tx.save(scope, key, "x")), "STATE_SECRET", key);
      await assertStateError(() => state.once(scope, key, () => "x"), "STATE_SECRET", key);
    }
    await assertStateError(() => state.save(scope, "notes", "x", { content: "sensitive" }), "STATE_SECRET");
    const ordinary = [
      "author",
      "max_tokens",
      "token_count",
      "secretary",
      "authenticated",
      "username",
      "public_key",
      "conversation_history",
    ];
    for (const key of ordinary) await state.save(scope, key, key);
    assertEquals(await state.keys(scope).toArray(), [...ordinary].sort());
    await state.save(scope, "password", "not really", { content: "plain" });
    assertEquals((await state.entry(scope, "password"))?.content, "plain");
    await state.delete(scope, "password");
  });
}
