import assert from "node:assert/strict";
import { StateError } from "../../../src/errors.ts";
import { createDigester } from "../../../src/digest.ts";
import { createLogPaths } from "../../../src/store/log/checkpoint.ts";
import { NumberedCheckpoints } from "../../../src/store/log/checkpoints.ts";
import { exclusiveStore } from "../../../src/store/log/log_store.ts";
import { createSeal } from "../../../src/store/seal.ts";
import { contentOf, openLogOn, write } from "../../faults/log_fixture.ts";
import { nothing } from "../../faults/simulated_disk.ts";
import { SimulatedStore } from "../../faults/simulated_store.ts";

const paths = createLogPaths("app!");
const seal = createSeal(createDigester());
const tuning = { frames: 1e6, bytes: 1e9, lagMs: 1000 };

/** The texts of a log's first checkpoints. */
async function makeCheckpoints(): Promise<readonly string[]> {
  const store = new SimulatedStore(nothing);
  const port = openLogOn(store.records(), { ...tuning, lagMs: 1e9 });
  for (let i = 0; i < 5; i++) {
    await write(port, { a: String(i) });
    await port.close();
  }
  return Array.from({ length: 6 }, (_, i) => store.contents.get(paths.checkpoint(i))!);
}

/** Checkpoints as one sees them who stands still after the first list, while others come and the first ones go. */
async function seenLate(first: readonly number[]): Promise<NumberedCheckpoints> {
  const texts = await makeCheckpoints();
  const store = new SimulatedStore(nothing, {}, first.map((i) => [paths.checkpoint(i), texts[i]!]));
  const other = store.records();
  let now = 0;
  const late = store.records(async ({ name }) => {
    if (name !== "getItem" || now > 0) return;
    now = 501;
    for (const i of [0, 1, 2, 3, 4, 5]) await other.create!(paths.checkpoint(i), texts[i]!);
    for (const i of [0, 1, 2, 3]) await other.removeItem!(paths.checkpoint(i));
  });
  return new NumberedCheckpoints(exclusiveStore(late), paths, seal, () => Promise.resolve(), { now: () => now, lagMs: 1000 });
}

Deno.test("newest() of one that stood still behind a list looks again: what it looks for next may be gone", async () => {
  assert.equal(await (await seenLate([0])).newest(0), 5);
});

Deno.test("find() of one that stood still behind a list looks again", async () => {
  assert.equal((await (await seenLate([0])).find())?.checkpoint.generation, 5);
  assert.equal((await (await seenLate([])).find())?.checkpoint.generation, 5);
});

Deno.test("find() gives the newest checkpoint that proves itself, and names those above it that do not", async () => {
  const texts = await makeCheckpoints();
  const store = new SimulatedStore(nothing, {}, texts.map((text, i) => [paths.checkpoint(i), i < 4 ? text : text.replace("[", "{")]));
  const checkpoints = new NumberedCheckpoints(exclusiveStore(store.records()), paths, seal, () => Promise.resolve(), {
    now: () => 0,
    lagMs: 0,
  });
  const found = await checkpoints.find();
  assert.equal(found?.checkpoint.generation, 3);
  assert.deepEqual(found?.damaged, [paths.checkpoint(5), paths.checkpoint(4)]);
});

Deno.test("a checkpoint stays as long as a list may show no newer one, also where the next one was created long after it was made", async () => {
  const store = new SimulatedStore(nothing);
  let now = 0;
  let pause = 0;
  const driver = store.records(({ name, key }) => {
    if (name !== "create" || !key.startsWith(paths.checkpoints)) return;
    now += pause;
    pause = 0;
  });
  const port = openLogOn(driver, tuning, { now: () => now });
  const checkpoint = async (content: string) => {
    await write(port, { a: content });
    await port.close();
  };
  const standing = () => [...store.contents.keys()].filter((key) => key.startsWith(paths.checkpoints)).map((key) => Number(key.slice(-2)));
  for (const content of ["1", "2", "3"]) await checkpoint(content);
  const shown = Math.max(...standing());
  now += 2000;
  pause = 5000;
  await checkpoint("4");
  await checkpoint("5");
  // A list of this moment may show that one as the newest: the next one came into being just now.
  assert.ok(standing().includes(shown), `${shown} is not among ${standing()}`);
  now += 2000;
  for (const content of ["6", "7"]) await checkpoint(content);
  assert.ok(!standing().includes(shown), `${shown} is among ${standing()}`);
  assert.deepEqual(await contentOf(openLogOn(store.records(), tuning)), { a: "7" });
});

Deno.test("checkpoints that are not needed go, however many there are", async () => {
  const store = new SimulatedStore(nothing);
  let now = 0;
  const port = openLogOn(store.records(), tuning, { now: () => now });
  for (let i = 0; i < 100; i++) {
    await write(port, { a: String(i) });
    await port.close();
  }
  const standing = () => [...store.contents.keys()].filter((key) => key.startsWith(paths.checkpoints)).length;
  assert.ok(standing() > 100);
  for (let i = 0; i < 6; i++) {
    now += 2000;
    await write(port, { a: String(i) });
    await port.close();
  }
  assert.ok(standing() < 8, `${standing()} are left`);
});

Deno.test("a checkpoint that the driver has and cannot read is damaged, and its number is taken", async () => {
  const texts = await makeCheckpoints();
  const store = exclusiveStore(new SimulatedStore(nothing, {}, texts.map((text, i) => [paths.checkpoint(i), text])).records());
  const getItem = async (key: string) => {
    if (key === paths.checkpoint(5)) throw new StateError("STATE_CORRUPT", "Cannot trust it: it is too large", { details: {} });
    return await store.getItem(key);
  };
  const checkpoints = new NumberedCheckpoints({ ...store, getItem }, paths, seal, () => Promise.resolve(), { now: () => 0, lagMs: 0 });
  const found = await checkpoints.find();
  assert.deepEqual([found?.checkpoint.generation, found?.damaged], [4, [paths.checkpoint(5)]]);
  assert.equal(await checkpoints.newest(4), 5);
  assert.equal(await checkpoints.create({ ...found!.checkpoint, generation: 5 }), false);
  const none = { ...store, getItem: () => getItem(paths.checkpoint(5)) };
  await assert.rejects(
    new NumberedCheckpoints(none, paths, seal, () => Promise.resolve(), { now: () => 0, lagMs: 0 }).find(),
    /it is too large/,
  );
});
