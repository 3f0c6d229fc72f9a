/**
 * An expired entry is absent, everywhere and at once; until then it is an entry like any other.
 *
 * @module
 */
import { StateScope } from "../../src/keys/scopes.ts";
import { assert, assertEquals } from "./assert.ts";
import { conflicts, createClock, numbered, readDriver, type Test } from "./suite.ts";

const scope = StateScope.session("s");

/** B14. */
export function testExpiry(test: Test): void {
  test("B14 before its time an entry is there in every verb, after it in none", async ({ open }) => {
    const clock = createClock();
    const state = await open({ now: clock.now });
    const reader = await open({ now: clock.now });
    await state.save(scope, "stays", 1);
    await state.save(scope, "expires", 2, { expiresInMs: 1000 });
    const see = async (one: typeof state) => [
      await one.load(scope, "expires"),
      await one.has(scope, "expires"),
      (await one.entry(scope, "expires"))?.value,
      [...(await one.loadMany(scope, ["stays", "expires"])).keys()],
      await one.keys(scope).toArray(),
      await one.keys(scope, { reverse: true, limit: 1 }).toArray(),
      (await one.entries(scope).toArray()).map(({ value }) => value),
      await one.transaction((tx) => tx.load(scope, "expires")),
      await one.transaction((tx) => tx.keys(scope).toArray()),
    ];
    const there = [2, true, 2, ["stays", "expires"], ["expires", "stays"], ["stays"], [2, 1], 2, ["expires", "stays"]];
    const absent = [undefined, false, undefined, ["stays"], ["stays"], ["stays"], [1], undefined, ["stays"]];
    for (const one of [state, reader]) assertEquals(await see(one), there);
    clock.advance(999);
    for (const one of [state, reader]) assertEquals(await see(one), there);
    clock.advance(1);
    for (const one of [state, reader, await open({ now: clock.now })]) assertEquals(await see(one), absent);
  });

  test("B14 a transaction reads what expires meanwhile the same twice", async ({ open }) => {
    const clock = createClock();
    const state = await open({ now: clock.now });
    for (const name of ["standard", "ephemeral"] as const) {
      await state.save(scope, "k", name, { class: name, expiresInMs: 10 });
      await state.transaction(async (tx) => {
        const see = async () => [await tx.load(scope, "k"), await tx.has(scope, "k"), await tx.keys(scope).toArray()];
        const first = await see();
        clock.advance(10);
        assertEquals([first, await tx.load(scope, "k"), await tx.has(scope, "k")], [[name, true, ["k"]], name, true]);
        if (name === "standard") assertEquals(await see(), first);
      });
      assertEquals(await state.transaction((tx) => tx.load(scope, "k")), undefined);
    }
  });

  test("B14 a transaction that has seen what expired since does not go on to a newer commit, but runs again", async ({ open, supports }) => {
    if (supports.writers !== "many") return;
    const clock = createClock();
    const [state, other] = [await open({ now: clock.now }), await open({ now: clock.now })];
    await state.save(scope, "k", 1, { expiresInMs: 10 });
    const seen: unknown[] = [];
    await state.transaction(async (tx) => {
      seen.push(await tx.load(scope, "k"));
      clock.advance(10);
      if (seen.length === 1) await other.save(scope, "late", "new");
      seen.push(await tx.load(scope, "late"));
    });
    assertEquals(seen, [1, undefined, "new"]);
  });

  test("B14 expiry needs no write: the same commit reads otherwise as time goes by", async ({ open }) => {
    const clock = createClock();
    const state = await open({ now: clock.now });
    await state.save(scope, "k", 1, { expiresInMs: 10 });
    assertEquals((await state.entry(scope, "k"))?.expiresAt, new Date(clock.now() + 10));
    clock.advance(10);
    assertEquals([await state.has(scope, "k"), await state.delete(scope, "k"), await state.clear(scope)], [false, false, 0]);
    assertEquals(await state.scopes().toArray(), []);
  });

  test("B14 ifRevision null creates over what has expired, and conflicts before", async ({ open }) => {
    const clock = createClock();
    const state = await open({ now: clock.now });
    const { revision } = await state.save(scope, "k", "old", { expiresInMs: 10 });
    assert(await conflicts(state.save(scope, "k", "new", { ifRevision: null })), "it is still there");
    clock.advance(10);
    assert(await conflicts(state.save(scope, "k", "new", { ifRevision: revision })), "an expired revision was let in");
    const again = await state.save(scope, "k", "new", { ifRevision: null });
    assert(again.revision > revision, "a revision came back");
    const entry = await state.entry(scope, "k");
    assertEquals([entry?.value, entry?.expiresAt, entry?.createdAt], ["new", undefined, new Date(clock.now())]);
  });

  test("B14 save without it clears it; update and increment keep it", async ({ open }) => {
    const clock = createClock();
    const state = await open({ now: clock.now });
    const at = new Date(clock.now() + 1000);
    for (const key of ["saved", "updated", "counted", "in tx", "in tx, counted"]) await state.save(scope, key, 1, { expiresInMs: 1000 });
    await state.save(scope, "saved", 2);
    await state.update<number>(scope, "updated", (n) => n! + 1);
    await state.increment(scope, "counted");
    await state.transaction(async (tx) => {
      await tx.update<number>(scope, "in tx", (n) => n! + 1);
      await tx.increment(scope, "in tx, counted");
    });
    const expiries = new Map((await state.entries(scope).toArray()).map(({ key, value, expiresAt }) => [key, [value, expiresAt]]));
    for (const key of ["updated", "counted", "in tx", "in tx, counted"]) assertEquals(expiries.get(key), [2, at], key);
    assertEquals(expiries.get("saved"), [2, undefined]);
    clock.advance(1000);
    assertEquals(await state.keys(scope).toArray(), ["saved"]);
  });

  test("B14 update and increment of what has expired begin anew, and without an expiry", async ({ open }) => {
    const clock = createClock();
    const state = await open({ now: clock.now });
    for (const key of ["a", "b", "c"]) await state.save(scope, key, 50, { expiresInMs: 10 });
    clock.advance(11);
    assertEquals(await state.increment(scope, "a"), 1);
    assertEquals(await state.update<number>(scope, "b", (n) => n ?? 7), 7);
    assertEquals(await state.transaction((tx) => tx.increment(scope, "c")), 1);
    for (const key of ["a", "b", "c"]) assertEquals((await state.entry(scope, key))?.expiresAt, undefined, key);
  });

  test("B14 a new expiry takes the place of the old one, longer or shorter", async ({ open }) => {
    const clock = createClock();
    const state = await open({ now: clock.now });
    for (const key of ["longer", "shorter", "by update"]) await state.save(scope, key, 1, { expiresInMs: 100 });
    await state.save(scope, "longer", 1, { expiresInMs: 1000 });
    await state.save(scope, "shorter", 1, { expiresInMs: 10 });
    await state.update<number>(scope, "by update", (n) => n!, { expiresInMs: 1000 });
    clock.advance(10);
    assertEquals(await state.keys(scope).toArray(), ["by update", "longer"]);
    clock.advance(100);
    assertEquals(await state.keys(scope).toArray(), ["by update", "longer"]);
    clock.advance(1000);
    assertEquals(await state.keys(scope).toArray(), []);
  });

  test("B14 an expiry far beyond any calendar is one all the same, or is refused", async ({ open }) => {
    const state = await open();
    for (const expiresInMs of [1e12, 1e15, 1e18, Number.MAX_VALUE, Infinity]) {
      try {
        await state.save(scope, "k", 1, { expiresInMs });
      } catch (error) {
        assert(error instanceof RangeError, `expiresInMs ${expiresInMs} failed with ${error}`);
        continue;
      }
      const { expiresAt } = (await state.entry(scope, "k"))!;
      assert(expiresAt === undefined || expiresAt.getTime() > Date.now() + 1e11, `expiresInMs ${expiresInMs} gave ${expiresAt}`);
      assertEquals(await state.load(scope, "k"), 1);
    }
  });

  test("B14 a page that is full of expired entries does not end the listing", async ({ open }) => {
    const clock = createClock();
    const state = await open({ now: clock.now });
    await state.transaction(async (tx) => {
      for (let i = 0; i < 700; i++) await tx.save(scope, numbered("k", i), i, i % 350 === 349 ? {} : { expiresInMs: 5 });
    });
    clock.advance(5);
    const reader = await open({ now: clock.now });
    assertEquals(await reader.keys(scope).toArray(), [numbered("k", 349), numbered("k", 699)]);
    assertEquals(await reader.keys(scope, { limit: 2, reverse: true }).toArray(), [numbered("k", 699), numbered("k", 349)]);
    assertEquals((await reader.entries(scope, { limit: 1 }).toArray()).map(({ value }) => value), [349]);
    assertEquals(await reader.scopes().toArray(), [scope]);
  });

  test("B14 bulk, archive and ephemeral entries expire alike", async ({ open }) => {
    const clock = createClock();
    const state = await open({ now: clock.now });
    for (const name of ["bulk", "archive", "ephemeral"] as const) await state.save(scope, name, name, { class: name, expiresInMs: 10 });
    assertEquals(await state.keys(scope).toArray(), ["archive", "bulk", "ephemeral"]);
    clock.advance(10);
    assertEquals(await state.keys(scope).toArray(), []);
    for (const name of ["bulk", "archive", "ephemeral"] as const) assertEquals(await state.has(scope, name), false, name);
    await state.flush();
    assertEquals(await state.keys(scope).toArray(), []);
  });

  test("B14 what expired is removed from the store in the end", async ({ driver, open }) => {
    const clock = createClock();
    const canary = "canary-4471-that-nothing-else-spells";
    const state = await open({ now: clock.now });
    for (let i = 0; i < 20; i++) await state.save(scope, numbered("k", i), canary, { expiresInMs: 10 });
    clock.advance(10);
    // Housekeeping is bounded, and goes along with other commits and with closing.
    for (let turn = 0; turn < 14; turn++) await Promise.all(Array.from({ length: 100 }, (_, i) => state.save(scope, `busy ${i}`, turn)));
    await state.close();
    const again = await open({ now: clock.now });
    assertEquals((await again.inspect()).entries, 100);
    await again.close();
    const left = [...await readDriver(await driver())].filter(([key, value]) =>
      !/!(?:log|seg|run)!/.test(key) && String(value).includes(canary)
    );
    assertEquals(left.map(([key]) => key), []);
  });
}
