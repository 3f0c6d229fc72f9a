/**
 * `ifRevision` lets one of many in, and a revision never comes back to let in a late one.
 *
 * @module
 */
import { StateScope } from "../../src/keys/scopes.ts";
import { assert, assertEquals, assertStateError } from "./assert.ts";
import { conflicts, createClock, type Test, times } from "./suite.ts";

const scope = StateScope.tool("t");

/** B7, B14a. */
export function testPreconditions(test: Test): void {
  test("B7 of two racing writers one wins, and the other gets STATE_CONFLICT and changes nothing", async ({ open, supports }) => {
    const one = await open();
    const two = supports.writers === "many" ? await open() : one;
    for (let round = 0; round < 5; round++) {
      const { revision } = await one.save(scope, "k", "base");
      const outcomes = await Promise.allSettled([one, two].map((state, i) => state.save(scope, "k", i, { ifRevision: revision })));
      const winner = outcomes.findIndex(({ status }) => status === "fulfilled");
      const loser = outcomes[1 - winner]!;
      await assertStateError(() => loser.status === "rejected" ? Promise.reject(loser.reason) : undefined, "STATE_CONFLICT", "the loser");
      for (const state of [one, two]) {
        const entry = await state.entry(scope, "k");
        assertEquals([entry?.value, entry?.revision], [winner, revision + 1]);
      }
    }
  });

  test("B7 ifRevision null has one winner among twenty", async ({ open, supports }) => {
    const states = [await open()];
    if (supports.writers === "many") states.push(await open());
    const lost = await times(20, (i) => conflicts(states[i % states.length]!.save(scope, "k", i, { ifRevision: null })));
    assertEquals(lost.filter((one) => !one).length, 1);
    assertEquals(await states[0]!.load(scope, "k"), lost.indexOf(false));
    assertEquals((await states[0]!.inspect()).commit, 1);
  });

  test("B7 a conflict says what was expected and what is there", async ({ open }) => {
    const state = await open();
    const details = async (act: () => Promise<unknown>) => (await assertStateError(act, "STATE_CONFLICT")).details;
    assertEquals(await details(() => state.save(scope, "k", 1, { ifRevision: 3 })), { expected: 3, actual: null });
    await state.save(scope, "k", 1);
    await state.save(scope, "k", 2);
    assertEquals(await details(() => state.save(scope, "k", 3, { ifRevision: 1 })), { expected: 1, actual: 2 });
    assertEquals(await details(() => state.save(scope, "k", 3, { ifRevision: null })), { expected: null, actual: 2 });
    assertEquals(await details(() => state.delete(scope, "k", { ifRevision: 1 })), { expected: 1, actual: 2 });
    assertEquals(await details(() => state.transaction((tx) => tx.save(scope, "k", 3, { ifRevision: 1 }))), { expected: 1, actual: 2 });
  });

  test("B7 delete() heeds ifRevision", async ({ open }) => {
    const state = await open();
    await state.save(scope, "k", 1);
    assert(await conflicts(state.delete(scope, "k", { ifRevision: 2 })), "it is at revision 1");
    assertEquals(await state.delete(scope, "k", { ifRevision: 1 }), true);
    assert(await conflicts(state.delete(scope, "k", { ifRevision: 1 })), "it is absent");
    assertEquals((await state.inspect()).commit, 2);
  });

  test("B7 a revision is of one key alone", async ({ open }) => {
    const state = await open();
    for (let i = 0; i < 4; i++) await state.save(scope, "busy", i);
    const { revision } = await state.save(scope, "quiet", 1);
    await state.save(scope, "busy", 5);
    assertEquals(await state.save(scope, "quiet", 2, { ifRevision: revision }), { revision: 2, commit: 7 });
    assert(await conflicts(state.save(StateScope.tool("other"), "quiet", 1, { ifRevision: 2 })), "another scope's");
  });

  test("B7 a precondition that conflicts fails its whole transaction, and is not tried again", async ({ open }) => {
    const state = await open();
    await state.save(scope, "k", 1);
    let runs = 0;
    assert(
      await conflicts(state.transaction(async (tx) => {
        runs++;
        await tx.save(scope, "other", 1);
        await tx.save(scope, "k", 2, { ifRevision: 9 });
      })),
      "it is at revision 1",
    );
    assertEquals([runs, await state.has(scope, "other"), await state.load(scope, "k")], [1, false, 1]);
  });

  test("B14a save, delete, save gives a greater revision, so that an old one fails", async ({ open }) => {
    const state = await open();
    let last = 0;
    for (let round = 0; round < 4; round++) {
      const { revision } = await state.save(scope, "k", round, { ifRevision: null });
      assert(revision > last, `revision ${revision} after ${last}`);
      if (last > 0) assert(await conflicts(state.save(scope, "k", "late", { ifRevision: last })), "an old revision was let in");
      last = revision;
      await state.delete(scope, "k");
      assert(await conflicts(state.save(scope, "k", "late", { ifRevision: last })), "a deleted entry's revision was let in");
    }
  });

  test("B14a revisions go on over clear, move, update with DELETE, expiry, and a restart", async ({ open }) => {
    const clock = createClock();
    let state = await open({ now: clock.now });
    let last = (await state.save(scope, "k", 0)).revision;
    const removals = [
      () => state.clear(scope),
      () => state.move(scope, StateScope.tool("elsewhere")),
      () => state.transaction((tx) => tx.delete(scope, "k")),
      () => state.transaction((tx) => tx.clear(scope)),
      async () => {
        await state.save(scope, "k", 1, { expiresInMs: 5 });
        last++;
        clock.advance(5);
      },
      async () => {
        await state.delete(scope, "k");
        await state.close();
        state = await open({ now: clock.now });
      },
    ];
    for (const remove of removals) {
      await remove();
      assertEquals(await state.has(scope, "k"), false, String(remove));
      const { revision } = await state.save(scope, "k", 0, { ifRevision: null });
      assert(revision > last, `revision ${revision} after ${last}: ${remove}`);
      assert(await conflicts(state.save(scope, "k", "late", { ifRevision: last })), `an old revision was let in: ${remove}`);
      last = revision;
    }
  });

  test("B14a an entry that was ephemeral, stored, and deleted never repeats a revision", async ({ open }) => {
    const state = await open();
    const seen: number[] = [];
    seen.push((await state.save(scope, "k", 1)).revision);
    seen.push((await state.save(scope, "k", 2, { class: "ephemeral" })).revision);
    seen.push((await state.save(scope, "k", 3)).revision);
    await state.delete(scope, "k");
    seen.push((await state.save(scope, "k", 4, { class: "bulk" })).revision);
    await state.flush();
    seen.push((await state.save(scope, "k", 5, { class: "archive" })).revision);
    assertEquals(seen, [...new Set(seen)].sort((a, b) => a - b));
  });
}
