import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { createStorage } from "unstorage";
import { memory } from "../../src/store/memory_driver.ts";
import type { Driver, DriverBatch, DriverListOptions } from "../../src/store/driver.ts";

const batch = (parts: Partial<DriverBatch>): DriverBatch => ({ checks: [], set: [], remove: [], durable: false, ...parts });

const list = async (driver: Driver, options: Partial<DriverListOptions>): Promise<string[]> =>
  (await driver.list!({ prefix: "", limit: 1000, ...options })).map(({ key }) => key);

/** What memory() must do, the slow way: sort everything at each call. */
function model() {
  const values = new Map<string, string>();
  return {
    commit({ checks, set, remove }: DriverBatch): boolean {
      if (checks.some(({ key, is }) => values.get(key) !== is)) return false;
      for (const [key, value] of set) values.set(key, value as string);
      for (const key of remove) values.delete(key);
      return true;
    },
    list({ prefix, after, limit, reverse = false, values: withValues = false }: DriverListOptions) {
      const keys = [...values.keys()].filter((key) => key.startsWith(prefix)).sort();
      if (reverse) keys.reverse();
      const above = keys.filter((key) => after === undefined || (reverse ? key < after : key > after));
      return above.slice(0, limit).map((key) => withValues ? { key, value: values.get(key)! } : { key });
    },
    getMany: (keys: readonly string[]) => keys.map((key) => values.get(key)),
  };
}

Deno.test("memory() gives what was set, and undefined for what was not or was removed", async () => {
  const driver = memory();
  assert.equal(await driver.commit!(batch({ set: [["a", "1"], ["b", ""]] })), true);
  assert.deepEqual(await driver.getMany!(["b", "c", "a", "b"]), ["", undefined, "1", ""]);
  assert.equal(await driver.commit!(batch({ remove: ["a", "never"] })), true);
  assert.deepEqual(await driver.getMany!(["a", "b"]), [undefined, ""]);
});

Deno.test("memory().commit() writes nothing if a single check fails", async () => {
  const driver = memory();
  await driver.commit!(batch({ set: [["a", "1"], ["bytes", new TextEncoder().encode("1")]] }));
  const change = { set: [["n", "1"]], remove: ["a"] } as const;
  for (const [key, is] of [["a", "2"], ["a", undefined], ["z", "1"], ["z", ""], ["bytes", "1"], ["bytes", undefined]] as const) {
    assert.equal(await driver.commit!(batch({ checks: [{ key: "a", is: "1" }, { key, is }], ...change })), false, `${key} is ${is}`);
    assert.deepEqual(await list(driver, {}), ["a", "bytes"]);
  }
  assert.equal(await driver.commit!(batch({ checks: [{ key: "a", is: "1" }, { key: "z", is: undefined }], ...change })), true);
  assert.deepEqual(await list(driver, {}), ["bytes", "n"]);
});

Deno.test("memory().create() writes only where nothing stands", async () => {
  const driver = memory();
  assert.equal(await driver.create!("a", ""), true);
  assert.equal(await driver.create!("a", "2"), false);
  assert.equal(await driver.getItem("a"), "");
  assert.deepEqual(await Promise.all(Array.from({ length: 20 }, (_, i) => driver.create!("b", String(i)))), [
    true,
    ...Array(19).fill(false),
  ]);
});

Deno.test("memory() shares no bytes with its caller, in either direction", async () => {
  for (const given of [new Uint8Array([1, 2, 3]), Buffer.from([1, 2, 3]), new Uint8Array([0, 1, 2, 3]).subarray(1)]) {
    const driver = memory();
    await driver.commit!(batch({ set: [["a", given]] }));
    await driver.create!("b", given);
    given.fill(9);
    const reads = async () =>
      [
        ...await driver.getMany!(["a", "b"]),
        ...(await driver.list!({ prefix: "", limit: 9, values: true })).map(({ value }) => value),
        await driver.getItem("a"),
      ] as Uint8Array[];
    for (const read of await reads()) {
      assert.deepEqual([...read], [1, 2, 3]);
      read.fill(7);
    }
    for (const read of await reads()) assert.deepEqual([...read], [1, 2, 3]);
  }
});

