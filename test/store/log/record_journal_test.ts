import assert from "node:assert/strict";
import type { Driver } from "../../../src/store/driver.ts";
import { nameOf } from "../../../src/store/log/record_journal.ts";
import { describePlain } from "../../../src/store/plain.ts";
import { contentOf, openLogOn, write } from "../../faults/log_fixture.ts";
import { nothing } from "../../faults/simulated_disk.ts";
import { SimulatedStore } from "../../faults/simulated_store.ts";

const tuning = { frames: 1e6, bytes: 1e9 };

/** A plain store with four frames in it, of which whoever looks at the second sees a half, so many times. */
async function halfSeen(times: number): Promise<Driver> {
  const store = new SimulatedStore(nothing);
  const writer = openLogOn(describePlain(store.plain()), tuning, { every: () => () => {} });
  await writer.open();
  for (let i = 0; i < 4; i++) await write(writer, { [`k${i}`]: `V${i}` });
  const plain = store.plain();
  return describePlain({
    ...plain,
    getItem: async (key) => {
      const value = await plain.getItem(key);
      return key === nameOf("app!frame!", 2) && times-- > 0 ? String(value).slice(0, 80) : value;
    },
  });
}

Deno.test("read() of a frame that was being written when it was looked at looks again where others stand behind it", async () => {
  const reader = openLogOn(await halfSeen(1), tuning, { readOnly: true });
  assert.deepEqual(await contentOf(reader), { k0: "V0", k1: "V1", k2: "V2", k3: "V3" });
});

Deno.test("read() of a frame that stays torn, and behind which others stand, is STATE_CORRUPT", async () => {
  const reader = openLogOn(await halfSeen(Infinity), tuning, { readOnly: true });
  await assert.rejects(contentOf(reader), { code: "STATE_CORRUPT" });
});

Deno.test("append() after writes of a frame that came out torn never leaves that frame to come to life before a later one", async () => {
  for (let times = 1; times < 12; times++) {
    const store = new SimulatedStore(nothing);
    const plain = store.plain();
    let left = times;
    const torn: Driver = {
      ...plain,
      setItem: (key, value, options) => {
        const isTorn = key === nameOf("app!frame!", 3) && left-- > 0;
        return plain.setItem!(key, isTorn ? String(value).slice(0, 80) : value, options);
      },
    };
    const writer = openLogOn(describePlain(torn), tuning, { every: () => () => {} });
    await writer.open();
    const acknowledged: Record<string, string> = {};
    for (let i = 0; i < 12; i++) {
      const done = await write(writer, { [`k${i}`]: `V${i}` }).then(() => true, () => false);
      if (done) acknowledged[`k${i}`] = `V${i}`;
      // Whoever looks meanwhile finds it torn.
      await contentOf(writer).catch(() => {});
    }
    const found = await contentOf(openLogOn(describePlain(store.plain()), tuning, { readOnly: true }));
    for (const [key, value] of Object.entries(acknowledged)) assert.equal(found[key], value, `${key} after ${times} torn writes`);
    await writer.close();
  }
});
