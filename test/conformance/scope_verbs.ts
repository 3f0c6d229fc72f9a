/**
 * clear, copy and move: each one atomic commit, at any size.
 *
 * @module
 */
import { StateScope } from "../../src/keys/scopes.ts";
import type { StateManager } from "../../src/state/manager.ts";
import { assert, assertEquals, assertMisuse } from "./assert.ts";
import { breathe, conflicts, createClock, numbered, type Test, times } from "./suite.ts";

const alice = StateScope.user("alice");
const bob = StateScope.user("bob");
const carol = StateScope.user("carol");

const LARGE = 2000;

/** A scope of 2,000 entries, some of them with a value that stands on its own. */
async function fill(state: StateManager, scope: StateScope): Promise<void> {
  await state.transaction(async (tx) => {
    for (let i = 0; i < LARGE; i++) await tx.save(scope, numbered("k", i), i % 250 === 0 ? `${i}`.padEnd(6000, "-") : i);
  });
}

/** Reads a scope over and over while an act runs; fails if it ever saw some entries but not all. Gives each state that it saw. */
async function watchWhile(reader: StateManager, scope: StateScope, act: Promise<unknown>): Promise<Set<number>> {
  const sample = Array.from({ length: 40 }, (_, i) => numbered("k", i * LARGE / 40));
  const seen = new Set<number>();
  let isRunning = true;
  const look = async () => {
    for (let turn = 0; isRunning || turn < 2; turn++) {
      const found = turn % 3 === 2
        ? (await reader.transaction((tx) => tx.keys(scope).toArray())).length
        : (await reader.loadMany(scope, sample)).size * LARGE / sample.length;
      assert(found === 0 || found === LARGE, `saw ${found} of ${LARGE} entries`);
      seen.add(found);
      await breathe();
    }
  };
  const looking = look();
  try {
    await act;
  } finally {
    isRunning = false;
    await looking;
  }
  return seen;
}

