/** Merging runs, alone and with what is about to become one. */
import assert from "node:assert/strict";
import type { Driver } from "../../../src/store/driver.ts";
import { createDigester } from "../../../src/digest.ts";
import { type BuilderParts, RunBuilder } from "../../../src/store/log/builder.ts";
import { type Checkpoint, createLogPaths } from "../../../src/store/log/checkpoint.ts";
import type { LogTuning } from "../../../src/store/log/log.ts";
import type { LogPort } from "../../../src/store/log/log_port.ts";
import { countAtHand, mergeRuns } from "../../../src/store/log/merge.ts";
import { RunReader } from "../../../src/store/log/runs.ts";
import type { Entry, RunRef } from "../../../src/store/log/table.ts";
import { createSeal } from "../../../src/store/seal.ts";
import { createLogDriver } from "../../faults/log_driver.ts";
import { contentOf, openLogOn, write } from "../../faults/log_fixture.ts";
import { seeded } from "../../faults/simulated_disk.ts";

const seal = createSeal(createDigester());
const paths = createLogPaths("app!");

function createObjects() {
  const texts = new Map<string, string>();
  const store = {
    create: (key: string, text: string | Uint8Array) => Promise.resolve(texts.has(key) ? false : !!texts.set(key, String(text))),
    getItem: (key: string) => Promise.resolve(texts.get(key)),
  };
  let tokens = 0;
  const builder = () => {
    const token = (++tokens).toString(16).padStart(4, "0");
    const parts: BuilderParts = { store, seal, paths, limitBytes: 1000, token, count: 0 };
    return new RunBuilder(parts);
  };
  return { texts, builder, reader: () => new RunReader(store, seal, 1e6) };
}

async function runOf(builder: RunBuilder, entries: readonly Entry[]): Promise<RunRef> {
  for (const entry of entries) await builder.add(entry);
  return (await builder.finish())!;
}

/** Every object below a run, indexes included, and its entries. */
async function readRun(reader: RunReader, run: RunRef): Promise<{ readonly names: string[]; readonly entries: Entry[] }> {
  const { pages, indexes } = await reader.partsOf(run);
  const entries = (await Promise.all(pages.map((page) => reader.entriesOf(page)))).flat();
  return { names: [...indexes, ...pages.map(({ name }) => name)], entries };
}

const keyOf = (i: number) => `app!${String(i).padStart(4, "0")}`;

Deno.test("mergeRuns() gives what the newest of all sources says of each key, and names what the new run does without", async () => {
  const seed = Number(Deno.env.get("TEST_SEED") ?? Math.floor(Math.random() * 1e9));
  const choose = seeded(seed);
  let taken = 0;
  for (let round = 0; round < 300; round++) {
    const objects = createObjects();
    const someEntries = (say: string): Entry[] => {
      const [from, step] = [choose(300), 1 + choose(9)];
      return Array.from(
        { length: 1 + choose(80) },
        (_, i) => [keyOf(from + i * step), choose(4) === 0 ? undefined : `${say} ${"x".repeat(choose(90))}`],
      );
    };
    const all = Array.from({ length: 1 + choose(4) }, (_, i) => someEntries(`run ${i}`));
    const runs: RunRef[] = [];
    for (const entries of all) runs.push(await runOf(objects.builder(), entries));
    const newest = choose(2) === 0 ? [] : someEntries("newest");
    const count = 1 + choose(runs.length);
    const isLast = count === runs.length;
    const expected = new Map<string, string | undefined>();
    for (const entries of [...all.slice(0, count).toReversed(), newest]) for (const [key, value] of entries) expected.set(key, value);
    const wanted = [...expected].filter(([, value]) => value !== undefined || !isLast).sort(([a], [b]) => a < b ? -1 : 1);

    const before = (await Promise.all(runs.slice(0, count).map((run) => readRun(objects.reader(), run)))).flatMap(({ names }) => names);
    const builder = objects.builder();
    const dropped = await mergeRuns(newest, runs.slice(0, count), isLast, objects.reader(), builder);
    const run = await builder.finish();
    const after = run === undefined ? { names: [], entries: [] } : await readRun(objects.reader(), run);
    assert.deepEqual(after.entries, wanted, `TEST_SEED=${seed}`);
    assert.deepEqual(before.filter((name) => !after.names.includes(name)).sort(), [...dropped].sort(), `TEST_SEED=${seed}`);
    taken += after.names.filter((name) => before.includes(name)).length;
  }
  assert.ok(taken > 100, `only ${taken} pages were taken over, TEST_SEED=${seed}`);
});

