import assert from "node:assert/strict";
import { existsSync, statSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { createStorage } from "unstorage";
import { sqlite } from "../../adapters/sqlite.ts";
import { memory } from "../../src/store/memory_driver.ts";
import type { DriverBatch, DriverListOptions } from "../../src/store/driver.ts";
import { batch, inFolder } from "./sqlite/fixture.ts";

Deno.test("sqlite() of what is no path is a TypeError that says what to write", () => {
  for (
    const [given, says] of [
      ["", /it is empty/],
      [":memory:", /memory\(\)/],
      ["file:./x.db", /a path such as "\.\/agents\.db"/],
      ["FILE:///x.db", /URLs are not taken/],
      ["a\0b", /NUL/],
      [new URL("file:///x.db"), /it must be a string, not object/],
      [undefined, /not undefined/],
      [null, /not null/],
      [7, /not number/],
    ] as const
  ) assert.throws(() => sqlite(given as string), { name: "TypeError", message: says });
});

Deno.test("sqlite() opens nothing before the first call, and reads create nothing", () =>
  inFolder(async (folder) => {
    const driver = sqlite(`${folder}/missing/x.db`);
    assert.deepEqual(await driver.getMany!(["a", "b"]), [undefined, undefined]);
    assert.deepEqual(await driver.getMany!(Array(1200).fill("a")), Array(1200).fill(undefined));
    assert.deepEqual(await driver.list!({ prefix: "", limit: 10 }), []);
    assert.deepEqual(await driver.getKeys(""), []);
    assert.equal(await driver.getItem("a"), null);
    assert.equal(await driver.hasItem("a"), false);
    await driver.removeItem!("a");
    assert.equal(await driver.commit!(batch({ checks: [{ key: "a", is: undefined }], remove: ["a"] })), true);
    assert.equal(await driver.commit!(batch({ checks: [{ key: "a", is: "1" }], remove: ["a"] })), false);
    await driver.dispose!();
    assert.deepEqual([...Deno.readDirSync(folder)], []);
  }));

Deno.test("sqlite() creates the file and its folders for their owner alone", () =>
  inFolder(async (folder) => {
    for (const write of ["create", "commit", "setItem"] as const) {
      const file = `${folder}/${write}/deep/x.db`;
      const driver = sqlite(file);
      if (write === "commit") await driver.commit!(batch({ set: [["a", "1"]] }));
      else await driver[write]!("a", "1");
      const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);
      assert.deepEqual([file, `${file}-wal`, `${file}-shm`].map(mode), ["600", "600", "600"]);
      assert.deepEqual([`${folder}/${write}/deep`, `${folder}/${write}`].map(mode), ["700", "700"]);
      await driver.dispose!();
    }
  }));

Deno.test("sqlite() leaves one file, and no log, when it is disposed; the next call opens it again", () =>
  inFolder(async (folder) => {
    const driver = sqlite(`${folder}/x.db`);
    await driver.dispose!();
    await driver.create!("a", "1");
    await driver.dispose!();
    await driver.dispose!();
    assert.deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name), ["x.db"]);
    assert.equal(await driver.getItem("a"), "1");
    await driver.setItem!("a", "2");
    const other = sqlite(`${folder}/x.db`);
    assert.equal(await other.getItem("a"), "2");
    await Promise.all([driver.dispose!(), other.dispose!()]);
  }));

Deno.test("sqlite() takes the path as of its own call, whatever the working directory becomes, and every character in it", () =>
  inFolder(async (folder) => {
    const before = Deno.cwd();
    Deno.chdir(folder);
    try {
      for (const name of ["./a b%20?x=1#y.db", "é😀'\".db", "-wal", "x.db "]) {
        const driver = sqlite(name);
        Deno.chdir("/");
        await driver.create!("a", name);
        await driver.dispose!();
        assert.equal(await driver.getItem("a"), name);
        await driver.dispose!();
        Deno.chdir(folder);
        assert.ok(existsSync(name), name);
      }
    } finally {
      Deno.chdir(before);
    }
  }));

Deno.test("sqlite() takes an empty file as one to fill", () =>
  inFolder(async (folder) => {
    Deno.writeTextFileSync(`${folder}/x.db`, "", { mode: 0o640 });
    const driver = sqlite(`${folder}/x.db`);
    assert.equal(await driver.getItem("a"), null);
    assert.equal(statSync(`${folder}/x.db`).size, 0);
    await driver.create!("a", "1");
    assert.equal(await driver.getItem("a"), "1");
    await driver.dispose!();
  }));

Deno.test("sqlite() gives values as they were set", () =>
  inFolder(async (folder) => {
    const texts = [
      "",
      "null",
      "456",
      '{"a":1}',
      "é😀",
      "\ufeffa",
      " a\n",
      "\0",
      "a\0b",
      "\ud800",
      "x\udc00\0y",
      "\uffff",
      "'\";--",
      "x".repeat(3_000_000),
    ];
    const bytes = [[], [0], [1], [0, 1], [1, 2, 0], [255, 254, 0, 1]].map((units) => new Uint8Array(units));
    const values = [...texts, ...bytes, new Uint8Array([9, 8, 7]).subarray(1), new Uint8Array(2_000_000).fill(3)];
    const driver = sqlite(`${folder}/x.db`);
    await driver.commit!(batch({ set: values.map((value, i) => [`k${i}`, value]) }));
    for (const again of [false, true]) {
      if (again) await driver.dispose!();
      const read = await driver.getMany!(values.map((_, i) => `k${i}`));
      for (const [i, value] of values.entries()) {
        const same = typeof value === "string" ? read[i] === value : isDeepStrictEqual(read[i], value.slice());
        assert.ok(same, `value ${i} changed: ${JSON.stringify(value).slice(0, 50)}`);
      }
      for (const [i, value] of texts.entries()) {
        assert.equal(await driver.commit!(batch({ checks: [{ key: `k${i}`, is: value }] })), true);
        assert.equal(await driver.commit!(batch({ checks: [{ key: `k${i}`, is: `${value}!` }] })), false);
      }
    }
    await driver.dispose!();
  }));

