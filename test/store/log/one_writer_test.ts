import assert from "node:assert/strict";
import { createDigester } from "../../../src/digest.ts";
import { createLogPaths } from "../../../src/store/log/checkpoint.ts";
import { oneWriterStore } from "../../../src/store/log/one_writer.ts";
import { nameOf } from "../../../src/store/log/record_journal.ts";
import { describePlain } from "../../../src/store/plain.ts";
import { createSeal } from "../../../src/store/seal.ts";
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
  now -= 3_600_000;
  renew();
  await new Promise((resolve) => setTimeout(resolve));
  // By the holder's clock, which was set back, it is renewed; by any other it would have run out long ago.
  await assert.rejects(other, { code: "STATE_LOCKED" }, "after the clock was set back");
  now += 15_001;
  await other();
});

/** The store of one writer on a driver whose writes come out torn, so many times. */
function tearing(times: number): ReturnType<typeof oneWriterStore> {
  const plain = new SimulatedStore(nothing).plain();
  return oneWriterStore({
    driver: describePlain({
      ...plain,
      setItem: (key, value, options) =>
        plain.setItem!(key, key.startsWith(paths.frames) && times-- > 0 ? value.slice(0, 5) : value, options),
    }),
    paths,
    seal: createSeal(createDigester()),
    writer: "a",
    now: () => 0,
    sleep: () => Promise.resolve(),
    every: () => () => {},
    lock: {},
    onWarning: () => {},
  });
}

const paths = createLogPaths("app!");
const [first, second] = [nameOf(paths.frames, 1), nameOf(paths.frames, 2)];

Deno.test("getItem() of a frame that its own writer has torn gives it whole, or fails: never as it stands", async () => {
  for (const [times, isMended] of [[1, true], [2, false]] as const) {
    const store = tearing(times);
    await store.open();
    await assert.rejects(store.create(first, "the frame"), /does not read back/);
    if (!isMended) await assert.rejects(store.getItem(first), /does not read back/);
    assert.equal(await store.getItem(first), "the frame");
    await store.close();
  }
});

Deno.test("create() of a frame while another one is torn makes that one whole, and says that it was quicker", async () => {
  const store = tearing(1);
  await store.open();
  await assert.rejects(store.create(first, "the frame"), /does not read back/);
  assert.equal(await store.create(second, "another frame"), false);
  assert.equal(await store.getItem(first), "the frame");
  assert.equal(await store.getItem(second), undefined);
  assert.equal(await store.create(second, "another frame"), true);
  await store.close();
});
