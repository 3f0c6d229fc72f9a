/** Cutting the log: what goes, and what need not be read for it. */
import assert from "node:assert/strict";
import { memory } from "../../adapters/memory.ts";
import { openState, type StateManager, StateScope } from "../../mod.ts";
import type { Driver } from "../../src/store/driver.ts";
import { WrittenRecords } from "../../src/store/written.ts";
import { limitDriver } from "../faults/limited_driver.ts";
import { seeded } from "../faults/simulated_disk.ts";

const scope = StateScope.agent("a");
const seed = Number(Deno.env.get("TEST_SEED") ?? Math.floor(Math.random() * 1e9));

/** The same driver, staying open, with how often the oldest records were read to be removed. */
function counted(below: Driver): { readonly driver: Driver; looks(): number } {
  let looks = 0;
  const list: Driver["list"] = async (options) => {
    // Who reads on asks from a commit on.
    if (options.prefix === "state!log!" && options.after === undefined) looks++;
    return await below.list!(options);
  };
  return { driver: { ...below, dispose: () => {}, list }, looks: () => looks };
}

async function itemsOf(driver: Driver, kind: string): Promise<readonly (readonly [key: string, value: string | Uint8Array])[]> {
  const prefix = `state!${kind}!`;
  return (await driver.list!({ prefix, limit: Infinity, values: true })).map(({ key, value }) => [key.slice(prefix.length), value!]);
}

const lengthOf = (items: readonly (readonly [string, string | Uint8Array])[]) => items.reduce((sum, [, { length }]) => sum + length, 0);

/**
 * What the head says of the log is what stands there: every record behind the horizon, none before, and the objects, but for what
 * commits stand in that one batch did not hold.
 */
async function check(driver: Driver, state: StateManager, hasPieces = false): Promise<void> {
  const { commit, oldest, bytes } = await state.inspect();
  const records = await itemsOf(driver, "log");
  let next = oldest;
  for (const [key, text] of records) {
    assert.equal(Number(key), next, `TEST_SEED=${seed}`);
    next += (JSON.parse(String(text).split("\n")[1]!) as readonly number[])[4]!;
  }
  assert.equal(next, commit + 1, `TEST_SEED=${seed}`);
  assert.ok(records.length <= 1281, `${records.length} records, TEST_SEED=${seed}`);
  assert.equal(bytes.log, lengthOf(records), `TEST_SEED=${seed}`);
  if (!hasPieces) assert.equal(bytes.objects, lengthOf(await itemsOf(driver, "obj")), `TEST_SEED=${seed}`);
}

const choose = seeded(seed);

/** Saves, some of them of values that stand in objects; and, if `wide`, one of more at once than a batch holds. */
async function work(state: StateManager, count: number, wide = false): Promise<void> {
  const save = async (kind: string) => {
    const large = choose(8) === 0;
    await state.save(scope, `${large ? "large" : "small"} ${kind} ${choose(4)}`, "x".repeat(large ? 9000 + choose(99) : choose(99)));
  };
  for (let i = 0; i < count; i++) {
    await save("alone");
    if (!wide || i !== count >> 1) continue;
    await state.transaction(async (tx) => {
      for (let k = 0; k < 60; k++) await tx.save(scope, `together ${k}`, "y".repeat(k % 20 === 0 ? 9000 : choose(99)));
    });
  }
}

Deno.test("what this process wrote is removed without being read again, once it has looked for older records", async () => {
  const below = memory();
  const { driver, looks } = counted(below);
  const state = await openState({ driver });
  const before = looks();
  await work(state, 1300);
  assert.equal(looks(), before + 1, `TEST_SEED=${seed}`);
  for (let round = 0; round < 4; round++) {
    await work(state, 260);
    await check(below, state);
  }
  assert.equal(looks(), before + 1, `TEST_SEED=${seed}`);
  await state.close();
});

Deno.test("what stood in pieces is read to be removed, and goes with all that it took the place of", async () => {
  const below = limitDriver(memory());
  const state = await openState({ driver: { ...below, dispose: () => {} } });
  for (let round = 0; round < 6; round++) await work(state, 200, true);
  await check(below, state, true);
  await work(state, 1800);
  await check(below, state);
  await state.close();
});

Deno.test("what others wrote, or have removed, is read to be removed", async () => {
  const below = memory();
  const { driver, looks } = counted(below);
  const [one, two] = [await openState({ driver }), await openState({ driver })];
  await work(one, 1300);
  for (const state of [two, one, one, two]) {
    await work(state, 300);
    await check(below, one);
  }
  for (let round = 0; round < 6; round++) {
    for (let i = 0; i < 100; i++) await Promise.all([work(one, 1), work(two, 2)]);
    await check(below, two);
  }
  await work(one, 1800);
  await check(below, one);
  const before = looks();
  await work(one, 600);
  await check(below, one);
  assert.equal(looks(), before, `once all is its own it does not look any more, TEST_SEED=${seed}`);
  await Promise.all([one.close(), two.close()]);
});

Deno.test("records are known only where somebody has looked whether others stand before them", () => {
  const written = new WrittenRecords();
  for (let first = 5; first < 20; first += 2) written.add({ first, last: first + 1, bytes: 1, drops: [] });
  assert.equal(written.between(4, 10), undefined);
  written.removedTo(4);
  assert.deepEqual(written.between(4, 10)?.map(({ first }) => first), [5, 7, 9]);
  assert.equal(written.between(6, 10), undefined, "others have removed some since");
  written.removedTo(8);
  assert.deepEqual(written.between(8, 13)?.map(({ first }) => first), [9, 11]);
  written.add({ first: 22, last: 22, bytes: 1, drops: [] });
  assert.equal(written.between(8, 30), undefined, "others have written one");
});

Deno.test("objects that records drop are remembered up to a bound; beyond it the record is read", () => {
  const written = new WrittenRecords();
  const drops = Array.from({ length: 1000 }, (_, i) => ({ name: `o${i}`, pieces: 1, bytes: 1 }));
  written.removedTo(0);
  for (let first = 1; first <= 8; first++) written.add({ first, last: first, bytes: 1, drops });
  assert.deepEqual(written.between(0, 9)!.map((record) => record.drops?.length), [1000, 1000, 1000, 1000, ...Array(4).fill(undefined)]);
  written.removedTo(3);
  written.add({ first: 9, last: 9, bytes: 1, drops });
  assert.equal(written.between(3, 9)!.at(-1)!.drops?.length, 1000);
});

Deno.test("records are remembered up to a bound: where cutting the log fails again and again, the oldest are forgotten", () => {
  const written = new WrittenRecords();
  written.removedTo(0);
  for (let first = 1; first <= 2048; first++) written.add({ first, last: first, bytes: 1, drops: [] });
  assert.equal(written.between(0, 5000)?.length, 2048);
  written.add({ first: 2049, last: 2049, bytes: 1, drops: [] });
  assert.equal(written.between(0, 5000), undefined);
});

Deno.test("what this process wrote is remembered also where a reader of its own sees it before the commit is answered", async () => {
  const below = memory();
  const { driver, looks } = counted({
    ...below,
    commit: async (batch) => {
      const isWritten = await below.commit!(batch);
      await new Promise((resolve) => setTimeout(resolve, 0));
      return isWritten;
    },
  });
  const state = await openState({ driver });
  const before = looks();
  let isOver = false;
  const reading = (async () => {
    while (!isOver) {
      await state.load(scope, "k3");
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
  })();
  for (let i = 0; i < 1900; i++) await state.save(scope, `k${i % 7}`, i);
  isOver = true;
  await reading;
  assert.equal(looks(), before + 1);
  await state.close();
});
