/** Append-only files on a simulated disk. */
import assert from "node:assert/strict";
import type { FileCalls } from "../../../adapters/fs/calls.ts";
import { Folders } from "../../../adapters/fs/folders.ts";
import { Segments } from "../../../adapters/fs/segments.ts";
import { isStateError } from "../../../src/errors.ts";
import { type Gate, nothing, seeded, SimulatedDisk } from "../../faults/simulated_disk.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);

function segmentsOn(disk: SimulatedDisk, gate?: Gate): Segments {
  const calls = disk.process(gate);
  return new Segments("/d", calls, new Folders("/d", calls));
}

async function textOf(disk: SimulatedDisk, name: string): Promise<string | undefined> {
  const bytes = await segmentsOn(disk).read(name, 0);
  return bytes && new TextDecoder().decode(bytes);
}

/** Fails the syncs of one file that have these numbers, from 1. */
function failingSyncs(path: string, ...numbers: readonly number[]): Gate {
  let made = 0;
  return (call) => call.name === "sync" && call.path === path && numbers.includes(++made) ? { code: "EIO" } : undefined;
}

Deno.test("sync() after one that failed makes durable what that one lost, though the system says nothing of it", async () => {
  const disk = new SimulatedDisk();
  // The first sync is that of the header.
  const segments = segmentsOn(disk, failingSyncs("/d/seg/a", 2));
  await segments.create("seg!a", bytesOf("head\n"));
  await segments.append("seg!a", bytesOf("frame\n"));
  await assert.rejects(segments.sync("seg!a", 5, bytesOf("frame\n")));
  assert.equal(await textOf(disk.crash(nothing), "seg!a"), "head\n");
  await segments.sync("seg!a", 5, bytesOf("frame\n"));
  assert.equal(await textOf(disk.crash(nothing), "seg!a"), "head\nframe\n");
  // What is appended afterwards is not written twice.
  await segments.append("seg!a", bytesOf("more\n"));
  await segments.sync("seg!a", 11, bytesOf("more\n"));
  assert.equal(await textOf(disk.crash(nothing), "seg!a"), "head\nframe\nmore\n");
});

Deno.test("of two calls of sync() at once, both know of a failure", async () => {
  const disk = new SimulatedDisk();
  const segments = segmentsOn(disk, failingSyncs("/d/seg/a", 2));
  await segments.create("seg!a", bytesOf("head\n"));
  await segments.append("seg!a", bytesOf("one\n"));
  await segments.append("seg!a", bytesOf("two\n"));
  const [first, second] = await Promise.allSettled([
    segments.sync("seg!a", 5, bytesOf("one\n")),
    segments.sync("seg!a", 9, bytesOf("two\n")),
  ]);
  assert.equal(first.status, "rejected");
  assert.equal(second.status, "fulfilled");
  assert.match(await textOf(disk.crash(nothing), "seg!a") ?? "", /two\n$/);
});

Deno.test("a file that was appended to stays open until it is synced, however many others are used", async () => {
  const disk = new SimulatedDisk();
  const other = segmentsOn(disk, failingSyncs("/d/seg/a", 1));
  const segments = segmentsOn(disk);
  await segments.create("seg!a", bytesOf("head\n"));
  await segments.append("seg!a", bytesOf("frame\n"));
  for (let i = 0; i < 40; i++) {
    await segments.create(`seg!b${i}`, bytesOf("head\n"));
    await segments.read(`seg!b${i}`, 0);
  }
  // Another process's sync fails: only whoever had the file open is told.
  await assert.rejects(other.sync("seg!a", 5, bytesOf("frame\n")));
  await assert.rejects(segments.sync("seg!a", 5, bytesOf("frame\n")));
  await segments.sync("seg!a", 5, bytesOf("frame\n"));
  assert.equal(await textOf(disk.crash(nothing), "seg!a"), "head\nframe\n");
});

Deno.test("append() to a file that is missing writes nothing; where it goes missing meanwhile, that is not known", async () => {
  const disk = new SimulatedDisk();
  let isRemoved = false;
  const other = segmentsOn(disk);
  const segments = segmentsOn(disk, async ({ name }) => {
    if (name === "write" && isRemoved) await other.remove("seg!a");
  });
  assert.equal(await segments.append("seg!a", bytesOf("frame\n")), undefined);
  await segments.create("seg!a", bytesOf("head\n"));
  assert.deepEqual(await segments.append("seg!a", bytesOf("frame\n")), { start: 5, end: 11 });
  isRemoved = true;
  await assert.rejects(segments.append("seg!a", bytesOf("frame\n")), /removed meanwhile/);
  assert.equal(await segments.append("seg!a", bytesOf("frame\n")), undefined);
  assert.equal(await segments.read("seg!a", 0), undefined);
});

