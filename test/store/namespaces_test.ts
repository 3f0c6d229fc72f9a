/** Namespaces that are dropped, and not all at once. */
import assert from "node:assert/strict";
import { memory } from "../../adapters/memory.ts";
import { openState, StateScope } from "../../mod.ts";
import { dropNamespace, listNamespaces } from "../../src/open.ts";
import type { Driver } from "../../src/store/driver.ts";
import { limitDriver } from "../faults/limited_driver.ts";

/** Takes that many commits, and fails from then on. */
function failAfter(below: Driver, commits: number): Driver {
  let taken = 0;
  return {
    ...below,
    commit: async (batch) => {
      if (taken++ >= commits) throw new Error("the engine is gone");
      return await below.commit!(batch);
    },
  };
}

Deno.test("a drop that stopped half-way is not listed, and whoever opens next finishes it", async () => {
  const scope = StateScope.agent("a");
  const store = limitDriver(memory());
  const before = await openState({ driver: store });
  for (let i = 0; i < 40; i++) await before.save(scope, `k${i}`, i);
  await before.close();
  await assert.rejects(() => dropNamespace(failAfter(store, 2), "state"));
  assert.deepEqual(await Array.fromAsync(await listNamespaces(store)), []);
  const after = await openState({ driver: store });
  assert.deepEqual(await after.keys(scope).toArray(), []);
  assert.equal((await after.inspect()).commit, 0);
  await after.close();
});

Deno.test("listNamespaces() gives a damaged namespace, too, so that it can be found and repaired", async () => {
  for (const damaged of ["H1\nnonsense", undefined]) {
    const store = memory();
    for (const namespace of ["a", "b", "c"]) {
      const state = await openState({ driver: { ...store }, namespace });
      await state.save(StateScope.global, "k", 1);
      await state.close();
    }
    await store.commit!({
      checks: [],
      set: damaged === undefined ? [] : [["b!head", damaged]],
      remove: damaged === undefined ? ["b!head"] : [],
      durable: false,
    });
    assert.deepEqual(await Array.fromAsync(listNamespaces(store)), ["a", "b", "c"]);
  }
});