Deno.test("countAtHand() counts runs that are not far larger, unless too much of them must be written again", async () => {
  const objects = createObjects();
  const entriesOf = (from: number, count: number, step = 1): Entry[] =>
    Array.from({ length: count }, (_, i) => [keyOf(from + i * step), "x".repeat(60)]);
  const count = async (entries: readonly Entry[], runs: readonly RunRef[], most: number) =>
    await countAtHand(entries, runs, objects.reader(), objects.builder().reuseBytes, most);
  const low = await runOf(objects.builder(), entriesOf(0, 40));
  const high = await runOf(objects.builder(), entriesOf(1000, 40));
  const wide = await runOf(objects.builder(), entriesOf(0, 40, 30));
  const large = await runOf(objects.builder(), entriesOf(2000, 900));
  // Beside each other: nothing is written again, but for a last page that is too small to be kept.
  assert.equal(await count(entriesOf(500, 40), [low, high], 500), 2);
  // Among its keys.
  assert.equal(await count(entriesOf(3, 12, 3), [low], low.bytes / 2), 0);
  assert.equal(await count(entriesOf(3, 12, 3), [low], low.bytes), 1);
  // Beside the entries, and among each other, whichever is the newer one: then the next one would be merged with the result.
  for (const both of [[high, wide], [wide, high]]) {
    assert.equal(await count(entriesOf(9000, 40), both, 700), 0);
    assert.equal(await count(entriesOf(9000, 40), both, 5000), 2);
  }
  // What is far larger is left, and so is what is behind it.
  assert.equal(await count(entriesOf(0, 40), [large, low], 1e9), 0);
  assert.equal(await count(entriesOf(0, 40), [low, large, high], 1e9), 1);
  assert.equal(await count(entriesOf(0, 40), [], 1e9), 0);
});

Deno.test("what countAtHand() counts is merged within the bound that it was given", async () => {
  const seed = Number(Deno.env.get("TEST_SEED") ?? Math.floor(Math.random() * 1e9));
  const choose = seeded(seed);
  let merged = 0;
  for (let round = 0; round < 400; round++) {
    const objects = createObjects();
    const someEntries = (): Entry[] => {
      const [from, step, size] = [choose(900), 1 + choose(choose(2) === 0 ? 2 : 40), choose(90)];
      return Array.from({ length: 1 + choose(120) }, (_, i) => [keyOf(from + i * step), choose(9) === 0 ? undefined : "x".repeat(size)]);
    };
    const runs: RunRef[] = [];
    for (let i = choose(5); i >= 0; i--) runs.push(await runOf(objects.builder(), someEntries()));
    const entries = someEntries();
    const most = 200 + choose(6000);
    const count = await countAtHand(entries, runs, objects.reader(), objects.builder().reuseBytes, most);
    if (count === 0) continue;
    const before = new Set(objects.texts.keys());
    const builder = objects.builder();
    await mergeRuns(entries, runs.slice(0, count), count === runs.length, objects.reader(), builder);
    await builder.finish();
    const pages = [...objects.texts].filter(([name, text]) => !before.has(name) && text.startsWith("P"));
    const written = pages.reduce((sum, [, text]) => sum + text.length, 0);
    const own = entries.reduce((sum, [key, value = ""]) => sum + key.length + value.length + 2, 0);
    // A page begins with three characters.
    assert.ok(written - own <= most + 3 * pages.length, `${written} were written, ${own} are new, the bound is ${most}, TEST_SEED=${seed}`);
    merged++;
  }
  assert.ok(merged > 40, `only ${merged} were merged, TEST_SEED=${seed}`);
});