Deno.test("append() that takes only a part of the bytes fails", async () => {
  const disk = new SimulatedDisk();
  const segments = segmentsOn(disk, ({ name, path }) => name === "write" && path.endsWith("/a") ? { bytes: 3 } : undefined);
  await segments.create("seg!a", bytesOf("head\n"));
  await assert.rejects(segments.append("seg!a", bytesOf("frame\n")), /3 of 6 bytes/);
});

/** Counts what is open, and refuses every call on what is not. */
function strict(calls: FileCalls): { readonly calls: FileCalls; readonly open: () => number; readonly most: () => number } {
  const counts = { open: 0, most: 0 };
  const open: FileCalls["open"] = async (path, how) => {
    const file = await calls.open(path, how);
    let isOpen = true;
    counts.most = Math.max(counts.most, ++counts.open);
    const guarded = Object.entries(file).map(([name, member]) => [name, (...args: unknown[]) => {
      assert.ok(isOpen, `${name} on a file that was closed`);
      if (name === "close") {
        isOpen = false;
        counts.open--;
      }
      return member(...args);
    }]);
    return Object.fromEntries(guarded);
  };
  return { calls: { ...calls, open }, open: () => counts.open, most: () => counts.most };
}

Deno.test("a file is never used once it was closed, however many are used, removed, made again and disposed of at once", async () => {
  const seed = Number(Deno.env.get("TEST_SEED") ?? Math.floor(Math.random() * 1e9));
  const choose = seeded(seed);
  const names = Array.from({ length: 90 }, (_, i) => `seg!${i}`);
  const { calls, open, most } = strict(new SimulatedDisk().process(() => new Promise((go) => setTimeout(go, choose(3) === 0 ? 1 : 0))));
  const segments = new Segments("/d", calls, new Folders("/d", calls));
  await Promise.all(names.map((name) => segments.create(name, bytesOf("head\n"))));
  const use = async (): Promise<void> => {
    const name = names[choose(names.length)]!;
    switch (choose(20)) {
      case 0:
        await segments.remove(name);
        await segments.create(name, bytesOf("head\n"));
        break;
      case 1:
        await segments.close();
        break;
      case 2:
      case 3:
        assert.match(new TextDecoder().decode(await segments.read(name, 0) ?? bytesOf("head\n")), /^head\n(frame\n)*$/);
        break;
      default: {
        const landed = await segments.append(name, bytesOf("frame\n")).catch((error) => {
          assert.match(error.message, /removed meanwhile/, `TEST_SEED=${seed}`);
        });
        if (landed) {
          await segments.sync(name, landed.start, bytesOf("frame\n")).catch((error) => assert.match(error.message, /was removed/));
        }
      }
    }
  };
  for (let round = 0; round < 12; round++) await Promise.all(Array.from({ length: 200 }, use));
  assert.ok(most() <= 64 + 16, `${most()} were open, TEST_SEED=${seed}`);
  await segments.close();
  assert.equal(open(), 0, `TEST_SEED=${seed}`);
});

Deno.test("a file that could not be opened is tried again by the next call", async () => {
  const disk = new SimulatedDisk();
  let code: string | undefined = "EMFILE";
  const segments = segmentsOn(disk, ({ name, path }) => name === "open" && path === "/d/seg/a" && code ? { code } : undefined);
  await segmentsOn(disk).create("seg!a", bytesOf("head\n"));
  await assert.rejects(segments.read("seg!a", 0), { code: "EMFILE" });
  code = undefined;
  assert.ok(await segments.read("seg!a", 0));
  // Missing, and then there.
  assert.equal(await segments.read("seg!b", 0), undefined);
  await segments.create("seg!b", bytesOf("head\n"));
  assert.ok(await segments.read("seg!b", 0));
});

