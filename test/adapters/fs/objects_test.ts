/** Whole files on a simulated disk. */
import assert from "node:assert/strict";
import type { FileCalls } from "../../../adapters/fs/calls.ts";
import { Folders } from "../../../adapters/fs/folders.ts";
import { createObject, fileOf, listObjects, readObject, replaceObject } from "../../../adapters/fs/objects.ts";
import { isStateError } from "../../../src/errors.ts";
import type { DriverListOptions } from "../../../src/store/driver.ts";
import { type Gate, nothing, SimulatedDisk } from "../../faults/simulated_disk.ts";

const MOST = 1000;

function on(disk: SimulatedDisk, gate?: Gate) {
  const calls = disk.process(gate);
  const folders = new Folders("/d", calls);
  const place = (key: string) => fileOf("/d", key);
  return {
    calls,
    create: (key: string, value: string | Uint8Array, linked = () => {}) => createObject(calls, folders, place(key), value, linked),
    replace: (key: string, value: string, renamed = () => {}) => replaceObject(calls, folders, place(key), value, renamed),
    read: (key: string) => readObject(calls, place(key).path, MOST),
    list: (options: Partial<DriverListOptions> = {}) => listObjects(calls, "/d", { prefix: "", limit: Infinity, ...options }, MOST),
  };
}

async function namesIn(calls: FileCalls, folder: string): Promise<readonly string[]> {
  return (await calls.readdir(folder)).map(({ name }) => name).sort();
}

Deno.test("createObject() is durable, exclusive, and leaves no other file", async () => {
  const disk = new SimulatedDisk();
  const { calls, create, read } = on(disk);
  assert.equal(await create("app!a", "one"), true);
  assert.equal(await create("app!a", "two"), false);
  assert.equal(await create("app!b", Uint8Array.of(0, 255)), true);
  for (const left of [on(disk), on(disk.crash(nothing))]) {
    assert.equal(await left.read("app!a"), "one");
    assert.deepEqual(await left.read("app!b"), Uint8Array.of(0, 255));
  }
  assert.equal(await read("app!none"), undefined);
  assert.deepEqual(await namesIn(calls, "/d/app"), ["a", "b"]);
});

Deno.test("readObject() of what is no file is STATE_CORRUPT, and says where it stands", async () => {
  const { calls, create, read } = on(new SimulatedDisk());
  await create("app!a", "one");
  await calls.mkdir("/d/app/b");
  await assert.rejects(
    read("app!b"),
    (error) => isStateError(error, "STATE_CORRUPT") && /"\/d\/app\/b": what stands there is no file/.test(error.message),
  );
});

Deno.test("createObject() that found it there makes its name durable: whoever put it there may not have come to that", async () => {
  const disk = new SimulatedDisk();
  const dead = on(disk, ({ name, path }) => name === "syncFolder" && path === "/d/app" ? { code: "EIO" } : undefined);
  await assert.rejects(dead.create("app!a", "one"), { code: "EIO" });
  assert.equal(await on(disk.crash(nothing)).read("app!a"), undefined);
  assert.equal(await on(disk).create("app!a", "two"), false);
  assert.equal(await on(disk.crash(nothing)).read("app!a"), "one");
});

Deno.test("createObject() says before it may stand, and fails without a trace before that", async () => {
  for (const name of ["open", "write", "sync", "link"] as const) {
    const disk = new SimulatedDisk();
    let isLinked = false;
    const { calls, create } = on(disk, (call) => call.name === name ? { code: "ENOSPC" } : undefined);
    await assert.rejects(create("app!a", "one", () => isLinked = true), { code: "ENOSPC" });
    assert.equal(isLinked, name === "link");
    assert.deepEqual(await namesIn(calls, "/d/app"), []);
  }
});

