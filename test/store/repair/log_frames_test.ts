/** Which frames of a damaged log belong to its chain. */
import assert from "node:assert/strict";
import { createDigester } from "../../../src/digest.ts";
import type { StoredCheckpoint } from "../../../src/store/log/checkpoint.ts";
import { formatFrame, type Frame, type FrameBody } from "../../../src/store/log/frame.ts";
import { createSeal } from "../../../src/store/seal.ts";
import { linesOf } from "../../../src/store/repair/log_lines.ts";
import { chainOf, FAR, REPAIRER, salvage, unitsOf } from "../../../src/store/repair/log_frames.ts";

const encoder = new TextEncoder();
const seal = createSeal(createDigester());
const base = { segment: { name: "a", from: 0 }, frame: 0, digest: "genesis:x" } as unknown as StoredCheckpoint;

async function frameOf(number: number, prev: string, more: Partial<FrameBody> = {}): Promise<Frame> {
  return await formatFrame({ number, prev, writer: "w", ops: [[`state!k${number}`, `V${number}\nof ${prev}`]], ...more }, seal);
}

/** Frames that follow each other. */
async function frames(count: number): Promise<Frame[]> {
  const all: Frame[] = [];
  for (let i = 1; i <= count; i++) all.push(await frameOf(i, all.at(-1)?.digest ?? base.digest));
  return all;
}

const damaged = (frame: Frame) => frame.line.replace("V", "W");

/** The numbers, or the writers and numbers, of what is taken of some lines of segments. */
async function taken(
  ...segments: readonly (readonly string[])[]
): Promise<{ readonly numbers: string[]; readonly hasGap: boolean; readonly isFenced: boolean }> {
  const units = [];
  for (const [i, lines] of segments.entries()) {
    const bytes = new TextEncoder().encode(`S1\t1\n${lines.map((line) => `\n${line}\n`).join("")}`);
    units.push(...await unitsOf("abc"[i]!, linesOf((from) => bytes.subarray(from)), seal));
  }
  const { frames, hasGap, isFenced } = chainOf(units, base);
  return { numbers: frames.map(({ frame }) => `${frame!.writer}${frame!.number}`), hasGap, isFenced };
}

Deno.test("chainOf() takes all frames of a log that is whole, and none that never counted", async () => {
  const [one, two, three] = await frames(3) as [Frame, Frame, Frame];
  const dead = await frameOf(2, one.digest, { writer: "dead" });
  assert.deepEqual(await taken([one.line, two.line, dead.line, "torn", two.line, three.line]), {
    numbers: ["w1", "w2", "w3"],
    hasGap: false,
    isFenced: false,
  });
});

Deno.test("chainOf() goes on behind a frame that is lost", async () => {
  const [one, two, three, four] = await frames(4) as [Frame, Frame, Frame, Frame];
  const result = { numbers: ["w1", "w3", "w4"], hasGap: true, isFenced: false };
  assert.deepEqual(await taken([one.line, damaged(two), three.line, four.line]), result);
  assert.deepEqual(await taken([one.line, three.line, four.line]), result);
  assert.deepEqual(await taken([one.line], [three.line, four.line]), result);
});

Deno.test("chainOf() takes no frame that lost its number to one that is damaged", async () => {
  const [one, two, three, four] = await frames(4) as [Frame, Frame, Frame, Frame];
  const dead = await frameOf(2, one.digest, { writer: "dead" });
  // The third one names the second that counted; or nothing is left that does.
  assert.deepEqual((await taken([one.line, damaged(two), dead.line, three.line, four.line])).numbers, ["w1", "w3", "w4"]);
  assert.deepEqual((await taken([one.line, damaged(two), dead.line, three.line])).numbers, ["w1", "w3"]);
  assert.deepEqual((await taken([one.line, damaged(two), dead.line, damaged(three), four.line])).numbers, ["w1", "w4"]);
  // With nothing behind it, it is what any reader takes.
  assert.deepEqual((await taken([one.line, "torn", dead.line])).numbers, ["w1", "dead2"]);
});

Deno.test("chainOf() takes the frames of a repair only where they follow", async () => {
  const [one, two, three] = await frames(3) as [Frame, Frame, Frame];
  const far = await frameOf(FAR, one.digest, { writer: REPAIRER, ops: [] });
  const close = await frameOf(2, one.digest, { writer: REPAIRER, ops: [], next: "b" });
  const mark = await frameOf(3, close.digest, { writer: REPAIRER });
  assert.deepEqual(await taken([one.line, far.line, close.line], [mark.line]), {
    numbers: ["w1", "repair2", "repair3"],
    hasGap: false,
    isFenced: true,
  });
  // It was cut off before it closed the segment: others went on.
  const others = { numbers: ["w1", "w2", "w3"], hasGap: false, isFenced: false };
  assert.deepEqual(await taken([one.line, two.line, three.line], [mark.line]), others);
  assert.deepEqual(await taken([one.line], [mark.line]), { numbers: ["w1"], hasGap: false, isFenced: false });
  assert.deepEqual(await taken([one.line, two.line, far.line, close.line, three.line], [mark.line]), others);
});

Deno.test("salvage() finds the values that a damaged frame still gives, whole", async () => {
  const ops = [["state!a", "R1\nhead of a\nlong enough to be pointed at"], ["state!b", "R1\nother\nlong enough to be pointed at"]] as const;
  const { line } = await frameOf(1, base.digest, { ops });
  const found = (text: string) => new Map(salvage(new TextEncoder().encode(text)));
  assert.deepEqual(found(line.replace("F1", "F7")), new Map(ops));
  assert.deepEqual([...found(line.replace('["+","state!a"', '["+,"state!a"')).keys()], ["state!b"]);
  assert.equal(found(line.replace("other", "OTHER")).get("state!a"), ops[0][1]);
  assert.deepEqual(found(line.slice(0, line.indexOf("other"))).get("state!a"), ops[0][1]);
});

Deno.test("unitsOf() keeps all frames and some of what is none, however much that is", async () => {
  const [one, two] = await frames(2) as [Frame, Frame];
  const junk = `${"x".repeat(1023)}\n`.repeat(20 * 1024);
  const bytes = encoder.encode(`S1\t1\n${junk}\n${one.line}\n${junk}\n${two.line}\n`);
  const units = await unitsOf("a", linesOf((from) => bytes.subarray(from, from + 1_000_003)), seal);
  const { frames: found, end } = chainOf(units, base);
  assert.deepEqual([found.map(({ frame }) => frame!.number), end.from], [[1, 2], bytes.length]);
  assert.ok(units.length < 17_000);
  assert.equal(units.reduce((sum, { bytes }) => sum + bytes.length, 0), 16 * 1024 * 1024);
});
