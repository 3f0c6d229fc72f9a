/**
 * Critical entries on a driver that says yes and does something else.
 *
 * @module
 */
import assert from "node:assert/strict";
import { isStateError, StateScope } from "../../mod.ts";
import { durableMemory, open } from "./fixture.ts";

Deno.test("save() of a critical entry that the driver stored otherwise is STATE_CORRUPT, not acknowledged", async () => {
  const below = durableMemory();
  let isLying = false;
  const driver: typeof below = {
    ...below,
    commit: (batch) => {
      const set = isLying ? batch.set.filter(([key]) => !key.includes("!cur!")) : batch.set;
      return below.commit!({ ...batch, set });
    },
  };
  await using state = await open(driver);
  await state.save(StateScope.global, "critical:x", 1);
  isLying = true;
  const error = await state.save(StateScope.global, "critical:x", 2).catch((error) => error);
  assert.ok(isStateError(error, "STATE_CORRUPT"), String(error));
  isLying = false;
});

Deno.test("a critical entry asks for the strongest durability by whatever verb it is written", async () => {
  const below = durableMemory();
  const asked: boolean[] = [];
  const driver: typeof below = {
    ...below,
    commit: (batch) => {
      asked.push(batch.durable);
      return below.commit!(batch);
    },
  };
  await using state = await open(driver, { classify: () => "critical" });
  asked.length = 0;
  const agent = StateScope.agent("a");
  await state.save(agent, "n", 1);
  await state.update(agent, "n", (n) => Number(n) + 1);
  await state.increment(agent, "n");
  await state.transaction((tx) => tx.save(agent, "m", 1));
  await state.copy(agent, StateScope.agent("b"));
  assert.deepEqual(asked, [true, true, true, true, true]);
});
