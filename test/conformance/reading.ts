/**
 * A read is as fresh as it promises: strong reads see everything acknowledged, others what is at most so old.
 *
 * @module
 */
import { StateScope } from "../../src/keys/scopes.ts";
import { assert, assertEquals, assertStateError, failureOf } from "./assert.ts";
import { breathe, createClock, createPlug, numbered, type Test } from "./suite.ts";

const scope = StateScope.user("u");

/** B20 and `consistency`. */
export function testReading(test: Test): void {
  test("B20 a second state sees a commit acknowledged in the first at its next strong read, cached or not", async ({ open, supports }) => {
    if (!supports.strongReads || supports.writers !== "many") return;
    const [one, two] = [await open(), await open()];
    const reads: Record<string, (key: string) => Promise<unknown>> = {
      load: (key) => two.load(scope, key),
      entry: async (key) => (await two.entry(scope, key))?.value,
      loadMany: async (key) => (await two.loadMany(scope, [key, "none"])).get(key),
      entries: async (key) => (await two.entries(scope, { prefix: key }).first())?.value,
      transaction: (key) => two.transaction((tx) => tx.load(scope, key)),
    };
    for (const [name, read] of Object.entries(reads)) {
      const key = `read by ${name}`;
      assertEquals(await read(key), undefined, `${name} of nothing`);
      for (let i = 0; i < 5; i++) {
        await one.save(scope, key, i);
        // Once to see it, once more from whatever the first look left behind.
        assertEquals([await read(key), await read(key)], [i, i], name);
      }
      await one.delete(scope, key);
      assertEquals(await read(key), undefined, `${name} of what was deleted`);
      await one.save(scope, key, "again");
      assertEquals(await read(key), "again", name);
      await one.clear(scope);
      assertEquals(await read(key), undefined, `${name} of what was cleared`);
    }
  });

  test("B20 has, keys and scopes of a second state are as fresh", async ({ open, supports }) => {
    if (!supports.strongReads || supports.writers !== "many") return;
    const [one, two] = [await open(), await open()];
    for (let i = 0; i < 5; i++) {
      await one.save(scope, "k", i);
      assertEquals([await two.has(scope, "k"), await two.keys(scope).toArray(), await two.scopes().toArray()], [true, ["k"], [scope]]);
      await one.delete(scope, "k");
      assertEquals([await two.has(scope, "k"), await two.keys(scope).toArray(), await two.scopes().toArray()], [false, [], []]);
    }
  });

  test("B20 a state that both writes and reads sees its own and the other's, in any order", async ({ open, supports }) => {
    if (!supports.strongReads || supports.writers !== "many") return;
    const states = [await open(), await open(), await open()];
    for (let i = 0; i < 30; i++) {
      const writer = states[i % 3]!;
      await writer.save(scope, `k${i % 4}`, i);
      for (const state of states) assertEquals(await state.load(scope, `k${i % 4}`), i);
    }
  });

  test("B20 a second state sees what was committed while it was far behind", async ({ open, supports }) => {
    if (!supports.strongReads || supports.writers !== "many") return;
    const [one, two] = [await open(), await open()];
    for (let i = 0; i < 50; i++) await one.save(scope, numbered("k", i), 0);
    await two.loadMany(scope, Array.from({ length: 50 }, (_, i) => numbered("k", i)));
    // More than any log tail that a reader may want to follow one by one.
    for (let round = 1; round <= 28; round++) {
      await Promise.all(Array.from({ length: 50 }, (_, i) => one.save(scope, numbered("k", i), round)));
    }
    const seen = await two.loadMany(scope, Array.from({ length: 50 }, (_, i) => numbered("k", i)));
    assertEquals(new Set(seen.values()), new Set([28]));
    assertEquals((await two.save(scope, numbered("k", 0), "two's")).revision, 30);
    assertEquals(await one.load(scope, numbered("k", 0)), "two's");
  });

  test("B20 a value that was large and is replaced is read whole, old or new", async ({ open, supports }) => {
    if (!supports.strongReads || supports.writers !== "many") return;
    const [one, two] = [await open(), await open()];
    const make = (i: number) => `${i % 10}`.repeat(100_000 + i);
    await one.save(scope, "k", make(0));
    let isWriting = true;
    const reading = (async () => {
      do {
        const text = (await two.load<string>(scope, "k"))!;
        assert(text.length >= 100_000 && text === text[0]!.repeat(text.length), `a torn value of ${text.length}`);
        await breathe();
      } while (isWriting);
    })();
    try {
      for (let i = 1; i <= 25; i++) await one.save(scope, "k", make(i));
    } finally {
      isWriting = false;
      await reading;
    }
  });

  test("a cache of any size changes nothing of what is read", async ({ open, supports }) => {
    const one = await open({ limits: { cacheBytes: 1 } });
    const two = supports.writers === "many" && supports.strongReads ? await open({ limits: { cacheBytes: 3000 } }) : one;
    for (let i = 0; i < 60; i++) {
      const [writer, reader] = i % 2 === 0 ? [one, two] : [two, one];
      const key = `k${i % 7}`;
      await writer.save(scope, key, { i, text: "x".repeat(i * 20) });
      for (const state of [reader, writer]) assertEquals(await state.load(scope, key), { i, text: "x".repeat(i * 20) });
      assertEquals(await reader.increment(scope, "n"), i + 1);
      assertEquals(await writer.load(scope, "n"), i + 1);
    }
    assertEquals((await one.entries(scope).toArray()).map(({ revision }) => revision), [9, 9, 9, 9, 8, 8, 8, 60]);
  });

  test("a queue smaller than what is saved slows saves down, and fails none", async ({ open }) => {
    const state = await open({ limits: { queueBytes: 1000 } });
    const names = ["standard", "bulk"] as const;
    await Promise.all(
      Array.from({ length: 40 }, (_, i) => state.save(scope, numbered("k", i), "x".repeat(i * 100), { class: names[i % 2]! })),
    );
    await state.flush();
    const entries = await (await open()).entries<string>(scope).toArray();
    assertEquals(entries.map(({ value }) => value.length), Array.from({ length: 40 }, (_, i) => i * 100));
  });

  test("maxStaleMs: own writes are seen at once, others' when that time is over, and nothing goes backwards", async ({ open, supports }) => {
    if (supports.writers !== "many") return;
    const clock = createClock();
    const one = await open({ now: clock.now });
    const two = await open({ now: clock.now, consistency: { maxStaleMs: 1000 } });
    await one.save(scope, "k", 1);
    clock.advance(1001);
    assertEquals(await two.load(scope, "k"), 1);
    await two.save(scope, "own", 1);
    await one.save(scope, "k", 2);
    await two.save(scope, "own", 2);
    assertEquals(await two.load(scope, "own"), 2);
    let last = 1;
    for (let i = 3; i < 40; i++) {
      await one.save(scope, "k", i);
      clock.advance(100);
      const seen = (await two.load<number>(scope, "k"))!;
      assert(seen >= last, `it saw ${seen} after ${last}`);
      // Eleven saves of 100 ms apart are more than 1,000 ms old.
      assert(seen >= i - 11, `it saw ${seen} when ${i} was saved`);
      last = seen;
    }
    clock.advance(1001);
    assertEquals(await two.load(scope, "k"), 39);
  });

  test("maxStaleMs: a clock that is set back does not make old answers fresh", async ({ open, supports }) => {
    if (supports.writers !== "many") return;
    const clock = createClock();
    const one = await open({ now: clock.now });
    const two = await open({ now: clock.now, consistency: { maxStaleMs: 1000 } });
    await one.save(scope, "k", 1);
    clock.advance(1001);
    assertEquals(await two.load(scope, "k"), 1);
    clock.advance(-3_600_000);
    await one.save(scope, "k", 2);
    await two.load(scope, "k");
    clock.advance(1001);
    assertEquals(await two.load(scope, "k"), 2);
  });

  test("maxStaleMs: two keys of one transaction are never apart, and a write goes by what is there", async ({ open, supports }) => {
    if (supports.writers !== "many") return;
    const clock = createClock();
    const one = await open({ now: clock.now });
    const two = await open({ now: clock.now, consistency: { maxStaleMs: 60_000 } });
    const write = (i: number) =>
      one.transaction(async (tx) => {
        await tx.save(scope, "a", i);
        await tx.save(scope, "b", i);
      });
    await write(0);
    for (let i = 1; i < 20; i++) {
      if (i % 3 === 0) await two.load(scope, "a");
      await write(i);
      const values = await two.loadMany<number>(scope, ["a", "b"]);
      assertEquals(values.get("a"), values.get("b"));
      clock.advance(5000);
    }
    assertEquals(await two.update<number>(scope, "a", (n) => n! + 100), 119);
    assertEquals(await two.increment(scope, "b"), 20);
    assertEquals(await two.transaction(async (tx) => [await tx.load(scope, "a"), await tx.load(scope, "b")]), [119, 20]);
    assertEquals(await two.load(scope, "a"), 119);
  });

  test("a consistency that the driver cannot give, or that is none, is refused", async ({ open, supports }) => {
    for (const consistency of ["weak", 5, {}, { maxStaleMs: "1" }, { maxStaleMs: -1 }, { maxStaleMs: NaN }, null]) {
      const failure = await failureOf(open({ consistency: consistency as never }), JSON.stringify(consistency));
      assert(failure instanceof TypeError || failure instanceof RangeError, `${JSON.stringify(consistency)} gave ${failure}`);
    }
    if (!supports.strongReads) await assertStateError(() => open({ consistency: "strong" }), "STATE_UNSUPPORTED");
    else assertEquals(await (await open({ consistency: "strong" })).load(scope, "k"), undefined);
  });

  test("a strong read through a driver that is cut off is STATE_DRIVER, never an old answer", async ({ driver, open, supports }) => {
    if (!supports.strongReads || supports.writers !== "many") return;
    const plug = createPlug(await driver());
    const state = await open({ driver: plug.driver });
    await state.save(scope, "k", 1);
    assertEquals(await state.load(scope, "k"), 1);
    plug.pull();
    for (
      const read of [
        () => state.load(scope, "k"),
        () => state.has(scope, "k"),
        () => state.keys(scope).toArray(),
        () => state.loadMany(scope, ["k"]),
      ]
    ) {
      const { retryable } = await assertStateError(read, "STATE_DRIVER", String(read));
      assert(retryable, "it may work later");
    }
    plug.push();
    assertEquals(await state.load(scope, "k"), 1);
    assertEquals(await state.increment(scope, "k"), 2);
  });

  test("a write through a driver that is cut off fails, leaves what was there, and works again later", async ({ driver, open, supports }) => {
    if (supports.writers !== "many") return;
    const plug = createPlug(await driver());
    const state = await open({ driver: plug.driver });
    await state.save(scope, "k", 1);
    plug.pull();
    await failureOf(state.save(scope, "k", 2));
    await failureOf(state.transaction((tx) => tx.save(scope, "k", 3)));
    assertEquals(await (await open()).load(scope, "k"), 1);
    plug.push();
    assertEquals(await state.load(scope, "k"), 1);
    assertEquals((await state.save(scope, "k", 4)).revision, 2);
  });
}
