/** Reading runs, as builders write them. */
import assert from "node:assert/strict";
import { createDigester } from "../../../src/digest.ts";
import { isStateError } from "../../../src/errors.ts";
import { RunBuilder } from "../../../src/store/log/builder.ts";
import { createLogPaths } from "../../../src/store/log/checkpoint.ts";
import { type KeyRange, mergeSlices, RunReader, Superseded } from "../../../src/store/log/runs.ts";
import type { Entry, RunRef } from "../../../src/store/log/table.ts";
import { createSeal } from "../../../src/store/seal.ts";

const seal = createSeal(createDigester());
const paths = createLogPaths("app!");

/** A store of objects, and how often each was read. */
class Objects {
  readonly texts: Map<string, string> = new Map();
  readonly reads: string[] = [];

  create(key: string, text: string): Promise<boolean> {
    this.texts.set(key, text);
    return Promise.resolve(true);
  }

  getItem(key: string): Promise<unknown> {
    this.reads.push(key);
    return Promise.resolve(this.texts.get(key));
  }

  reader(cacheBytes = 1e6): RunReader {
    return new RunReader(this, seal, cacheBytes);
  }
}

const key = (i: number) => `app!${String(i).padStart(5, "0")}`;

/** A run of every third key; each seventh of them says that nothing stands there. */
async function build(objects: Objects, count: number, limitBytes = 1000): Promise<RunRef> {
  const builder = new RunBuilder({ store: objects, seal, paths, limitBytes, token: "00aa", count: 0 });
  for (let i = 0; i < count; i++) await builder.add([key(3 * i), valueOf(i)]);
  return (await builder.finish())!;
}

function valueOf(i: number): string | undefined {
  return i % 7 === 0 ? undefined : `value ${i}`;
}

Deno.test("find() gives what a run says of a key, and undefined of what it does not speak of, at any depth", async () => {
  for (const count of [1, 5, 60, 2000]) {
    const objects = new Objects();
    const run = await build(objects, count);
    assert.equal(run.depth > 1, count === 2000);
    const reader = objects.reader();
    for (let i = 0; i < count; i += count > 100 ? 37 : 1) {
      assert.deepEqual(await reader.find(run, key(3 * i)), { value: valueOf(i) });
      assert.equal(await reader.find(run, key(3 * i + 1)), undefined);
    }
    for (const other of ["", "app!", "app!0", "zzz"]) assert.equal(await reader.find(run, other), undefined);
  }
});

Deno.test("find() reads one object a level, and none that it has in its cache", async () => {
  const objects = new Objects();
  const run = await build(objects, 2000);
  const reader = objects.reader();
  await reader.find(run, key(3000));
  assert.equal(objects.reads.length, run.depth + 1);
  await reader.find(run, key(3000));
  assert.equal(objects.reads.length, run.depth + 1);
  await Promise.all([1, 2, 3, 4].map(() => objects.reader().find(run, key(9))));
  const together = objects.reader();
  objects.reads.length = 0;
  await Promise.all([1, 2, 3, 4].map(() => together.find(run, key(9))));
  assert.equal(objects.reads.length, run.depth + 1);
});

Deno.test("slice() gives a range in order, both ways, as much as is wanted", async () => {
  const objects = new Objects();
  const run = await build(objects, 500);
  const reader = objects.reader();
  const all = Array.from({ length: 500 }, (_, i): Entry => [key(3 * i), valueOf(i)]);
  for (const reverse of [false, true]) {
    for (const after of [undefined, key(0), key(7), key(299), key(1497), "app!", "zzz"]) {
      for (const prefix of ["", "app!", "app!001", "app!9", "b"]) {
        for (const wanted of [1, 10, Infinity]) {
          const range: KeyRange = { prefix, after, reverse };
          const expected = all.filter(([name]) =>
            name.startsWith(prefix) && (after === undefined || (reverse ? name < after : name > after))
          );
          if (reverse) expected.reverse();
          const { entries, isWhole } = await reader.slice(run, range, wanted);
          assert.deepEqual(entries, expected.slice(0, entries.length));
          assert.ok(isWhole ? entries.length === expected.length : entries.length >= wanted);
        }
      }
    }
  }
});

Deno.test("what is missing is Superseded, and what is damaged STATE_CORRUPT, at each level", async () => {
  const objects = new Objects();
  const run = await build(objects, 2000);
  await objects.reader().find(run, key(3000));
  for (const name of new Set(objects.reads)) {
    const text = objects.texts.get(name)!;
    objects.texts.delete(name);
    await assert.rejects(objects.reader().find(run, key(3000)), Superseded);
    objects.texts.set(name, text.replace(/.$/s, "~"));
    await assert.rejects(objects.reader().find(run, key(3000)), (error) => isStateError(error, "STATE_CORRUPT"));
    objects.texts.set(name, text);
  }
  assert.deepEqual(await objects.reader().find(run, key(3000)), { value: valueOf(1000) });
});

Deno.test("a cache of no bytes keeps nothing, and changes nothing", async () => {
  const objects = new Objects();
  const run = await build(objects, 60);
  const reader = objects.reader(1);
  for (let i = 0; i < 60; i++) assert.deepEqual(await reader.find(run, key(3 * i)), { value: valueOf(i) });
});

Deno.test("mergeSlices() gives what the first source says of a key, leaves out what is gone, and stops where one is not known", () => {
  const newer = { entries: [["b", undefined], ["d", "new"]] as Entry[], isWhole: true };
  const older = { entries: [["a", "A"], ["b", "B"], ["c", "C"]] as Entry[], isWhole: false };
  assert.deepEqual(mergeSlices([newer, older], false, 10), { entries: [["a", "A"], ["c", "C"]], isWhole: false, end: "c" });
  assert.deepEqual(mergeSlices([newer, older], false, 1), { entries: [["a", "A"]], isWhole: false, end: "a" });
  assert.deepEqual(mergeSlices([newer, { ...older, isWhole: true }], false, 10), {
    entries: [["a", "A"], ["c", "C"], ["d", "new"]],
    isWhole: true,
    end: undefined,
  });
  const reversed = [newer, older].map(({ entries, isWhole }) => ({ entries: entries.toReversed(), isWhole }));
  assert.deepEqual(mergeSlices(reversed, true, 10).entries, [["d", "new"], ["c", "C"], ["a", "A"]]);
});