Deno.test("a checkpoint is made though a page that it would have merged is damaged, or gone, and leaves nothing behind", async () => {
  for (const damage of [(text: string) => text.replace("LAST", "lost"), () => undefined]) {
    const created = createLogDriver();
    // Pages of a thousand characters: some are written before the damaged one is come to.
    const below = { ...created, supports: { ...created.supports!, valueBytes: 2048 } };
    let isDamaged = false;
    let met = 0;
    const driver = {
      ...below,
      getItem: async (key: string) => {
        const value = await below.getItem(key);
        if (!isDamaged || typeof value !== "string" || !/^P1.*LAST/s.test(value)) return value;
        met++;
        return damage(value);
      },
    };
    const keysUnder = async (prefix: string) => (await below.list!({ prefix, limit: 1000 })).map(({ key }) => key);
    const tuning = { frames: 3, bytes: 1e6, lagMs: 0 };
    const expected: Record<string, string> = { z: "LAST" };
    const put = async (port: LogPort, i: number) => {
      const step = { [`b${i % 10}`]: `V${i}`.padEnd(200, "."), [`c${i}`]: `V${i}`.padEnd(200, ".") };
      Object.assign(expected, step);
      await write(port, { ...step, z: "LAST" });
    };
    const first = openLogOn(below, tuning);
    for (let i = 0; i < 20; i++) await put(first, i);
    await first.close();
    const newest = (await keysUnder(paths.checkpoints)).at(-1)!;

    const port = openLogOn(driver, tuning);
    isDamaged = true;
    for (let i = 20; i < 24; i++) await put(port, i);
    await port.close();
    assert.ok(met > 0 && (await keysUnder(paths.checkpoints)).at(-1)! > newest, "no checkpoint was made");
    isDamaged = false;
    // What a merge of its own has made of it is given up after an hour.
    const again = openLogOn(below, tuning, { now: () => 2 * 60 * 60 * 1000 });
    assert.deepEqual(await contentOf(again), expected);
    for (let i = 24; i < 40; i++) await put(again, i);
    await again.close();
    const reader = openLogOn(below, tuning);
    assert.deepEqual(await contentOf(reader), expected);
    assert.deepEqual(await leftBehind(below, tuning, 2 * 60 * 60 * 1000), []);
  }
});

/** What is under runs and no checkpoint names, once processes of later hours have made some. */
async function leftBehind(driver: Driver, tuning: Partial<LogTuning>, time: number): Promise<string[]> {
  for (let life = 0; life < 4; life++) {
    time += 60 * 60 * 1000 + 1;
    const port = openLogOn(driver, tuning, { now: () => time });
    for (let i = 0; i < 8; i++) await fill(port, 100 + i);
    await port.close();
  }
  const named = new Set<string>();
  const runs = new RunReader({ getItem: async (key) => await driver.getItem(key) }, seal, 0);
  const keysUnder = async (prefix: string) => (await driver.list!({ prefix, limit: 1000 })).map(({ key }) => key);
  for (const key of (await keysUnder(paths.checkpoints)).slice(-2)) {
    const checkpoint: Checkpoint = JSON.parse(String(await driver.getItem(key)).split("\n")[2]!);
    for (const run of checkpoint.runs) for (const name of (await readRun(runs, run)).names) named.add(name);
    for (const name of checkpoint.dropped) named.add(name);
  }
  return (await keysUnder(paths.runs)).filter((key) => !named.has(key));
}

/** A step that fills some pages of a thousand characters. */
async function fill(port: LogPort, i: number): Promise<void> {
  const step = Object.fromEntries(Array.from({ length: 16 }, (_, k) => [`b${i % 3}${k}`, `V${i}`.padEnd(300, ".")]));
  await write(port, { ...step, [`c${i % 4}`]: "x".repeat(600) });
}

Deno.test("what a checkpoint has written that cannot be finished, or came too late, is found later, wherever the driver fails", async () => {
  const tuning = { frames: 3, bytes: 1e6, lagMs: 0 };
  let struck = 0;
  for (const [verb, calls] of [["create", 12], ["removeItem", 12], ["removeItem", 3]] as const) {
    for (let works = 0; works < 20; works++) {
      const created = createLogDriver();
      const below = { ...created, supports: { ...created.supports!, valueBytes: 2048 } };
      let left = Infinity;
      const failing = (key: string) => {
        // For a while: what comes behind that works again.
        if (!key.startsWith(paths.runs) || left-- > 0 || left < -calls) return;
        struck++;
        throw new Error("it fails");
      };
      let isOvertaken = false;
      const driver: Driver = {
        ...below,
        create: async (key, value) => {
          if (verb === "create") failing(key);
          if (isOvertaken && verb === "removeItem" && key.startsWith(paths.checkpoints)) {
            // Another process is quicker: what this one has made is for nothing, and is removed.
            isOvertaken = false;
            const other = openLogOn(below, tuning, { now: () => 0 });
            for (let i = 20; i < 24; i++) await fill(other, i);
            await other.close();
            left = works;
          }
          return await below.create!(key, value);
        },
        removeItem: async (key) => {
          if (verb === "removeItem") failing(key);
          await below.removeItem!(key);
        },
      };
      const first = openLogOn(driver, tuning, { now: () => 0 });
      for (let i = 0; i < 12; i++) await fill(first, i);
      await first.close();
      if (verb === "create") left = works;
      isOvertaken = true;
      const port = openLogOn(driver, tuning, { now: () => 0 });
      for (let i = 12; i < 17; i++) await fill(port, i);
      await port.close();
      assert.deepEqual(await leftBehind(below, tuning, 0), [], `${verb} fails ${calls} times after ${works} calls`);
    }
  }
  assert.ok(struck > 28, `it failed ${struck} times`);
});
