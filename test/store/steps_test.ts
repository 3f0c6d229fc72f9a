/** Commits in pieces, brought in by several at once. */
import assert from "node:assert/strict";
import { memory } from "../../adapters/memory.ts";
import { openState, StateScope } from "../../mod.ts";
import type { Driver, DriverBatch } from "../../src/store/driver.ts";
import { limitDriver } from "../faults/limited_driver.ts";

/** Holds back the first batch that brings in a piece, until it is let go. */
function holdFirstStep(below: Driver): { readonly driver: Driver; readonly held: Promise<void>; letGo(): void } {
  const held = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  let isFirst = true;
  const isStep = ({ set }: DriverBatch) => set.some(([key]) => key.endsWith("!head")) && set.some(([key]) => key.includes("!cur!"));
  const driver: Driver = {
    ...below,
    commit: async (batch) => {
      if (isFirst && isStep(batch) && !batch.set.some(([key]) => key.includes("!log!"))) {
        isFirst = false;
        held.resolve();
        await gate.promise;
      }
      return await below.commit!(batch);
    },
  };
  return { driver, held: held.promise, letGo: () => gate.resolve() };
}

Deno.test("a step that comes late changes nothing: others brought the commit in, and wrote on", async () => {
  const store = limitDriver(memory());
  const { driver, held, letGo } = holdFirstStep(store);
  const slow = await openState({ driver });
  const quick = await openState({ driver: store });
  const scope = StateScope.agent("a");
  await slow.transaction(async (tx) => {
    for (let i = 0; i < 60; i++) await tx.save(scope, `k${i}`, "old");
  });
  await held;
  for (let i = 0; i < 60; i++) assert.equal((await quick.save(scope, `k${i}`, "new")).revision, 2);
  letGo();
  await slow.flush();
  const reader = await openState({ driver: store });
  for await (const { key, value, revision } of reader.entries(scope)) assert.deepEqual([key, value, revision], [key, "new", 2]);
  assert.equal((await reader.keys(scope).toArray()).length, 60);
  for (const state of [slow, quick, reader]) await state.close();
});
