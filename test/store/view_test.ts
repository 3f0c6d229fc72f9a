/** What a process knows, against a store that lost what it had acknowledged. */
import assert from "node:assert/strict";
import { memory } from "../../adapters/memory.ts";
import { isStateError, openState, StateScope } from "../../mod.ts";
import { dump, load } from "../golden/story.ts";

Deno.test("load() from a store that went back behind a commit that was seen is STATE_CORRUPT, and so is a write", async () => {
  const driver = memory();
  await using state = await openState({ driver });
  await state.save(StateScope.global, "k", 1);
  const before = await dump(driver);
  await state.save(StateScope.global, "k", 2);
  const lost = Object.keys(await dump(driver)).filter((key) => !(key in before));
  await driver.commit!({ checks: [], set: [], remove: lost, durable: false });
  await load(driver, before);
  for (const call of [() => state.load(StateScope.global, "k"), () => state.save(StateScope.global, "k", 3)]) {
    const error = await call().catch((error) => error);
    assert.ok(isStateError(error, "STATE_CORRUPT"), String(error));
    assert.equal(error.details.commit, 2);
  }
});
