import assert from "node:assert/strict";
import { createDigester } from "../../../src/digest.ts";
import { isStateError } from "../../../src/errors.ts";
import { type Checkpoint, createLogPaths, formatCheckpoint, parseCheckpoint } from "../../../src/store/log/checkpoint.ts";
import { createSeal } from "../../../src/store/seal.ts";

const seal = createSeal(createDigester());
const paths = createLogPaths("app!");
const run = { first: "app!a", last: "app!z", name: paths.run("00aa", 1), digest: "d", bytes: 10, gone: 0, pages: 1, depth: 0 };
const segment = paths.segment(7, "00ff");
const checkpoint: Checkpoint = {
  root: "app!",
  id: "00112233",
  generation: 3,
  at: 1_700_000_000_000,
  frame: 9,
  digest: "d",
  segment: { name: segment, from: 661 },
  horizon: 7,
  runs: [run],
  hot: [["app!head", "H1\nx"], ["app!gone!x", null]],
  making: [["00bb", 9, 5]],
  dropped: [paths.run("00cc", 0), paths.run("00cc", 1), paths.run("00cc", 3), paths.segment(1, "00ee")],
  removing: [paths.run("00dd", 98), paths.run("00dd", 99), paths.run("00dd", 100)],
  abandoned: ["00ab"],
  sealed: [[paths.segment(5, "00ee"), 6]],
  staying: [[1, 4]],
  read: [],
  write: [],
};

/** The stored form of whatever JSON. */
async function stored(value: unknown): Promise<string> {
  const json = typeof value === "string" ? value : JSON.stringify(value);
  return `C1\n${(await seal([json]))[0]}\n${json}`;
}

async function assertCorrupt(value: unknown): Promise<void> {
  await assert.rejects(
    async () => await parseCheckpoint(await stored(value), 3, paths, seal),
    (error) => isStateError(error, "STATE_CORRUPT"),
    JSON.stringify(value)?.slice(0, 300),
  );
}

Deno.test("parseCheckpoint() gives what formatCheckpoint() was given, and numbers that follow each other are stored as one", async () => {
  const formatted = await formatCheckpoint(checkpoint, seal);
  const sorted = { ...checkpoint, dropped: [...checkpoint.dropped].sort(), removing: [...checkpoint.removing].sort() };
  assert.deepEqual(await parseCheckpoint(formatted.text, 3, paths, seal), { ...sorted, text: formatted.text });
  const many = Array.from({ length: 10_000 }, (_, i) => paths.run("00cc", i));
  const { text } = await formatCheckpoint({ ...checkpoint, dropped: many }, seal);
  assert.ok(text.length < 1500, `${text.length}`);
  assert.deepEqual((await parseCheckpoint(text, 3, paths, seal)).dropped, many);
});

Deno.test("parseCheckpoint() of what does not prove itself, or has another number, is STATE_CORRUPT", async () => {
  const { text } = await formatCheckpoint(checkpoint, seal);
  for (
    const wrong of [
      undefined,
      null,
      7,
      new Uint8Array(3),
      "",
      "C1",
      "C1\n",
      "C1\nx",
      text.slice(0, -1),
      text.replace("app!a", "app!b"),
      `${text}\n`,
    ]
  ) {
    await assert.rejects(
      parseCheckpoint(wrong, 3, paths, seal),
      (error) => isStateError(error, "STATE_CORRUPT"),
      String(wrong).slice(0, 80),
    );
  }
  await assert.rejects(parseCheckpoint(text, 4, paths, seal), (error) => isStateError(error, "STATE_CORRUPT"));
});

Deno.test("parseCheckpoint() of a newer format, or one that needs a feature, is STATE_NEWER_FORMAT, whatever else it is", async () => {
  const { text } = await formatCheckpoint(checkpoint, seal);
  const needing = await stored({ ...checkpoint, read: ["wings"], runs: "of another kind" });
  for (const newer of [text.replace("C1", "C2"), "C7\nwhatever", needing]) {
    await assert.rejects(parseCheckpoint(newer, 3, paths, seal), (error) => isStateError(error, "STATE_NEWER_FORMAT"), newer.slice(0, 40));
  }
});

