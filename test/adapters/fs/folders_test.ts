import assert from "node:assert/strict";
import { Folders } from "../../../adapters/fs/folders.ts";
import type { FileCalls } from "../../../adapters/fs/calls.ts";
import { nothing, SimulatedDisk } from "../../faults/simulated_disk.ts";

/** Writes a file into a folder, and makes the file durable. */
async function write(calls: FileCalls, folders: Folders, folder: string): Promise<void> {
  await folders.within(folder, async () => {
    const file = await calls.open(`${folder}/f`, "create");
    await file.write(new Uint8Array([1]));
    await file.sync();
    await calls.syncFolder(folder);
  });
}

Deno.test("within() makes durable every folder on the way, also one that another process made and did not sync", async () => {
  for (const made of [["/a"], ["/a", "/a/d"], ["/a", "/a/d", "/a/d/x"], ["/a", "/a/d", "/a/d/x", "/a/d/x/y"]]) {
    const disk = new SimulatedDisk();
    const other = disk.process();
    for (const path of made) await other.mkdir(path);
    const calls = disk.process();
    await write(calls, new Folders("/a/d", calls), "/a/d/x/y");
    const left = disk.crash(nothing).process();
    assert.deepEqual(await left.readdir("/a/d/x/y"), [{ name: "f", isFolder: false }], made.at(-1));
  }
});

Deno.test("within() makes again what was removed, at any depth", async () => {
  const disk = new SimulatedDisk();
  const calls = disk.process();
  const folders = new Folders("/d", calls);
  await write(calls, folders, "/d/x/y");
  await calls.unlink("/d/x/y/f");
  for (const path of ["/d/x/y", "/d/x", "/d"]) await calls.rmdir(path);
  await write(calls, folders, "/d/x/z");
  assert.deepEqual(await calls.readdir("/d/x"), [{ name: "z", isFolder: true }]);
});

Deno.test("within() of what can be made and does not stand fails, rather than trying for ever", async () => {
  const calls = new SimulatedDisk().process();
  // As a link that leads nowhere: it is there, and nothing can be made in it.
  let made = 0;
  const mkdir = (path: string) => {
    if (made++ > 100) assert.fail("it goes on trying");
    throw Object.assign(new Error(path), { code: path === "/d" ? "EEXIST" : "ENOENT" });
  };
  const folders = new Folders("/d", { ...calls, mkdir });
  await assert.rejects(folders.within("/d/app/seg", () => assert.fail()), { code: "ENOENT" });
});

Deno.test("sync() shares the call that comes after the one under way, never that one, and its failure is told to all who share it", async () => {
  const calls = new SimulatedDisk().process();
  const under: { resolve: () => void; reject: (error: Error) => void }[] = [];
  const syncFolder = () => new Promise<void>((resolve, reject) => under.push({ resolve, reject }));
  const folders = new Folders("/d", { ...calls, syncFolder });
  const settled: string[] = [];
  const sync = (name: string) => folders.sync("/d").then(() => settled.push(name), (error) => settled.push(`${name}: ${error.message}`));
  const all = [sync("first"), sync("second"), sync("third")];
  assert.equal(under.length, 1);
  under[0]!.resolve();
  await all[0];
  while (under.length < 2) await undefined;
  assert.deepEqual(settled, ["first"]);
  all.push(sync("fourth"));
  under[1]!.reject(new Error("bad"));
  while (under.length < 3) await undefined;
  under[2]!.resolve();
  await Promise.all(all);
  assert.deepEqual(settled, ["first", "second: bad", "third: bad", "fourth"]);
  assert.equal(under.length, 3);
});