Deno.test("memory() keeps text as it is", async () => {
  const driver = memory();
  const texts = ["", "null", "undefined", "456", '{"a":1}', "\0", "\ud800", "\ufeffa", "é", "😀", " a\n"];
  await driver.commit!(batch({ set: texts.map((text, i) => [`k${i}`, text]) }));
  assert.deepEqual(await driver.getMany!(texts.map((_, i) => `k${i}`)), texts);
});

Deno.test("memory().list() pages a prefix in bytewise order, in both directions", async () => {
  const driver = memory();
  const keys = ["a", "a!", "a!a", "a!b", "a!b!c", "a!~", "a-", "a0", "b", "~"];
  await driver.commit!(batch({ set: keys.toReversed().map((key) => [key, key]) }));
  assert.deepEqual(await list(driver, {}), keys);
  assert.deepEqual(await list(driver, { reverse: true }), keys.toReversed());
  assert.deepEqual(await list(driver, { prefix: "a!" }), ["a!", "a!a", "a!b", "a!b!c", "a!~"]);
  assert.deepEqual(await list(driver, { prefix: "a!", limit: 2 }), ["a!", "a!a"]);
  assert.deepEqual(await list(driver, { prefix: "a!", limit: 2, after: "a!a" }), ["a!b", "a!b!c"]);
  assert.deepEqual(await list(driver, { prefix: "a!", limit: 2, after: "a!a0" }), ["a!b", "a!b!c"]);
  assert.deepEqual(await list(driver, { prefix: "a!", limit: 2, reverse: true }), ["a!~", "a!b!c"]);
  assert.deepEqual(await list(driver, { prefix: "a!", limit: 2, reverse: true, after: "a!b!c" }), ["a!b", "a!a"]);
  assert.deepEqual(await list(driver, { prefix: "a!", after: "A" }), await list(driver, { prefix: "a!" }));
  assert.deepEqual(await list(driver, { prefix: "a!", after: "b" }), []);
  assert.deepEqual(await list(driver, { prefix: "a!", after: "b", reverse: true, limit: 1 }), ["a!~"]);
  assert.deepEqual(await list(driver, { prefix: "a!", after: "A", reverse: true }), []);
  assert.deepEqual(await list(driver, { limit: 0 }), []);
  assert.deepEqual(await list(memory(), { reverse: true }), []);
  assert.deepEqual(await driver.list!({ prefix: "b", limit: 1, values: true }), [{ key: "b", value: "b" }]);
  assert.deepEqual(await driver.list!({ prefix: "b", limit: 1 }), [{ key: "b" }]);
});

Deno.test("memory() does what a sorted map does, whatever the order of calls", async () => {
  const key = fc.integer({ min: 0, max: 400 }).map((n) => `${"abc"[n % 3]}!${n}`);
  const change = fc.record({
    checks: fc.array(fc.record({ key, is: fc.option(fc.constantFrom("x", "y"), { nil: undefined }) }), { maxLength: 1 }),
    set: fc.array(fc.tuple(key, fc.constantFrom("x", "y")), { maxLength: 60 }),
    remove: fc.array(key, { maxLength: 60 }),
    durable: fc.boolean(),
  });
  const query = fc.record({
    prefix: fc.constantFrom("", "a", "a!", "b!", "b!1", "c!", "d"),
    after: key,
    limit: fc.integer({ min: 1, max: 50 }),
    reverse: fc.boolean(),
    values: fc.boolean(),
  }, { requiredKeys: ["prefix", "limit"] }) as fc.Arbitrary<DriverListOptions>;
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(change, query), { maxLength: 40 }), async (calls) => {
      const driver = memory();
      const expected = model();
      for (const call of calls) {
        if ("checks" in call) assert.equal(await driver.commit!(call), expected.commit(call));
        else assert.deepEqual(await driver.list!(call), expected.list(call));
      }
      const everything = { prefix: "", limit: 1000, values: true };
      assert.deepEqual(await driver.list!(everything), expected.list(everything));
    }),
    { numRuns: 300 },
  );
});

