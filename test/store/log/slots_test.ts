import assert from "node:assert/strict";
import { createLogPaths } from "../../../src/store/log/checkpoint.ts";
import type { Driver } from "../../../src/store/driver.ts";
import { StateError } from "../../../src/errors.ts";
import { describePlain } from "../../../src/store/plain.ts";
import { contentOf, openLogOn, write } from "../../faults/log_fixture.ts";
import { nothing } from "../../faults/simulated_disk.ts";
import { SimulatedStore } from "../../faults/simulated_store.ts";

const paths = createLogPaths("app!");
const tuning = { frames: 1, bytes: 1 };

/** A plain store with checkpoints in both places; whoever looks at one sees a half of it, so many times in all. */
async function halfSeen(times: number): Promise<Driver> {
  const store = new SimulatedStore(nothing);
  const writer = openLogOn(describePlain(store.plain()), tuning);
  await writer.open();
  for (let i = 0; i < 4; i++) await write(writer, { a: `V${i}` });
  await writer.close();
  const plain = store.plain();
  return describePlain({
    ...plain,
    getItem: async (key) => {
      const value = await plain.getItem(key);
      const isHalf = (key === paths.slot(0) || key === paths.slot(1)) && times-- > 0;
      return isHalf ? String(value).slice(0, 80) : value;
    },
  });
}

Deno.test("find() of two checkpoints that were both being written when they were looked at looks again", async () => {
  for (const times of [1, 2, 3]) {
    const reader = openLogOn(await halfSeen(times), tuning, { readOnly: true });
    assert.deepEqual(await contentOf(reader), { a: "V3" });
  }
});

Deno.test("find() of two checkpoints that stay torn is STATE_CORRUPT", async () => {
  const reader = openLogOn(await halfSeen(Infinity), tuning, { readOnly: true });
  await assert.rejects(contentOf(reader), { code: "STATE_CORRUPT" });
});

Deno.test("create() writes the newest checkpoint again where it was torn since, before it writes over the other one", async () => {
  const store = new SimulatedStore(nothing);
  const plain = store.plain();
  let isFailing = false;
  let newest: unknown = undefined;
  const driver: Driver = {
    ...plain,
    // From now on each new checkpoint comes out torn, and the one after that is not made any more.
    setItem: (key, value, options) => {
      const isNew = isFailing && key.startsWith(paths.checkpoints) && value !== newest;
      return plain.setItem!(key, isNew ? String(value).slice(0, 80) : value, options);
    },
  };
  const writer = openLogOn(describePlain(driver), tuning, { every: () => () => {} });
  await writer.open();
  for (let i = 0; i < 4; i++) await write(writer, { a: `V${i}` });
  await contentOf(writer);
  await new Promise((resolve) => setTimeout(resolve, 50));
  const generation = (text: unknown) => Number(/"generation":(\d+)/.exec(String(text))?.[1]);
  const slots = [0, 1].map((slot) => [paths.slot(slot), store.contents.get(paths.slot(slot))] as const);
  const [key, text] = slots.sort(([, a], [, b]) => generation(b) - generation(a))[0]!;
  newest = text;
  await plain.setItem!(key, String(text).slice(0, 80), {});
  isFailing = true;
  await write(writer, { a: "V4" }).catch(() => {});
  await writer.close().catch(() => {});
  const reader = openLogOn(describePlain(store.plain()), tuning, { readOnly: true });
  assert.match((await contentOf(reader)).a!, /V[34]/);
});

Deno.test("find() does without a checkpoint that the driver has and cannot read; with no other one it is STATE_CORRUPT, never a new log", async () => {
  for (const [unread, missing] of [[0, undefined], [1, undefined], [0, 1], [1, 0]]) {
    const plain = await halfSeen(0);
    const getItem = async (key: string) => {
      if (key === paths.slot(unread!)) throw new StateError("STATE_CORRUPT", "Cannot trust it: it is too large", { details: {} });
      const isGone = missing !== undefined && (key === paths.slot(missing) || key.startsWith(paths.frames));
      return isGone ? undefined : await plain.getItem(key);
    };
    const reader = openLogOn({ ...plain, getItem }, tuning, { readOnly: true });
    if (missing === undefined) assert.deepEqual(await contentOf(reader), { a: "V3" });
    else await assert.rejects(contentOf(reader), { code: "STATE_CORRUPT" });
  }
});
