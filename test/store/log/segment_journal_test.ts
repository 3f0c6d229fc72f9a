/** The journal in append-only files, on a simulated disk. */
import assert from "node:assert/strict";
import { createDriver } from "../../../adapters/fs/driver.ts";
import { createDigester } from "../../../src/digest.ts";
import { isStateError } from "../../../src/errors.ts";
import { formatFrame, type Frame, genesisOf } from "../../../src/store/log/frame.ts";
import { Removed, Unknown } from "../../../src/store/log/journal.ts";
import { SegmentJournal } from "../../../src/store/log/segment_journal.ts";
import { createSeal } from "../../../src/store/seal.ts";
import { type Gate, nothing, seeded, SimulatedDisk } from "../../faults/simulated_disk.ts";

const seal = createSeal(createDigester());
const [first, second] = ["app!seg!1", "app!seg!2"];
const start = { name: first, from: 0, number: 0, digest: genesisOf("id") };

const segmentsOn = (disk: SimulatedDisk, gate?: Gate) =>
  createDriver({ given: "/d", absolute: "/d" }, disk.process(gate), () => true).segments!;

/** A process's journal from the beginning on. */
const journalOn = (disk: SimulatedDisk, gate?: Gate, readOnly = false) => new SegmentJournal(segmentsOn(disk, gate), seal, start, readOnly);

async function createSegment(disk: SimulatedDisk, name: string = first): Promise<void> {
  await segmentsOn(disk).create(name, new TextEncoder().encode(`S1\t${name.at(-1)}\n`));
}

function frameAfter(
  { number, digest }: { readonly number: number; readonly digest: string },
  value: string,
  next?: string,
): Promise<Frame> {
  const ops = [["app!a", value]] as const;
  return formatFrame({ number: number + 1, prev: digest, writer: "w", ops, ...next === undefined ? {} : { next } }, seal);
}

/** Appends behind what is there, which whoever has a log open has read. */
async function append(journal: SegmentJournal, value: string, next?: string): Promise<boolean> {
  await journal.read();
  return await journal.append(await frameAfter(journal.position, value, next));
}

const valuesOf = (frames: readonly Frame[]) => frames.map(({ ops }) => ops[0]![1]);

Deno.test("read() that fails half-way gives all the frames the next time", async () => {
  const disk = new SimulatedDisk();
  await createSegment(disk);
  await createSegment(disk, second);
  const writer = journalOn(disk);
  for (const [value, next] of [["A"], ["B", second], ["C"]] as const) assert.ok(await append(writer, value, next));
  let isDown = true;
  const reader = journalOn(disk, ({ name, path }) => isDown && name === "open" && path.endsWith("/2") ? { code: "EIO" } : undefined);
  await assert.rejects(reader.read(), (error) => isStateError(error, "STATE_DRIVER"));
  isDown = false;
  assert.deepEqual(valuesOf(await reader.read()), ["A", "B", "C"]);
});

Deno.test("append() that fails and left nothing whole is STATE_DRIVER, and the next one has the number", async () => {
  const disk = new SimulatedDisk();
  await createSegment(disk);
  for (const fault of [{ code: "EIO" }, { bytes: 20 }, { bytes: 20, code: "ENOSPC" }]) {
    let isDown = true;
    const journal = journalOn(disk, ({ name }) => name === "write" && isDown ? fault : undefined);
    await journal.read();
    await assert.rejects(append(journal, "lost"), (error) => isStateError(error, "STATE_DRIVER"));
    isDown = false;
    assert.ok(await append(journal, "kept"));
  }
  assert.deepEqual(valuesOf(await journalOn(disk).read()), ["kept", "kept", "kept"]);
});

Deno.test("append() that fails and left the frame there all the same has succeeded, also without the last newline", async () => {
  for (const fault of [{ code: "EIO", isMade: true }, { bytes: -1 }, { bytes: -1, code: "ENOSPC" }]) {
    const disk = new SimulatedDisk();
    await createSegment(disk);
    let isDown = true;
    const journal = journalOn(disk, ({ name }) => {
      if (name !== "write" || !isDown) return;
      isDown = false;
      return fault;
    });
    assert.ok(await append(journal, "A"));
    // Torn behind it: zeros, or a part of the next frame.
    await segmentsOn(disk).append(first, new TextEncoder().encode("\nF1\ttorn"));
    for (let seed = 0; seed < 30; seed++) assert.deepEqual(valuesOf(await journalOn(disk.crash(seeded(seed))).read()), ["A"]);
  }
});

Deno.test("append() that cannot be read back is Unknown, and is found later", async () => {
  const disk = new SimulatedDisk();
  await createSegment(disk);
  let isDown = false;
  const journal = journalOn(disk, async ({ name }) => {
    if (isDown && name === "read") return { code: "EIO" };
    if (name !== "write") return;
    // Something comes to stand before it, so that it must be read.
    await segmentsOn(disk).append(first, new TextEncoder().encode("\ntorn\n"));
    isDown = true;
  });
  await assert.rejects(append(journal, "A"), Unknown);
  isDown = false;
  assert.deepEqual(valuesOf(await journal.read()), ["A"]);
});

