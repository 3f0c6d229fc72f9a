import assert from "node:assert/strict";
import { openState, StateScope } from "../../mod.ts";
import type { OpenStateOptions } from "../../src/open.ts";
import type { StateManager } from "../../src/state/manager.ts";
import { createFaults } from "../faults/faulty_driver.ts";
import { durableMemory, open } from "../faults/fixture.ts";

const { global } = StateScope;
const bulk = { class: "bulk" } as const;
const down = { code: "STATE_DRIVER" } as const;

/** A state that writes behind, and whose driver can be down; and another one on what is stored. */
async function openFaulty(options: OpenStateOptions = {}) {
  const below = durableMemory();
  const faults = createFaults(below);
  const state = await open(faults.driver, options);
  return { faults, state, reader: await openState({ driver: below }) };
}

/** Waits until another state sees a value. */
async function stored(reader: StateManager, key: string, value: unknown): Promise<void> {
  for (let waited = 0; await reader.load(global, key) !== value; waited += 20) {
    assert.ok(waited < 5000, `${key} is still not stored`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

Deno.test("a write behind that failed is tried again each second, whoever waited for it, and onWarning hears it", async () => {
  const waits: Record<string, (state: StateManager) => Promise<unknown>> = {
    flush: (state) => state.flush(),
    "a transaction's read": (state) => state.transaction((tx) => tx.load(global, "other")),
    "a save that needs room": (state) => state.save(global, "other", "x".repeat(100), bulk),
    "the next commit": (state) => state.save(global, "other", 1),
  };
  await Promise.all(
    Object.entries(waits).map(async ([name, wait]) => {
      const heard: string[] = [];
      const { faults, state, reader } = await openFaulty({ limits: { queueBytes: 50 }, onWarning: ({ code }) => heard.push(code) });
      await state.save(global, "k", name, bulk);
      faults.kill();
      await assert.rejects(wait(state), down, name);
      assert.deepEqual([heard, await state.load(global, "k")], [["bulk"], name], name);
      await state.flush().catch(() => {});
      faults.revive();
      await stored(reader, "k", name);
      await state.close();
    }),
  );
});

Deno.test("an onWarning that throws, at once or later, ends no write behind, and nothing else", async () => {
  const callbacks: Record<string, () => void> = {
    throws: () => {
      throw new Error("the operator is out");
    },
    rejects: () => Promise.reject(new Error("the operator is out")),
  };
  await Promise.all(
    Object.entries(callbacks).map(async ([name, onWarning]) => {
      const { faults, state, reader } = await openFaulty({ onWarning });
      await state.save(global, "k", name, bulk);
      faults.kill();
      await new Promise((resolve) => setTimeout(resolve, 100));
      faults.revive();
      await stored(reader, "k", name);
      await state.close();
    }),
  );
});

Deno.test("save() of a bulk entry that there is no room for fails with the flush, and leaves what was there", async () => {
  const { faults, state, reader } = await openFaulty({ limits: { queueBytes: 50 } });
  await state.save(global, "k", "old");
  await state.save(global, "waits", "x".repeat(40), bulk);
  faults.kill();
  await assert.rejects(state.save(global, "k", "refused", bulk), down);
  await assert.rejects(state.save(global, "waits", "y".repeat(60), bulk), down);
  faults.revive();
  const entry = await state.entry(global, "k");
  assert.deepEqual([entry?.value, entry?.revision, await state.load(global, "waits")], ["old", 1, "x".repeat(40)]);
  await state.save(global, "unrelated", 1);
  assert.equal(await reader.load(global, "k"), "old");
  assert.equal(await reader.load(global, "waits"), "x".repeat(40));
  await state.close();
});

Deno.test("save() of bulk entries that there is no room for keeps their order", async () => {
  await using state = await openState({ limits: { queueBytes: 50 } });
  const saves = Array.from({ length: 30 }, (_, i) => state.save(global, "k", "x".repeat(i % 7 * 20) + i, bulk));
  const revisions = (await Promise.all(saves)).map(({ revision }) => revision);
  assert.deepEqual(revisions, revisions.map((_, i) => i + 1));
  assert.equal(await state.load(global, "k"), "x".repeat(29 % 7 * 20) + 29);
});

Deno.test("save() of a bulk entry beside a write that fails is accepted", async () => {
  const { faults, state, reader } = await openFaulty();
  for (const key of ["k", "b"]) await state.save(global, key, 1);
  faults.kill();
  const [other, behind] = await Promise.allSettled([state.save(global, "k", 2), state.save(global, "b", 2, bulk)]);
  assert.deepEqual([other.status, behind.status], ["rejected", "fulfilled"]);
  faults.revive();
  assert.deepEqual([await state.load(global, "k"), await state.load(global, "b")], [1, 2]);
  await stored(reader, "b", 2);
  await state.close();
});

Deno.test("close() that cannot flush says so each time, and lets go of the driver", async () => {
  const faults = createFaults(durableMemory());
  let disposed = 0;
  const driver = { ...faults.driver, dispose: () => void disposed++ };
  const state = await open(driver);
  await state.save(global, "k", 1, bulk);
  faults.kill();
  await assert.rejects(state.close(), down);
  faults.revive();
  await assert.rejects(state.close(), down);
  await assert.rejects(state.load(global, "k"), { code: "STATE_CLOSED" });
  assert.equal(disposed, 1);
});