Deno.test("memory() keeps its order while chunks split and empty, forwards, backwards and at random", async () => {
  const names = Array.from({ length: 3000 }, (_, i) => String(i).padStart(4, "0"));
  const shuffled = names.map((name, i) => [(i * 7919) % 3001, name] as const).sort((a, b) => a[0] - b[0]).map(([, name]) => name);
  for (const order of [names, names.toReversed(), shuffled]) {
    for (const removal of [names, names.toReversed(), shuffled]) {
      const driver = memory();
      for (const name of order) driver.setItem!(name, name);
      assert.deepEqual(await driver.getKeys(""), names);
      for (const [i, name] of removal.entries()) {
        driver.removeItem!(name);
        if (i % 500 === 0) assert.deepEqual(await driver.getKeys(""), removal.slice(i + 1).sort());
      }
      assert.deepEqual(await driver.getKeys(""), []);
      driver.setItem!("again", "");
      assert.deepEqual(await driver.getKeys(""), ["again"]);
    }
  }
});

Deno.test("memory().list() looks at no more keys than it gives, and sorts nothing", async () => {
  const driver = memory();
  for (let i = 0; i < 100_000; i++) driver.setItem!(`k${(i * 61_813) % 100_003}`, "");
  const { startsWith } = String.prototype;
  const { sort, toSorted } = Array.prototype;
  let seen = 0;
  String.prototype.startsWith = function (...args) {
    seen++;
    return startsWith.apply(this, args);
  };
  Array.prototype.sort = Array.prototype.toSorted = () => assert.fail("sorted");
  try {
    for (let i = 0; i < 100; i++) {
      driver.setItem!(`k${i}x`, "");
      await driver.list!({ prefix: "k", after: `k${i}`, limit: 10, reverse: i % 2 === 0 });
    }
  } finally {
    Object.assign(String.prototype, { startsWith });
    Object.assign(Array.prototype, { sort, toSorted });
  }
  assert.ok(seen > 500 && seen <= 1100, `looked at ${seen} keys`);
});

Deno.test("memory() is a plain unstorage driver", async () => {
  const driver = memory();
  const storage = createStorage({ driver: driver as never });
  await storage.setItem("a:b", { n: 1 });
  await storage.setItem("a:c", "");
  await storage.setItem("b", "text");
  assert.deepEqual(await storage.getItem("a:b"), { n: 1 });
  assert.equal(await storage.getItem("none"), null);
  assert.equal(await storage.hasItem("a:c"), true);
  assert.equal(await storage.hasItem("none"), false);
  assert.deepEqual(await storage.getKeys(), ["a:b", "a:c", "b"]);
  assert.deepEqual(await storage.getKeys("a"), ["a:b", "a:c"]);
  await storage.removeItem("a:b");
  assert.deepEqual(await storage.getKeys(), ["a:c", "b"]);
  await storage.clear();
  assert.deepEqual(await storage.getKeys(), []);
});

Deno.test("memory() keeps its values when the storage over it is disposed", async () => {
  const driver = memory();
  await driver.create!("a", "1");
  await createStorage({ driver: driver as never }).dispose();
  assert.equal(await driver.getItem("a"), "1");
});

Deno.test("memory() makes stores that know nothing of each other", async () => {
  await memory().create!("a", "1");
  assert.equal(await memory().hasItem("a"), false);
});

Deno.test("memory() declares what it can do", () => {
  const { supports } = memory();
  assert.deepEqual({ ...supports, valueBytes: 0, keyBytes: 0, batchOps: 0, batchBytes: 0 }, {
    commit: true,
    create: true,
    list: "ordered",
    writers: "many",
    durability: "memory",
    strongReads: true,
    binary: true,
    valueBytes: 0,
    keyBytes: 0,
    batchOps: 0,
    batchBytes: 0,
  });
});