Deno.test("sqlite() shares no bytes with its caller", () =>
  inFolder(async (folder) => {
    const driver = sqlite(`${folder}/x.db`);
    const given = new Uint8Array([1, 2, 3]);
    const write = driver.create!("a", given);
    given.fill(9);
    await write;
    const [read] = await driver.getMany!(["a"]) as [Uint8Array];
    read.fill(7);
    assert.deepEqual(await driver.getMany!(["a"]), [new Uint8Array([1, 2, 3])]);
    await driver.dispose!();
  }));

Deno.test("sqlite() refuses keys and values that SQLite would change", () =>
  inFolder(async (folder) => {
    const driver = sqlite(`${folder}/x.db`);
    for (const key of ["a\0b", "\ud800"]) await assert.rejects(async () => await driver.setItem!(key, "1"), TypeError);
    for (const value of [1, null, undefined, {}, new ArrayBuffer(1)]) {
      await assert.rejects(async () => await driver.setItem!("a", value as never), TypeError);
    }
    assert.deepEqual(await driver.getKeys(""), []);
    await driver.dispose!();
  }));

Deno.test("sqlite() does what memory() does, whatever the order of calls", () =>
  inFolder(async (folder) => {
    const key = fc.integer({ min: 0, max: 200 }).map((n) => `${"abc"[n % 3]}!${n}`);
    const value = fc.constantFrom<string | Uint8Array>("x", "y", "", "\0", new Uint8Array([1]), new Uint8Array());
    const change: fc.Arbitrary<DriverBatch> = fc.record({
      checks: fc.array(fc.record({ key, is: fc.constantFrom("x", undefined) }), { maxLength: 1 }),
      set: fc.array(fc.tuple(key, value), { maxLength: 20 }),
      remove: fc.array(key, { maxLength: 20 }),
      durable: fc.boolean(),
    });
    const query = fc.record({
      prefix: fc.constantFrom("", "a", "a!", "b!", "b!1", "c!", "d", "%", "_"),
      after: key,
      limit: fc.integer({ min: 0, max: 50 }),
      reverse: fc.boolean(),
      values: fc.boolean(),
    }, { requiredKeys: ["prefix", "limit"] }) as fc.Arbitrary<DriverListOptions>;
    const create = fc.tuple(key, value);
    let files = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(change, query, create, fc.constant("reopen" as const)), { maxLength: 30 }), async (calls) => {
        const driver = sqlite(`${folder}/${files++}.db`);
        const expected = memory();
        for (const call of calls) {
          if (call === "reopen") await driver.dispose!();
          else if (Array.isArray(call)) assert.equal(await driver.create!(...call), await expected.create!(...call));
          else if ("checks" in call) assert.equal(await driver.commit!(call), await expected.commit!(call));
          else assert.deepEqual(await driver.list!(call), await expected.list!(call));
        }
        const keys = await expected.getKeys("");
        assert.deepEqual(await driver.getKeys(""), keys);
        assert.deepEqual(await driver.getMany!([...keys, "none"]), await expected.getMany!([...keys, "none"]));
        await driver.dispose!();
      }),
      { numRuns: 60 },
    );
  }));

Deno.test("sqlite().getKeys() lists thousands in order", () =>
  inFolder(async (folder) => {
    const driver = sqlite(`${folder}/x.db`);
    const keys = Array.from({ length: 1500 }, (_, i) => `k!${String(i).padStart(5, "0")}`);
    await driver.commit!(batch({ set: keys.map((key) => [key, "1"]) }));
    await driver.commit!(batch({ set: [["j", "1"], ["l", "1"]] }));
    assert.deepEqual(await driver.getKeys("k!"), keys);
    assert.deepEqual(await driver.getKeys(undefined as never), ["j", ...keys, "l"]);
    await driver.dispose!();
  }));

Deno.test("sqlite() is a plain unstorage driver", () =>
  inFolder(async (folder) => {
    const storage = createStorage({ driver: sqlite(`${folder}/x.db`) as never });
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
    await storage.clear();
    assert.deepEqual(await storage.getKeys(), []);
    await storage.dispose();
  }));

Deno.test("sqlite() declares what it can do", () => {
  const { supports } = sqlite("./never-opened.db");
  assert.deepEqual({ ...supports, valueBytes: 0, keyBytes: 0, batchOps: 0, batchBytes: 0 }, {
    commit: true,
    create: true,
    list: "ordered",
    writers: "many",
    durability: "fsync",
    strongReads: true,
    binary: true,
    valueBytes: 0,
    keyBytes: 0,
    batchOps: 0,
    batchBytes: 0,
  });
});

Deno.test("sqlite() takes values, keys and batches as large as it declares", () =>
  inFolder(async (folder) => {
    const driver = sqlite(`${folder}/x.db`);
    const { valueBytes, keyBytes, batchOps } = driver.supports!;
    const large = "v".repeat(valueBytes);
    const long = "k".repeat(keyBytes);
    await driver.commit!(batch({ set: [[long, large], ["b", new Uint8Array(valueBytes)]] }));
    assert.equal(await driver.getItem(long), large);
    assert.equal((await driver.getItem("b") as Uint8Array).length, valueBytes);
    await driver.commit!(batch({ set: Array.from({ length: batchOps }, (_, i) => [`n${i}`, "1"]) }));
    assert.equal((await driver.list!({ prefix: "n", limit: batchOps })).length, batchOps);
    await driver.dispose!();
  }));
