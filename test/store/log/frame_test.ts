import assert from "node:assert/strict";
import { createDigester } from "../../../src/digest.ts";
import { isStateError } from "../../../src/errors.ts";
import { formatFrame, type FrameBody, genesisOf, peekFrame, proveFrame, refuseNewer } from "../../../src/store/log/frame.ts";
import { createSeal } from "../../../src/store/seal.ts";

const seal = createSeal(createDigester());
const body: FrameBody = { number: 7, prev: genesisOf("id"), writer: "00aa", ops: [] };

/** A line whose digest fits, whatever it says. */
async function sealed(text: string, letter = "F1"): Promise<string> {
  return `${letter}\t${(await seal([text]))[0]}\t${text}`;
}

const head = (...fields: readonly unknown[]) => JSON.stringify(fields);
const fine = head(7, "genesis:id", "00aa", 0, 0);

async function assertCorrupt(text: string): Promise<void> {
  const line = await sealed(text);
  await assert.rejects(proveFrame(line, seal), (error) => isStateError(error, "STATE_CORRUPT"), text.slice(0, 200));
}

Deno.test("proveFrame() gives what formatFrame() was given", async () => {
  const long = "a line that is long enough to be pointed at";
  const bodies: FrameBody[] = [
    body,
    { ...body, token: "00ff", next: "app!seg!0000000000000008-00" },
    {
      ...body,
      ops: [["a", "one"], ["b", undefined], ["c", ""], ["d", "\n"], ["é\u{1f600}", `${long}\n${long}\nx\nx`], ["e", `x\n${long}`]],
    },
  ];
  for (const given of bodies) {
    const frame = await formatFrame(given, seal);
    assert.ok(!frame.line.includes("\n"));
    assert.deepEqual(await proveFrame(frame.line, seal), { ...given, digest: frame.digest, line: frame.line });
    assert.deepEqual(peekFrame(frame.line), { number: 7, prev: "genesis:id" });
  }
});

Deno.test("formatFrame() writes a line that is repeated once", async () => {
  const long = "x".repeat(1000);
  const { line } = await formatFrame({ ...body, ops: [["a", `${long}\n${long}`], ["b", long]] }, seal);
  assert.ok(line.length < 1200);
});

Deno.test("formatFrame() writes lines once that end alike, and none in place of another", async () => {
  const tail = "x".repeat(40);
  const lines = [tail, `1${tail}`, `2${tail}`, tail.slice(8), `3${tail}`, tail.slice(10), "x"];
  const ops = [["a", lines.join("\n")], ["b", lines.toReversed().join("\n")], ["c", lines.join("\n")]] as const;
  const frame = await formatFrame({ ...body, ops }, seal);
  assert.deepEqual((await proveFrame(frame.line, seal))?.ops, ops);
  for (const long of ["1", "2", "3"]) assert.equal(frame.line.split(`\t${long}${tail}`).length, 2, long);
});

Deno.test("formatFrame() refuses a value that could forge a line", async () => {
  await assert.rejects(async () => await formatFrame({ ...body, ops: [["a", "b\tc"]] }, seal), TypeError);
});

Deno.test("proveFrame() of a line that was changed anywhere is undefined, or an error, never another frame", async () => {
  const { line } = await formatFrame({ ...body, ops: [["a", "one"], ["b", undefined]] }, seal);
  for (let at = 0; at < line.length; at++) {
    for (const bit of [1, 4, 64]) {
      const changed = line.slice(0, at) + String.fromCharCode(line.charCodeAt(at) ^ bit) + line.slice(at + 1);
      const found = await proveFrame(changed, seal).catch((error) => {
        assert.ok(isStateError(error, "STATE_CORRUPT", "STATE_NEWER_FORMAT"), `${error}`);
      });
      assert.equal(found, undefined, changed);
    }
    assert.equal(await proveFrame(line.slice(0, at), seal), undefined);
  }
  for (const text of ["", "F1", "F1\t", "F1\t\t", "F1\t\ud800\t[]", "x\ty\tz"]) assert.equal(await proveFrame(text, seal), undefined, text);
});

Deno.test("proveFrame() of a frame whose digest fits and that we could not have written is STATE_CORRUPT", async () => {
  const heads = [
    "",
    "{}",
    "null",
    "[]",
    head(-1, "p", "w", 0, 0),
    head(1.5, "p", "w", 0, 0),
    head(1e300, "p", "w", 0, 0),
    head("7", "p", "w", 0, 0),
    head(7, 7, "w", 0, 0),
    head(7, "p", null, 0, 0),
    head(7, "p", "w", "../x", 0),
    head(7, "p", "w", "a!b", 0),
    head(7, "p", "w", ["aa"], 0),
    head(7, "p", "w", 0, 1),
    head(7, "p", "w", 0, {}),
    head(7, "p", "w"),
  ];
  for (const text of heads) await assertCorrupt(text);
  const ops = [
    "x",
    '["+"]',
    '["+",1,0]',
    '["*","a",0]',
    '["+","a",0]',
    '["+","a",9]',
    '["+","a",-1]\tv',
    '["+","a",0.5]\tv',
    '["+","a","0"]\tv',
    '["+","a","length"]\tv',
    '["+","a","constructor"]\tv',
    '["+","a",null]\tv',
    '["+","a",9007199254740993]\tv',
    '["+","a",0,0]\tv',
    '["+","a",[0]]\tv',
  ];
  for (const text of ops) await assertCorrupt(`${fine}\t${text}`);
});

Deno.test("proveFrame() of a small frame that stands for gigabytes is STATE_CORRUPT, and takes no such memory", async () => {
  const line = "x".repeat(100_000);
  const places = Array.from({ length: 100_000 }, () => 2);
  await assertCorrupt(`${fine}\t${JSON.stringify(["+", "a", 0, ...places])}\t${line}`);
  // The same in many values.
  const one = JSON.stringify(["+", "a", ...places.slice(0, 10)]);
  await assertCorrupt(`${fine}\t${JSON.stringify(["+", "a", 0])}\t${line}${`\t${one}`.repeat(1000)}`);
});

Deno.test("proveFrame() and refuseNewer() of a frame of a newer format are STATE_NEWER_FORMAT, whatever else it is", async () => {
  for (const line of [await sealed(fine, "F2"), "F2\t", "F17\tsomething else", "F999999\t"]) {
    await assert.rejects(proveFrame(line, seal), (error) => isStateError(error, "STATE_NEWER_FORMAT"), line);
    assert.throws(() => refuseNewer(line), (error) => isStateError(error, "STATE_NEWER_FORMAT"), line);
  }
  for (const line of ["", "F1\t", "F0\t", "F2", "F2 \t", "F1000000\t", "G2\t", "F02\t"]) refuseNewer(line);
});

Deno.test("peekFrame() learns nothing of what is no frame", () => {
  for (const line of ["", "F1", "F1\tx", "F1\tx\t[]", 'F1\tx\t["7","p","w"]', 'G1\tx\t[7,"p","w"]']) {
    assert.equal(peekFrame(line), undefined);
  }
  assert.equal(peekFrame(`F1\tx\t[${"9".repeat(400)},"p","w"]`)?.number, Infinity);
});
