/**
 * What the random tests have found, each told once more by itself.
 *
 * @module
 */
import assert from "node:assert/strict";
import { memory } from "../../adapters/memory.ts";
import { isStateError, openState, StateScope } from "../../mod.ts";
import type { Driver } from "../../src/store/driver.ts";
import { createFaults } from "./faulty_driver.ts";
import { durableMemory, open } from "./fixture.ts";
import { limitDriver } from "./limited_driver.ts";

const { agent, global, user } = StateScope;

/** A driver whose answers to reads are late once `isSlow` is set. */
function slowDriver(ms: number): { readonly driver: Driver; isSlow: boolean } {
  const below = memory();
  const slow = {
    isSlow: false,
    driver: {
      ...below,
      list: async (options) => late(await below.list!(options)),
      getMany: async (keys) => late(await below.getMany!(keys)),
    } as Driver,
  };
  const late = async <T>(answer: T): Promise<T> => {
    if (slow.isSlow) await new Promise((resolve) => setTimeout(resolve, ms));
    return answer;
  };
  return slow;
}

Deno.test("increment() twice at once behind a bulk write counts twice", async () => {
  await using state = await openState();
  await state.save(global, "n", 0, { class: "bulk" });
  assert.deepEqual(await Promise.all([state.increment(global, "n"), state.increment(global, "n")]), [1, 2]);
  assert.equal(await state.load(global, "n"), 2);
});

Deno.test("save() of a bulk entry between two commits at once stands before, between or behind them", async () => {
  await using state = await openState();
  await state.save(global, "n", 0, { class: "bulk" });
  const [one, , other] = await Promise.all([
    state.increment(global, "n"),
    state.save(global, "n", 10, { class: "bulk" }),
    state.increment(global, "n"),
  ]);
  await state.flush();
  const story = [one, other, await state.load(global, "n")].join();
  assert.ok(["11,12,12", "1,11,11", "1,2,10"].includes(story), story);
});

Deno.test("increment() twice at once of an ephemeral entry counts twice", async () => {
  await using state = await openState();
  await state.save(global, "n", 0, { class: "ephemeral" });
  assert.deepEqual(await Promise.all([state.increment(global, "n"), state.increment(global, "n")]), [1, 2]);
});

Deno.test("increment() right behind the save that makes an ephemeral entry durable counts from it", async () => {
  await using state = await openState();
  await state.save(global, "n", 5, { class: "ephemeral" });
  const [, sum] = await Promise.all([state.save(global, "n", 100), state.increment(global, "n")]);
  assert.equal(sum, 101);
  assert.equal(await state.load(global, "n"), 101);
});

Deno.test("save() of a critical entry that stands but cannot be read back is not said to be unwritten", async () => {
  const faults = createFaults(durableMemory());
  await using state = await open(faults.driver);
  for (const fault of ["reject", "refuse"] as const) {
    faults.arm(3, fault);
    const error = await state.save(global, "critical:x", fault).then(() => undefined, (error) => error);
    assert.ok(error === undefined || isStateError(error, "STATE_UNCERTAIN"), String(error));
    faults.revive();
    assert.equal(await state.load(global, "critical:x"), fault);
  }
});

Deno.test("keys() lists an entry that is written behind while it lists", async () => {
  const slow = slowDriver(120);
  await using state = await openState({ driver: slow.driver });
  await state.save(global, "k", 1, { class: "bulk" });
  slow.isSlow = true;
  assert.deepEqual(await state.keys(global).toArray(), ["k"]);
});

Deno.test("loadMany() finds an entry that is written behind while it loads", async () => {
  const slow = slowDriver(120);
  await using state = await openState({ driver: slow.driver });
  await state.save(global, "other", 1);
  await state.save(global, "k", 1, { class: "bulk" });
  slow.isSlow = true;
  assert.deepEqual([...await state.loadMany(global, ["k", "other"])], [["k", 1], ["other", 1]]);
});

