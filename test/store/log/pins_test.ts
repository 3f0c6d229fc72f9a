import assert from "node:assert/strict";
import { createLogPaths } from "../../../src/store/log/checkpoint.ts";
import { contentOf, openLogOn, write } from "../../faults/log_fixture.ts";
import { nothing } from "../../faults/simulated_disk.ts";
import { SimulatedStore, type StoreGate } from "../../faults/simulated_store.ts";

const paths = createLogPaths("app!");
const tuning = { frames: 1e6, bytes: 1e9, lagMs: 0, makerMs: 1000 };

/** A store on which a writer makes checkpoints as fast as one reads. */
function createRace(): {
  readonly store: SimulatedStore;
  readonly gate: StoreGate;
  readonly overtaken: () => number;
  advance(ms: number): void;
} {
  const store = new SimulatedStore(nothing);
  let now = 0;
  const writer = openLogOn(store.records(), tuning, { now: () => now });
  let count = 0;
  let overtaken = 0;
  const overtake = async () => {
    for (let i = 0; i < 3; i++) {
      await write(writer, { a: `A${++count}`, b: "B" });
      await writer.close();
    }
  };
  const gate: StoreGate = async ({ name, key }) => {
    if (name !== "getItem" || !key.startsWith(paths.runs)) return;
    assert.ok(++overtaken < 100, "the reader is overtaken for ever");
    await overtake();
  };
  return { store, gate, overtaken: () => overtaken, advance: (ms) => now += ms };
}

Deno.test("a reader that is overtaken again and again has what it reads kept until it is done", async () => {
  const { store, gate, overtaken } = createRace();
  await gate({ name: "getItem", key: paths.runs });
  const content = await contentOf(openLogOn(store.records(gate), tuning));
  assert.equal(content.b, "B");
  assert.ok(overtaken() > 3);
  assert.deepEqual([...store.contents.keys()].filter((key) => key.startsWith(paths.pins)), [], "its pin is left");
});

Deno.test("what was kept for a reader goes later, also if the reader left its pin behind", async () => {
  const { store, gate, advance } = createRace();
  await gate({ name: "getItem", key: paths.runs });
  await store.records().create!(`${paths.pins}0000000000000000-00`, "N1\n");
  const size = () => [...store.contents.keys()].filter((key) => !key.startsWith(paths.frames)).length;
  const before = size();
  for (let i = 0; i < 5; i++) await gate({ name: "getItem", key: paths.runs });
  assert.ok(size() > before + 10, "nothing is kept");
  advance(1001);
  for (let i = 0; i < 2; i++) await gate({ name: "getItem", key: paths.runs });
  assert.ok(size() <= before, `${size()} objects are left of ${before}`);
});