Deno.test("files that were appended to in vain do not keep others from being opened", async () => {
  const disk = new SimulatedDisk();
  let isFull = false;
  const segments = segmentsOn(disk, ({ name }) => name === "write" && isFull ? { bytes: 2, code: "ENOSPC" } : undefined);
  const names = Array.from({ length: 100 }, (_, i) => `seg!${i}`);
  for (const name of names) await segments.create(name, bytesOf("head\n"));
  isFull = true;
  for (const name of names) await assert.rejects(segments.append(name, bytesOf("frame\n")), { code: "ENOSPC" });
  isFull = false;
  for (const name of names) {
    const { start } = (await segments.append(name, bytesOf("frame\n")))!;
    await segments.sync(name, start, bytesOf("frame\n"));
  }
  for (const name of names) assert.match(await textOf(disk.crash(nothing), name) ?? "", /^head\n.{0,2}frame\n$/s);
});

Deno.test("a file that may only be read is read, and appending to it fails as the system says, until it is allowed", async () => {
  const disk = new SimulatedDisk();
  let isReadOnly = true;
  let opened = 0;
  const gate: Gate = ({ name, path, how }) => {
    if (name !== "open" || path !== "/d/seg/a") return;
    opened++;
    return isReadOnly && how !== "read" ? { code: "EROFS" } : undefined;
  };
  await segmentsOn(disk).create("seg!a", bytesOf("head\n"));
  const segments = segmentsOn(disk, gate);
  for (let i = 0; i < 3; i++) assert.equal(new TextDecoder().decode(await segments.read("seg!a", 0)), "head\n");
  await segments.sync("seg!a", 0, bytesOf("head\n"));
  assert.equal(opened, 2, "it stays open");
  await assert.rejects(segments.append("seg!a", bytesOf("frame\n")), { code: "EROFS" });
  isReadOnly = false;
  assert.deepEqual(await segments.append("seg!a", bytesOf("frame\n")), { start: 5, end: 11 });
});

Deno.test("a file in whose place a folder stands is missing, and the folder is left alone", async () => {
  const disk = new SimulatedDisk();
  const calls = disk.process();
  for (const path of ["/d", "/d/seg", "/d/seg/a"]) await calls.mkdir(path);
  const segments = segmentsOn(disk);
  assert.equal(await segments.read("seg!a", 0), undefined);
  assert.equal(await segments.append("seg!a", bytesOf("frame\n")), undefined);
  assert.equal(await segments.create("seg!a", bytesOf("head\n")), false);
  await assert.rejects(segments.sync("seg!a", 0, bytesOf("head\n")), /was removed/);
  const system = { ...calls, remove: () => assert.fail(Object.assign(new Error("EISDIR"), { code: "EISDIR" })) };
  await new Segments("/d", system, new Folders("/d", system)).remove("seg!a");
  assert.deepEqual(await calls.readdir("/d/seg"), [{ name: "a", isFolder: true }]);
});

Deno.test("read() of a file larger than any of ours is STATE_CORRUPT, and takes no memory; a part of it can be read", async () => {
  const calls = new SimulatedDisk().process();
  const huge: FileCalls = {
    ...calls,
    open: async (path, how) => ({ ...await calls.open(path, how), sizeInPlace: () => 2 ** 40 }),
  };
  const segments = new Segments("/d", huge, new Folders("/d", huge));
  await segments.create("seg!a", bytesOf("head\n"));
  await assert.rejects(segments.read("seg!a", 5), (error) => isStateError(error, "STATE_CORRUPT"));
  assert.deepEqual(await segments.read("seg!a", 0, 4), bytesOf("head"));
});

Deno.test("a file that was closed before it was synced, so that others could be opened, is written again by the sync", async () => {
  const disk = new SimulatedDisk();
  const names = Array.from({ length: 90 }, (_, i) => `seg!${i}`);
  const segments = segmentsOn(disk);
  for (const name of names) await segments.create(name, bytesOf("head\n"));
  await segments.append("seg!0", bytesOf("frame\n"));
  for (const name of names.slice(1)) await segments.append(name, bytesOf("frame\n"));
  // Another process's sync fails, and nobody here has the file open.
  await assert.rejects(segmentsOn(disk, failingSyncs("/d/seg/0", 1)).sync("seg!0", 5, bytesOf("frame\n")));
  await segments.sync("seg!0", 5, bytesOf("frame\n"));
  assert.equal(await textOf(disk.crash(nothing), "seg!0"), "head\nframe\n");
});