Deno.test("append() behind a segment that is gone is Removed; where it went meanwhile, it is Unknown", async () => {
  const disk = new SimulatedDisk();
  await createSegment(disk);
  let isLeaving = true;
  const journal = journalOn(disk, async ({ name }) => {
    if (isLeaving && name === "write") await segmentsOn(disk).remove(first);
  });
  await assert.rejects(append(journal, "A"), Unknown);
  isLeaving = false;
  await assert.rejects(append(journal, "A"), Removed);
});

Deno.test("append() that finds the log damaged once its frame is there is Unknown: a repair may count it", async () => {
  const disk = new SimulatedDisk();
  await createSegment(disk);
  const far = await frameAfter({ number: 99, digest: "of one that is missing" }, "far");
  let isWritten = false;
  const journal = journalOn(disk, async ({ name }) => {
    if (isWritten && name === "stat") await segmentsOn(disk).append(first, new TextEncoder().encode(`\n${far.line}\n`));
    isWritten = name === "write";
  });
  await journal.read();
  await assert.rejects(append(journal, "A"), Unknown);
});

Deno.test("append() has lost its number only once the frame that was quicker is durable", async () => {
  const disk = new SimulatedDisk();
  await createSegment(disk);
  const quick = journalOn(disk, ({ name }) => name === "sync" ? new Promise(() => {}) : undefined);
  let syncs = 0;
  const late = journalOn(disk, async ({ name }) => {
    if (name === "sync") syncs++;
    if (name !== "write") return;
    append(quick, "quick").catch(() => {});
    while (!new TextDecoder().decode(await segmentsOn(disk).read(first, 0)).includes("quick")) await undefined;
  });
  assert.equal(await append(late, "late"), false);
  for (let seed = 0; seed < 30; seed++) assert.deepEqual(valuesOf(await journalOn(disk.crash(seeded(seed))).read()), ["quick"]);
  // Nor is it synced again by whoever reads on.
  assert.deepEqual(valuesOf(await late.read()), ["quick"]);
  assert.equal(syncs, 1);
});

Deno.test("append() after a sync that failed keeps the order that was seen, whatever the power loss takes", async () => {
  const disk = new SimulatedDisk();
  await createSegment(disk);
  let failures = 0;
  const journal = journalOn(disk, ({ name }) => name === "sync" && failures-- > 0 ? { code: "EIO" } : undefined);
  failures = 3;
  await assert.rejects(append(journal, "A"), Unknown);
  // Another one that would take the same number is not even written.
  const before = (await segmentsOn(disk).read(first, 0))!.length;
  assert.equal(await journal.append(await frameAfter(journal.position, "dead")), false);
  assert.equal((await segmentsOn(disk).read(first, 0))!.length, before);
  assert.ok(await append(journal, "B"));
  for (let seed = 0; seed < 50; seed++) assert.deepEqual(valuesOf(await journalOn(disk.crash(seeded(seed))).read()), ["A", "B"]);
  assert.deepEqual(valuesOf(await journalOn(disk.crash(nothing)).read()), ["A", "B"]);
});

/** A segment with these bytes. */
async function diskWith(text: string, name: string = first): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk();
  await segmentsOn(disk).create(name, new TextEncoder().encode(text));
  return disk;
}

Deno.test("read() of a file that does not begin as a segment is STATE_CORRUPT, of a newer one STATE_NEWER_FORMAT", async () => {
  const { line } = await frameAfter({ number: 0, digest: start.digest }, "A");
  for (
    const header of ["", "S1\t1", "S1\tx\n", "S1\t0\n", "S1\t2\n", "S1\n", "T1\t1\n", "hello\n", "\0\0\0\0\n", `S1\t${"9".repeat(40)}\n`]
  ) {
    const disk = await diskWith(`${header}\n${line}\n`.slice(header === "S1\t1" ? 4 : 0));
    await assert.rejects(journalOn(disk).read(), (error) => isStateError(error, "STATE_CORRUPT"), JSON.stringify(header));
  }
  for (const text of ["S2\t1\n", `S1\t1\n\n${line}\n\nF2\tof another kind\n`, "S1\t1\n\nF3\t"]) {
    const disk = await diskWith(text);
    await assert.rejects(journalOn(disk).read(), (error) => isStateError(error, "STATE_NEWER_FORMAT"), text);
    await assert.rejects(append(journalOn(disk), "mine"), (error) => isStateError(error, "STATE_NEWER_FORMAT"), text);
  }
});

