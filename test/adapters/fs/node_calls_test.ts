/** The runtime's own calls, on real files. */
import assert from "node:assert/strict";
import { mkdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { isNoFile } from "../../../adapters/fs/errors.ts";
import { appendsAtomically, nodeCalls as calls } from "../../../adapters/fs/node_calls.ts";
import { inFolder } from "./fixture.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);

Deno.test("open() creates exclusively, for its owner alone; appends to what is there alone; mends in place", () =>
  inFolder(async (folder) => {
    const path = `${folder}/f`;
    for (const how of ["read", "append", "mend"] as const) assert.throws(() => calls.open(path, how), { code: "ENOENT" });
    const made = await calls.open(path, "create");
    assert.equal(await made.write(bytesOf("one two")), 7);
    await made.sync();
    await made.close();
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.throws(() => calls.open(path, "create"), { code: "EEXIST" });
    const appending = await calls.open(path, "append");
    assert.equal(await appending.write(bytesOf("!")), 1);
    assert.deepEqual(await appending.stat(), { size: 8, changedMs: statSync(path).mtimeMs });
    const mending = await calls.open(path, "mend");
    assert.equal(await mending.writeAt(4, bytesOf("TWO")), 3);
    await mending.close();
    assert.equal(new TextDecoder().decode(await appending.read(0, 100)), "one TWO!");
    await calls.unlink(path);
    assert.equal(await appending.sizeInPlace(), undefined);
    await appending.close();
  }));

Deno.test("read() and write() take megabytes, from anywhere", () =>
  inFolder(async (folder) => {
    const bytes = Uint8Array.from({ length: 3_000_000 }, (_, i) => i % 251);
    const file = await calls.open(`${folder}/f`, "create");
    for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
    await file.close();
    const again = await calls.open(`${folder}/f`, "read");
    for (const from of [0, 1, 2_999_990]) assert.deepEqual(await again.read(from, bytes.length), bytes.subarray(from));
    await again.close();
  }));

Deno.test("open() of what is no file waits for nobody, and says so", () =>
  inFolder(async (folder) => {
    assert.ok((await new Deno.Command("mkfifo", { args: [`${folder}/pipe`] }).output()).success);
    for (const how of ["read", "append", "mend"] as const) {
      for (const path of [`${folder}/pipe`, folder, "/dev/null"]) assert.throws(() => calls.open(path, how), isNoFile, `${how} ${path}`);
    }
    assert.deepEqual(await calls.readdir(folder), []);
  }));

Deno.test("readdir() gives files and folders, and what links lead to; nothing else", () =>
  inFolder(async (folder) => {
    writeFileSync(`${folder}/file`, "");
    mkdirSync(`${folder}/folder`);
    symlinkSync("file", `${folder}/to_file`);
    symlinkSync("folder", `${folder}/to_folder`);
    symlinkSync("nowhere", `${folder}/to_nowhere`);
    symlinkSync("circle", `${folder}/circle`);
    const found = [...await calls.readdir(folder)].sort((a, b) => a.name < b.name ? -1 : 1);
    assert.deepEqual(found.map(({ name, isFolder }) => `${name}${isFolder ? "/" : ""}`), ["file", "folder/", "to_file", "to_folder/"]);
  }));

Deno.test("mkdir() is for its owner alone, and says what is in its way", () =>
  inFolder(async (folder) => {
    await calls.mkdir(`${folder}/a`);
    assert.equal(statSync(`${folder}/a`).mode & 0o777, 0o700);
    assert.throws(() => calls.mkdir(`${folder}/a`), { code: "EEXIST" });
    assert.throws(() => calls.mkdir(`${folder}/b/c`), { code: "ENOENT" });
    await calls.syncFolder(folder);
    await assert.rejects(async () => await calls.syncFolder(`${folder}/none`), { code: "ENOENT" });
    await calls.rmdir(`${folder}/a`);
  }));

Deno.test("appendsAtomically() is asked of the nearest folder that is there", () =>
  inFolder((folder) => {
    assert.equal(appendsAtomically(folder), true);
    assert.equal(appendsAtomically(`${folder}/not/made/yet`), true);
    return Promise.resolve();
  }));
