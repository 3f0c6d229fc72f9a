/** Commits in pieces, and housekeeping that is quicker than they are. */
import assert from "node:assert/strict";
import { memory } from "../../adapters/memory.ts";
import { openState, StateScope } from "../../mod.ts";
import type { Driver } from "../../src/store/driver.ts";
import { limitDriver } from "../faults/limited_driver.ts";

/** Takes away all that was staged, once, before the batch that names it. */
function cleanBeforeLanding(below: Driver): { readonly driver: Driver; cleaned(): number } {
  let cleaned = 0;
  const driver: Driver = {
    ...below,
    commit: async (batch) => {
      const stage = batch.remove.find((key) => key.includes("!stage!"));
      if (cleaned === 0 && stage !== undefined && batch.set.some(([key]) => key.includes("!log!"))) {
        const token = stage.slice(stage.lastIndexOf("!") + 1);
        const prefix = `${stage.split("!", 1)[0]}!obj!${token}`;
        const staged = await below.list!({ prefix, limit: 1000, values: false });
        cleaned = staged.length;
        for (const key of [stage, ...staged.map(({ key }) => key)]) {
          await below.commit!({ checks: [], set: [], remove: [key], durable: false });
        }
      }
      return await below.commit!(batch);
    },
  };
  return { driver, cleaned: () => cleaned };
}

Deno.test("a commit in pieces does not land on what housekeeping took away; it is staged anew", async () => {
  const store = limitDriver(memory());
  const { driver, cleaned } = cleanBeforeLanding(store);
  const scope = StateScope.agent("a");
  const state = await openState({ driver });
  await state.transaction(async (tx) => {
    for (let i = 0; i < 60; i++) await tx.save(scope, `k${i}`, i);
  });
  assert.ok(cleaned() > 0, "nothing was staged");
  await state.close();
  const reader = await openState({ driver: store });
  const values = new Map<string, unknown>();
  for await (const { key, value } of reader.entries(scope)) values.set(key, value);
  assert.deepEqual(values, new Map(Array.from({ length: 60 }, (_, i) => [`k${i}`, i] as const).sort()));
  await reader.close();
});