Deno.test("read() of a log that goes on elsewhere than beside itself is STATE_CORRUPT", async () => {
  for (const next of ["../../x", "app!run!1", "app!ckpt!0000000000000000", "other!seg!1", "app!seg!a!b", "app!seg!", "seg!1", ""]) {
    const disk = new SimulatedDisk();
    await createSegment(disk);
    const { line } = await frameAfter({ number: 0, digest: start.digest }, "A", next);
    await segmentsOn(disk).append(first, new TextEncoder().encode(`\n${line}\n`));
    await assert.rejects(journalOn(disk).read(), (error) => isStateError(error, "STATE_CORRUPT"), next);
  }
});

Deno.test("read() of one who may not write leaves a frame without its last newline for whoever may, and gives it then", async () => {
  const { line } = await frameAfter({ number: 0, digest: start.digest }, "A");
  const disk = await diskWith(`S1\t1\n\n${line}`);
  const reader = journalOn(disk, ({ name }) => name === "write" ? assert.fail("it writes") : undefined, true);
  assert.deepEqual(await reader.read(), []);
  assert.deepEqual(valuesOf(await journalOn(disk).read()), ["A"]);
  assert.deepEqual(valuesOf(await reader.read()), ["A"]);
});

/** What somebody makes of a segment's bytes. */
const damages: Readonly<Record<string, (bytes: Uint8Array, from: number) => Uint8Array>> = {
  "cut short before the position": (bytes, from) => bytes.slice(0, from - 1),
  "cut short by far": (bytes) => bytes.slice(0, 10),
  "empty": () => new Uint8Array(),
  "another segment's": (bytes) =>
    new TextEncoder().encode(new TextDecoder().decode(bytes).replaceAll("F1\t", "F1\tx").padEnd(bytes.length + 9)),
};

Deno.test("read() from a position behind which another frame stands than the last one is STATE_CORRUPT, from one that was cut off Removed", async () => {
  const disk = new SimulatedDisk();
  await createSegment(disk);
  const writer = journalOn(disk);
  for (const value of ["A", "B".repeat(3000), "C"]) await append(writer, value);
  const at = writer.position;
  const bytes = (await segmentsOn(disk).read(first, 0))!;
  assert.deepEqual(await new SegmentJournal(segmentsOn(disk), seal, at, false).read(), []);
  for (const [what, damage] of Object.entries(damages)) {
    const damaged = new SimulatedDisk();
    await segmentsOn(damaged).create(first, damage(bytes, at.from));
    await assert.rejects(
      new SegmentJournal(segmentsOn(damaged), seal, at, false).read(),
      (error) => isStateError(error, "STATE_CORRUPT") || (error instanceof Removed && !what.startsWith("another")),
      what,
    );
  }
  // One who knows the file refuses it as soon as it is shorter, and writes nothing behind the cut.
  for (const length of [0, 10, at.from - 1]) {
    const cut = SimulatedDisk.of(disk.files);
    const knows = new SegmentJournal(segmentsOn(cut), seal, at, false);
    await knows.read();
    await segmentsOn(cut).remove(first);
    await segmentsOn(cut).create(first, bytes.slice(0, length));
    await assert.rejects(knows.read(), Removed);
    assert.equal(await knows.append(await frameAfter(at, "D")), false);
    assert.equal((await segmentsOn(cut).read(first, 0))!.length, length);
  }
  // The last frame may be longer than what is looked at first.
  await append(writer, "D".repeat(5000));
  assert.deepEqual(await new SegmentJournal(segmentsOn(disk), seal, writer.position, false).read(), []);
});

Deno.test("read() of a frame that follows another one than the last, or stands too far ahead, is STATE_CORRUPT", async () => {
  for (const before of [{ number: 0, digest: genesisOf("other") }, { number: 7, digest: "x" }]) {
    const disk = new SimulatedDisk();
    await createSegment(disk);
    const { line } = await frameAfter(before, "A");
    await segmentsOn(disk).append(first, new TextEncoder().encode(`\n${line}\n`));
    await assert.rejects(journalOn(disk).read(), (error) => isStateError(error, "STATE_CORRUPT"));
  }
});

Deno.test("what stands behind the last frame and does not prove itself is torn, whatever number it says", async () => {
  const disk = new SimulatedDisk();
  await createSegment(disk);
  const writer = journalOn(disk);
  for (const value of ["A", "B"]) await append(writer, value);
  const { line } = await frameAfter(writer.position, "C");
  for (const torn of [line.slice(0, -1), line.replace("[3,", "[1,"), "x"]) {
    const damaged = SimulatedDisk.of(disk.files);
    await segmentsOn(damaged).append(first, new TextEncoder().encode(`\n${torn}\n`));
    const reader = journalOn(damaged);
    assert.deepEqual(valuesOf(await reader.read()), ["A", "B"]);
    assert.equal(reader.torn?.bytes, torn.length);
  }
  // A frame that lost its number to another one is none.
  const { line: lost } = await frameAfter({ number: 1, digest: "whatever" }, "lost");
  await segmentsOn(disk).append(first, new TextEncoder().encode(`\n${lost}\n`));
  const reader = journalOn(disk);
  await reader.read();
  assert.equal(reader.torn, undefined);
});