Deno.test("parseCheckpoint() of one whose digest fits and that we could not have written is STATE_CORRUPT", async () => {
  for (const value of ["", "[", "null", "7", '"x"', "[]", "{}", `{"generation":3}`, "[".repeat(100_000)]) await assertCorrupt(value);
  const names = [
    "../../x",
    "app!run!../../../etc/passwd",
    "app!run!a!b",
    "app!ckpt!0000000000000003",
    "app!head",
    "app!",
    "other!run!00cc-00000000",
    "other!seg!0000000000000001-00ee",
    7,
    null,
    {},
  ];
  const wrong: Readonly<Record<keyof Checkpoint, readonly unknown[]>> = {
    root: [undefined, 7, null, "other!"],
    id: [undefined, 7, "", "../x"],
    generation: [undefined, "3", -3, 4, 3.5, null],
    at: [undefined, "x", null, "1e3"],
    frame: [undefined, -1, 1.5, 1e300, "9", null],
    digest: [undefined, 7, null],
    segment: [
      undefined,
      null,
      {},
      segment,
      { name: segment },
      { name: segment, from: -1 },
      { name: segment, from: 1e300 },
      { name: segment, from: "0" },
      ...names.map((name) => ({ name, from: 0 })),
    ],
    horizon: [undefined, -1, 0.5, "7", null],
    runs: [
      undefined,
      {},
      "runs",
      [null],
      [7],
      [{}],
      ...names.map((name) => [{ ...run, name }]),
      ...[{ first: "b!" }, { last: "app" }, { first: "app!z", last: "app!a" }, { first: null }, { bytes: -1 }, { gone: 1e99 }].map((
        told,
      ) => [
        { ...run, ...told },
      ]),
      ...[{ pages: -1 }, { pages: "1" }, { depth: 17 }, { depth: -1 }, { depth: 1e9 }, { digest: 7 }].map((told) => [{ ...run, ...told }]),
    ],
    hot: [undefined, {}, [["app!a"]], [["other!a", "x"]], [["app!a", 7]], [[7, "x"]], [["app!a", "x", "y"]], ["ab"]],
    making: [undefined, {}, [["00bb"]], [["../x", 1, 1]], [["00bb", -1, 1]], [["00bb", 1, null]], [["a!b", 1, 1]]],
    dropped: [
      undefined,
      {},
      "x",
      ...names.map((name) => [name]),
      ...names.map((name) => [[name, 2]]),
      [[paths.run("00cc", 0), -1]],
      [[paths.run("00cc", 0), 0.5]],
      [[paths.run("00cc", 0), 1e8]],
      [[paths.run("00cc", 0), 9e15]],
      Array.from({ length: 50 }, (_, i) => [paths.run("00cc", i * 1_000_000), 1_000_000]),
    ],
    removing: [undefined, ...names.map((name) => [name]), [[paths.run("00cc", 0), 1e12]]],
    abandoned: [undefined, "00ab", [7], ["../x"], ["a!b"], [""]],
    sealed: [undefined, [[segment]], [[paths.run("00cc", 0), 1]], [[paths.segment(5, "00ee"), -1]], ...names.map((name) => [[name, 1]])],
    staying: [undefined, [1], [[1]], [[-1, 1]], [["1", 1]]],
    read: [undefined, "wings", [7], {}],
    write: [undefined, "wings", [7], {}],
  };
  for (const [field, values] of Object.entries(wrong)) {
    for (const value of values) await assertCorrupt({ ...checkpoint, [field]: value });
  }
  for (const field of Object.keys(checkpoint)) {
    assert.ok(Object.hasOwn(wrong, field), field);
  }
});

Deno.test("parseCheckpoint() of one that removes what it needs is STATE_CORRUPT", async () => {
  for (const field of ["dropped", "removing"]) {
    for (const name of [segment, run.name, checkpoint.sealed[0]![0]]) await assertCorrupt({ ...checkpoint, [field]: [name] });
    await assertCorrupt({ ...checkpoint, [field]: [[paths.run("00aa", 0), 3]] });
  }
});

Deno.test("createLogPaths() gives names that a checkpoint may name", () => {
  assert.equal(paths.checkpoint(12), "app!ckpt!0000000000000012");
  assert.equal(paths.run("00aa", 3), "app!run!00aa-00000003");
  assert.equal(paths.segment(7, "00ff"), "app!seg!0000000000000007-00ff");
});