/** B3, B4. */
export function testScopeVerbs(test: Test): void {
  test("B3 copy of 2 keys gives 2 and both scopes hold them; move empties its source", async ({ open }) => {
    const state = await open();
    await state.save(alice, "a", 1);
    await state.save(alice, "b", new Map([["k", 1n]]));
    assertEquals(await state.copy(alice, bob), 2);
    for (const scope of [alice, bob]) {
      assertEquals([await state.load(scope, "a"), await state.load(scope, "b")], [1, new Map([["k", 1n]])]);
    }
    assertEquals(await state.move(bob, carol), 2);
    const reader = await open();
    assertEquals(await reader.keys(bob).toArray(), []);
    assertEquals(await reader.keys(carol).toArray(), ["a", "b"]);
    assertEquals(await reader.load(carol, "b"), new Map([["k", 1n]]));
    assertEquals((await reader.inspect()).commit, 4);
  });

  test("B3 copy overwrites equal keys, leaves others, and the revisions are the target's own", async ({ open }) => {
    const state = await open();
    for (let i = 0; i < 3; i++) await state.save(alice, "both", `alice ${i}`);
    await state.save(alice, "alices", 1);
    await state.save(bob, "both", "bob");
    await state.save(bob, "bobs", 1);
    await state.save(bob, "alices", 1);
    await state.delete(bob, "alices");
    assertEquals(await state.copy(alice, bob), 2);
    assertEquals(await state.keys(bob).toArray(), ["alices", "bobs", "both"]);
    assertEquals([(await state.entry(bob, "both"))?.value, (await state.entry(bob, "both"))?.revision], ["alice 2", 2]);
    assertEquals((await state.entry(bob, "bobs"))?.revision, 1);
    assert((await state.entry(bob, "alices"))!.revision > 1, "a revision came back");
    assertEquals((await state.entry(alice, "both"))?.revision, 3);
  });

  test("B3 class, content, and expiry go along with copy and move", async ({ open }) => {
    const clock = createClock();
    const state = await open({ now: clock.now });
    await state.save(alice, "archived", "a".repeat(5000), { class: "archive" });
    await state.save(alice, "password", "not really", { content: "plain" });
    await state.save(alice, "expires", 1, { expiresInMs: 1000 });
    await state.copy(alice, bob);
    await state.move(alice, carol);
    for (const scope of [bob, carol]) {
      assertEquals((await state.entry(scope, "archived"))?.class, "archive");
      assertEquals(await state.load(scope, "archived"), "a".repeat(5000));
      assertEquals((await state.entry(scope, "password"))?.content, "plain");
      assertEquals((await state.entry(scope, "expires"))?.expiresAt, new Date(clock.now() + 1000));
    }
    clock.advance(1000);
    for (const scope of [bob, carol]) assertEquals(await state.keys(scope).toArray(), ["archived", "password"]);
    assertEquals(await state.copy(bob, alice), 2);
  });

  test("B3 copy and move of nothing give 0 and commit nothing", async ({ open }) => {
    const state = await open();
    await state.save(bob, "k", 1);
    assertEquals([await state.copy(alice, bob), await state.move(alice, bob), await state.clear(alice)], [0, 0, 0]);
    assertEquals([await state.load(bob, "k"), (await state.inspect()).commit], [1, 1]);
  });

  test("B3 copy or move of a scope onto itself loses nothing", async ({ open }) => {
    const state = await open();
    await state.save(alice, "k", 1);
    for (const verb of ["copy", "move"] as const) {
      // Whether it is refused or does nothing is the implementation's; that it destroys nothing is not.
      await state[verb](alice, alice).catch((error: unknown) => assert(error instanceof TypeError, `${verb} failed with ${error}`));
      assertEquals(await state.load(alice, "k"), 1, verb);
    }
  });

  test("B3 move frees the source's keys without giving their revisions back", async ({ open }) => {
    const state = await open();
    const { revision } = await state.save(alice, "k", 1);
    await state.move(alice, bob);
    assert((await state.save(alice, "k", 2)).revision > revision, "a revision came back");
    assertEquals(await state.load(bob, "k"), 1);
  });

  test("B3 two moves of one scope at once move each entry once", async ({ open, supports }) => {
    if (supports.writers !== "many") return;
    const [one, two] = [await open(), await open()];
    for (let i = 0; i < 10; i++) await one.save(alice, `k${i}`, i);
    const [toBob, toCarol] = await Promise.all([one.move(alice, bob), two.move(alice, carol)]);
    assertEquals(toBob + toCarol, 10);
    assert(toBob === 0 || toCarol === 0, `a move of ${toBob} and one of ${toCarol} were each half`);
    assertEquals([(await one.keys(bob).toArray()).length, (await one.keys(carol).toArray()).length], [toBob, toCarol]);
    assertEquals(await two.keys(alice).toArray(), []);
  });

  test("B4 clear of 5 keys gives 5 and leaves none, and touches no other scope", async ({ open }) => {
    const state = await open();
    for (let i = 0; i < 5; i++) await state.save(alice, `k${i}`, i);
    await state.save(StateScope.user("alice2"), "k", 1);
    await state.save(StateScope.session("alice"), "k", 1);
    await state.save(StateScope.global, "alice", 1);
    assertEquals(await state.clear(alice), 5);
    assertEquals(await state.clear(alice), 0);
    const reader = await open();
    assertEquals(await reader.keys(alice).toArray(), []);
    assertEquals((await reader.scopes().toArray()).map(StateScope.format).sort(), ["global", "session:alice", "user:alice2"]);
  });

  test("B4 clear takes a prefix", async ({ open }) => {
    const state = await open();
    for (const key of ["a", "a:1", "a:2", "ab", "b", "特1", "特2"]) await state.save(alice, key, key);
    assertEquals(await state.clear(alice, { prefix: "a:" }), 2);
    assertEquals(await state.clear(alice, { prefix: "特" }), 2);
    assertEquals(await state.clear(alice, { prefix: "none" }), 0);
    assertEquals(await state.keys(alice).toArray(), ["a", "ab", "b"]);
    assertEquals(await state.in(alice).clear({ prefix: "a" }), 2);
    assertEquals(await state.keys(alice).toArray(), ["b"]);
  });

  test("B4 clear does not count what has expired", async ({ open }) => {
    const clock = createClock();
    const state = await open({ now: clock.now });
    await state.save(alice, "stays", 1);
    await state.save(alice, "expires", 1, { expiresInMs: 10 });
    clock.advance(10);
    assertEquals(await state.clear(alice), 1);
  });

  test("B4 a save that races with clear is either cleared or stays, never half", async ({ open, supports }) => {
    if (supports.writers !== "many") return;
    const [one, two] = [await open(), await open()];
    for (let round = 0; round < 5; round++) {
      for (let i = 0; i < 5; i++) await one.save(alice, `k${i}`, round);
      const [cleared] = await Promise.all([
        one.clear(alice),
        two.transaction(async (tx) => {
          await tx.save(alice, "x", round);
          await tx.save(alice, "y", round);
        }),
      ]);
      const left = await two.keys(alice).toArray();
      assertEquals([cleared, left], cleared === 5 ? [5, ["x", "y"]] : [7, []]);
      await one.clear(alice);
    }
  });

  test("a scope of 2,000 entries is filled, copied, moved and cleared as a whole, as another state sees it", async ({ open }) => {
    const [state, reader] = [await open(), await open()];
    await watchWhile(reader, alice, fill(state, alice));
    const base = (await reader.inspect()).commit;
    const counts: number[] = [];
    const count = (act: Promise<number>) => act.then((n) => counts.push(n));
    await watchWhile(reader, bob, count(state.copy(alice, bob)));
    await watchWhile(reader, carol, count(state.move(bob, carol)));
    await watchWhile(reader, carol, count(state.clear(carol)));
    assertEquals(counts, [LARGE, LARGE, LARGE]);
    const after = await reader.inspect();
    assertEquals([after.commit - base, after.entries], [3, LARGE]);
    assertEquals((await reader.keys(alice).toArray()).length, LARGE);
    assertEquals(await reader.scopes().toArray(), [alice]);
    assertEquals(await reader.load(alice, numbered("k", 250)), "250".padEnd(6000, "-"));
    const cleared = state.transaction((tx) => tx.clear(alice));
    await watchWhile(reader, alice, cleared);
    assertEquals([await cleared, (await reader.inspect()).entries], [LARGE, 0]);
  });

  test("a scope of 2,000 entries is whole after it was moved and the store opened again", async ({ open }) => {
    const state = await open();
    await fill(state, alice);
    assertEquals(await state.move(alice, bob), LARGE);
    await state.close();
    const again = await open();
    const entries = await again.entries(bob).toArray();
    assertEquals(entries.map(({ key }) => key), Array.from({ length: LARGE }, (_, i) => numbered("k", i)));
    assertEquals(entries.map(({ value }, i) => i % 250 === 0 || value === i).indexOf(false), -1);
    assertEquals(await again.keys(alice).toArray(), []);
  });

  test("a large clear and small writes at once each count whole", async ({ open, supports }) => {
    if (supports.writers !== "many") return;
    const [state, other] = [await open(), await open()];
    await fill(state, alice);
    const [cleared, sums] = await Promise.all([state.clear(alice), times(10, () => other.increment(bob, "n"))]);
    assertEquals(cleared, LARGE);
    assertEquals(sums.sort((a, b) => a - b), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    assertEquals(await other.keys(alice).toArray(), []);
    assertEquals(await state.load(bob, "n"), 10);
  });

  test("a precondition taken before a scope was copied over fails", async ({ open }) => {
    const state = await open();
    await state.save(alice, "k", "alice");
    const { revision } = await state.save(bob, "k", "bob");
    await state.copy(alice, bob);
    assert(await conflicts(state.save(bob, "k", "late", { ifRevision: revision })), "the old revision should conflict");
  });

  test("copy, move and clear refuse what is no scope", async ({ open }) => {
    const state = await open();
    const wrong = "user:alice" as unknown as StateScope;
    await assertMisuse(() => state.copy(alice, wrong), "copy to a text");
    await assertMisuse(() => state.move(wrong, alice), "move from a text");
    await assertMisuse(() => state.clear(wrong), "clear of a text");
  });
}