Deno.test("keys() lists an ephemeral entry that becomes durable while it lists", async () => {
  const slow = slowDriver(5);
  await using state = await openState({ driver: slow.driver });
  await state.save(global, "k", 1, { class: "ephemeral" });
  slow.isSlow = true;
  const [found] = await Promise.all([state.keys(global).toArray(), state.save(global, "k", 2)]);
  assert.deepEqual(found, ["k"]);
});

Deno.test("copy() of an ephemeral entry over a stored one does not take its revision back", async () => {
  await using state = await openState();
  await state.save(agent("b"), "k", 1);
  await state.save(agent("b"), "k", 2);
  await state.save(agent("a"), "k", 3, { class: "ephemeral" });
  await state.copy(agent("a"), agent("b"));
  assert.ok((await state.entry(agent("b"), "k"))!.revision > 2);
});

Deno.test("update() whose function fails later fails because of what is there, not of what was", async () => {
  const driver = memory();
  await using one = await openState({ driver });
  await using other = await openState({ driver });
  await one.save(global, "n", 1);
  await other.save(global, "n", 2);
  const seen = one.update<number>(global, "n", async (n) => {
    await Promise.resolve();
    throw new Error(`${n}`);
  });
  await assert.rejects(seen, { message: "2" });
});

Deno.test("a transaction sees its own write with the revision that it will have", async () => {
  await using state = await openState();
  await state.save(global, "n", 1);
  await state.save(global, "n", 2);
  await state.save(global, "gone", 2);
  await state.delete(global, "gone");
  await state.transaction(async (tx) => {
    for (const key of ["n", "gone"]) {
      await tx.save(global, key, 3);
      assert.equal((await tx.entry(global, key))!.revision, 3);
      await assert.rejects(tx.save(global, key, 4, { ifRevision: 2 }), { code: "STATE_CONFLICT" });
    }
  });
});

Deno.test("once(), or update() of an ephemeral entry, with an operation id and a long result, leaves a small driver usable", async () => {
  for (const verb of ["once", "update"] as const) {
    await using state = await openState({ driver: limitDriver(memory()) });
    const long = "x".repeat(30_000);
    if (verb === "once") await state.once(global, "k", () => long, { operationId: "o" });
    else await state.update(global, "k", () => long, { operationId: "o", class: "ephemeral" });
    await state.save(global, "other", 1);
    assert.equal(await state.load(global, "k"), long);
    if (verb === "once") assert.equal(await state.once(global, "k", () => 0 as never, { operationId: "o" }), long);
  }
});

Deno.test("what is said not to be written because a large commit before it was not brought in is not written later", async () => {
  const below = limitDriver(memory());
  let isFailing = false;
  let wake = () => {};
  let held: Promise<void> = Promise.resolve();
  const driver: Driver = {
    ...below,
    commit: async (batch) => {
      await held;
      // Steps, and nothing else, set the head without a record.
      const isStep = batch.set.some(([key]) => key.endsWith("!head")) && !batch.set.some(([key]) => key.includes("!log!"));
      if (isFailing && isStep) throw new Error("told to fail");
      return await below.commit!(batch);
    },
  };
  await using state = await open(driver);
  // Its code is loaded when it runs first.
  await state.transaction((tx) => tx.save(global, "zeroth", 1));
  held = new Promise((resolve) => wake = resolve);
  const first = state.save(global, "first", 1);
  await turn();
  const large = state.transaction(async (tx) => {
    for (let i = 0; i < 40; i++) await tx.save(user("u"), `k${i}`, i);
  });
  await turn();
  const saves = Array.from({ length: 12 }, (_, i) => state.save(global, `s${i}`, i));
  isFailing = true;
  wake();
  const outcomes = await Promise.allSettled(saves);
  await Promise.allSettled([first, large]);
  isFailing = false;
  await state.save(global, "after", 1);
  for (const [i, { status }] of outcomes.entries()) {
    assert.equal(await state.has(global, `s${i}`), status === "fulfilled", `s${i}`);
  }
});

function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