Deno.test("replaceObject() leaves the old file or the new one, whole, wherever it stops", async () => {
  for (let cut = 0; cut < 12; cut++) {
    const disk = new SimulatedDisk();
    await on(disk).replace("app!a", "old");
    let made = 0;
    let isDone = false;
    await on(disk, () => made++ < cut ? undefined : { code: "EIO" }).replace("app!a", "new").then(() => isDone = true, () => {});
    const found = await on(disk.crash(nothing)).read("app!a");
    assert.ok(found === "new" || !isDone && found === "old", `${found} after ${cut} calls`);
  }
});

Deno.test("readObject() of a file larger than any of ours is STATE_CORRUPT, and reads nothing of it", async () => {
  const disk = new SimulatedDisk();
  const { create, calls } = on(disk);
  await create("a", "x".repeat(MOST + 2));
  const read = () =>
    readObject({ ...calls, open: async (path, how) => ({ ...await calls.open(path, how), read: () => assert.fail() }) }, "/d/a", MOST);
  await assert.rejects(read, (error) => isStateError(error, "STATE_CORRUPT"));
});

Deno.test("listObjects() gives keys in order, from one on, both ways, so many, with values", async () => {
  const { create, list } = on(new SimulatedDisk());
  const keys = ["a!b", "a!b-1", "a!b0", "a!c!d", "a-1!x", "a0!x", "b!x"];
  for (const key of keys.toReversed()) await create(key, `of ${key}`);
  const listed = async (options?: Partial<DriverListOptions>) => (await list(options)).map(({ key }) => key);
  assert.deepEqual(await listed(), keys);
  assert.deepEqual(await listed({ reverse: true }), keys.toReversed());
  for (const [i, after] of keys.entries()) {
    assert.deepEqual(await listed({ after }), keys.slice(i + 1));
    assert.deepEqual(await listed({ after, reverse: true }), keys.slice(0, i).toReversed());
    assert.deepEqual(await listed({ after, limit: 2 }), keys.slice(i + 1, i + 3));
  }
  for (const prefix of ["a!", "a!b", "a!c!", "a!c!d", "a", "a-", "b!x", "z", "a!b!", "a!c!d!e", "a!none!", "A!", "../d!"]) {
    assert.deepEqual(await listed({ prefix }), keys.filter((key) => key.startsWith(prefix)), prefix);
  }
  assert.deepEqual(await list({ prefix: "a!c!", values: true }), [{ key: "a!c!d", value: "of a!c!d" }]);
});

Deno.test("listObjects() looks only into folders that may hold what is asked for", async () => {
  const disk = new SimulatedDisk();
  for (let i = 0; i < 20; i++) await on(disk).create(`n${i}!ckpt!1`, "x");
  const looked: string[] = [];
  const { list } = on(disk, ({ name, path }) => void (name === "readdir" && looked.push(path)));
  assert.equal((await list({ prefix: "n7!ckpt!" })).length, 1);
  assert.deepEqual(looked.splice(0), ["/d/n7/ckpt"]);
  assert.equal((await list({ prefix: "", after: 'n7"', limit: 1 }))[0]!.key, "n8!ckpt!1");
  assert.deepEqual(looked, ["/d", "/d/n8", "/d/n8/ckpt"]);
});

Deno.test("listObjects() leaves out what is not ours, and files in the making", async () => {
  const disk = new SimulatedDisk();
  const { calls, create, list } = on(disk);
  await create("app!a", "x");
  for (const path of ["/d/README.md", "/d/app/.tmp-0011", "/d/app/A"]) await (await calls.open(path, "create")).close();
  assert.deepEqual(await list(), [{ key: "app!a" }]);
});

Deno.test("listObjects() of no folder gives nothing where it is missing, and fails where a file stands in its place", async () => {
  const disk = new SimulatedDisk();
  const { calls, list } = on(disk);
  for (const prefix of ["", "app!ckpt!"]) assert.deepEqual(await list({ prefix }), []);
  await (await calls.open("/d", "create")).close();
  for (const prefix of ["", "app!ckpt!"]) await assert.rejects(list({ prefix }), { code: "ENOTDIR" });
});
