import assert from "node:assert/strict";
import { describePlain } from "../../../src/store/plain.ts";
import { openLogOn, write } from "../../faults/log_fixture.ts";
import { nothing } from "../../faults/simulated_disk.ts";
import { SimulatedStore } from "../../faults/simulated_store.ts";

Deno.test("a lock is renewed while its holder writes nothing, and runs out once nobody renews it", async () => {
  const store = new SimulatedStore(nothing);
  let now = 0;
  let renew = () => {};
  const options = { now: () => now, sleep: (ms: number) => Promise.resolve(void (now += ms)) };
  const holder = openLogOn(describePlain(store.plain()), {}, {
    ...options,
    every: (ms, act) => {
      assert.equal(ms, 5000);
      renew = act;
      return () => {};
    },
  });
  await holder.open();
  await write(holder, { k: "V" });
  const other = () => openLogOn(describePlain(store.plain()), {}, { ...options, lock: { waitMs: 0 }, every: () => () => {} }).open();
  for (let renewals = 0; renewals < 6; renewals++) {
    now += 5000;
    renew();
    await new Promise((resolve) => setTimeout(resolve));
    await assert.rejects(other, { code: "STATE_LOCKED" }, `after ${renewals} renewals`);
  }
  now += 15_001;
  await other();
});
