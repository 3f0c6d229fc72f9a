/** Append-only files on a simulated disk. */
import assert from "node:assert/strict";
import { Folders } from "../../../adapters/fs/folders.ts";
import { Segments } from "../../../adapters/fs/segments.ts";
import { type Gate, nothing, SimulatedDisk } from "../../faults/simulated_disk.ts";

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
