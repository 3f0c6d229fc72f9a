/**
 * A folder in which somebody damages a file: every bit flipped, every file dropped, cut short, or put in the place of another. What
 * is read is what was written, or it is STATE_CORRUPT; or the end of the log is missing that nothing covers yet, and is named.
 *
 * `TEST_RUNS_FACTOR` multiplies how many bits are flipped.
 *
 * @module
 */
import assert from "node:assert/strict";
import { createDriver } from "../../adapters/fs/driver.ts";
import { isStateError, openState, StateScope } from "../../mod.ts";
import { show } from "../golden/story.ts";
import { noon, quickRandom } from "./fixture.ts";
import { contentOf, openLog, type Step, write } from "./log_fixture.ts";
import { after, type Content, empty } from "./log_history.ts";
import { steps } from "./repair_story.ts";
import { SimulatedDisk } from "./simulated_disk.ts";

const factor = Number(Deno.env.get("TEST_RUNS_FACTOR") ?? 1);

type Files = ReadonlyMap<string, Uint8Array>;

/** What was seen, and what was reported to be damaged or never whole. */
interface Seen {
  readonly content: string;
  readonly setAside: readonly string[];
}

/** A store, and what it shows. */
interface Damageable {
  readonly files: Files;
  /** What it holds, and what it held before the last commits, newest first. */
  readonly contents: readonly string[];
  /** Opens it and reads all there is. */
  look(disk: SimulatedDisk): Promise<Seen>;
}

/** The kind of a file: `ckpt`, `run`, `seg`. */
const kindOf = (path: string) => path.split("/").at(-2)!;

/** The only damage that nobody can see: what is left is what a crash a moment earlier would have left. */
const UNDETECTABLE = "the log ends before a frame that no checkpoint holds, as if that had never been written";

/** What came of looking at damaged files. */
type Verdict = "same" | "found" | "shorter" | "silent";

/** Looks at damaged files, and says whether what was seen may be seen. */
async function judge({ contents, look }: Damageable, files: Files, what: string): Promise<Verdict> {
  try {
    const { content, setAside } = await look(SimulatedDisk.of(files));
    if (content === contents[0]) return "same";
    assert.ok(contents.includes(content), `${what}: a wrong answer:\n${content}`);
    return setAside.length > 0 ? "shorter" : "silent";
  } catch (error) {
    if (isStateError(error, "STATE_CORRUPT") || isStateError(error, "STATE_NEWER_FORMAT")) return "found";
    throw new Error(`${what}: ${(error as Error).stack}`, { cause: error });
  }
}

/** The code of an error that a damaged store may be refused with. */
function refusal(error: unknown): string {
  if (!isStateError(error)) throw error;
  return error.code;
}

/** Whoever only reads sees the same, or says why not: it mends nothing, not even a line feed that is missing. */
function compare(writer: Seen, reader: Seen, contents: readonly string[]): void {
  if (reader.content === writer.content) assert.equal(reader.setAside.length, writer.setAside.length);
  else assert.ok(contents.includes(reader.content) && reader.setAside.length > writer.setAside.length, `a reader sees ${reader.content}`);
}

/** Everything that can be done to one file. `isEarlier`: it is as it was before some frames were appended. */
function* damagesOf(
  files: Files,
  stride: number,
): Generator<{ readonly what: string; readonly damaged: Files; readonly isEarlier: boolean }> {
  let bit = 0;
  for (const [path, bytes] of files) {
    const with_ = (what: string, changed: Uint8Array, isEarlier = false) => ({
      what: `${path}: ${what}`,
      damaged: new Map(files).set(path, changed),
      isEarlier,
    });
    for (; bit < bytes.length * 8; bit += stride) {
      const flipped = bytes.slice();
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      yield with_(`bit ${bit} flipped`, flipped);
    }
    bit -= bytes.length * 8;
    for (const length of new Set([0, 1, bytes.length >> 1, bytes.length - 300, bytes.length - 2, bytes.length - 1])) {
      if (length >= 0) yield with_(`cut to ${length}`, bytes.slice(0, length));
    }
    for (let at = bytes.indexOf(10); kindOf(path) === "seg" && at >= 0; at = bytes.indexOf(10, at + 1)) {
      yield with_(`cut behind line feed ${at}`, bytes.slice(0, at + 1), true);
    }
    yield with_("zeroed behind the middle", bytes.map((byte, i) => i > bytes.length >> 1 ? 0 : byte));
    yield with_("doubled", Uint8Array.from([...bytes, ...bytes]));
    yield { what: `${path} dropped`, damaged: new Map([...files].filter(([other]) => other !== path)), isEarlier: false };
    for (const [other, others] of files) {
      if (other === path || kindOf(other) !== kindOf(path)) continue;
      if (other > path) {
        yield { what: `${path} and ${other} swapped`, damaged: new Map(files).set(path, others).set(other, bytes), isEarlier: false };
      }
      yield { what: `${path} in the place of ${other}`, damaged: new Map(files).set(other, bytes), isEarlier: false };
    }
  }
}

/** Damages a store in every way. */
async function damage(name: string, store: Damageable, stride: number, least: Partial<Record<Verdict, number>>): Promise<void> {
  const { content } = await store.look(SimulatedDisk.of(store.files));
  assert.equal(content, store.contents[0]);
  const sum: Record<Verdict, number> = { same: 0, found: 0, shorter: 0, silent: 0 };
  for (const { what, damaged, isEarlier } of damagesOf(store.files, stride)) {
    const verdict = await judge(store, damaged, what);
    sum[verdict]++;
    if (verdict === "silent") assert.ok(isEarlier, `${what}: something is missing, and nobody says so`);
  }
  console.log(`${name}: ${JSON.stringify(sum)}; silent where ${UNDETECTABLE}`);
  for (const [verdict, times] of Object.entries(least)) {
    assert.ok(sum[verdict as Verdict] >= times, `only ${sum[verdict as Verdict]} ${verdict}`);
  }
}

const tunings = [{ frames: 4, bytes: 1e6, segmentBytes: 700 }, { frames: 1e6, bytes: 1e9, segmentBytes: 1e9 }] as const;

/** A log of small frames, left as a crash leaves it. */
async function smallLog(tuning: typeof tunings[number], steps: readonly Step[]): Promise<Damageable> {
  const disk = new SimulatedDisk();
  const port = openLog(disk.process(), tuning);
  const contents: Content[] = [empty];
  for (const step of steps) {
    await write(port, step);
    contents.unshift(after(contents[0]!, step));
    // What is at work beside it comes to its end.
    await new Promise((resolve) => setTimeout(resolve));
  }
  const look = async (disk: SimulatedDisk): Promise<Seen> => {
    const reader = openLog(disk.process(), tuning, { readOnly: true });
    const seen = await contentOf(reader).then(JSON.stringify, refusal);
    const port = openLog(disk.process(), tuning);
    const content = JSON.stringify(await contentOf(port));
    // A log that has lost its checkpoints is refused by the first write.
    if (content === empty) await port.commit({ checks: [], set: [["app!z", "Z"]], remove: [], durable: true });
    else compare({ content, setAside: port.setAside }, { content: seen, setAside: reader.setAside }, contents);
    return { content, setAside: port.setAside };
  };
  return { files: new Map(disk.files), contents, look };
}

const small: readonly Step[] = Array.from(
  { length: 11 },
  (_, i): Step => ({ [`k${i % 5}`]: i % 4 === 3 ? undefined : `V${i}`.padEnd(i * 9, "-") }),
);

for (const tuning of tunings) {
  Deno.test(`a log in files with ${tuning.frames} frames a checkpoint, of which one is damaged, holds what it held, or is STATE_CORRUPT`, async () => {
    const least = tuning === tunings[0] ? { same: 1000, found: 200, shorter: 100 } : { found: 1000, shorter: 100, silent: 10 };
    await damage(`${tuning.frames} frames a checkpoint`, await smallLog(tuning, small), Math.max(1, Math.floor(13 / factor)), least);
  });
}

Deno.test("a log in files of which the newest checkpoint is damaged goes on, and makes newer ones", async () => {
  const tuning = tunings[0];
  const { files, contents } = await smallLog(tuning, small);
  const newest = [...files.keys()].filter((path) => kindOf(path) === "ckpt").sort().at(-1)!;
  const disk = SimulatedDisk.of(new Map(files).set(newest, files.get(newest)!.slice(9)));
  const port = openLog(disk.process(), tuning);
  let content = contents[0]!;
  for (let i = 0; i < 40; i++) {
    const step: Step = { [`k${i % 7}`]: `again ${i}` };
    await write(port, step);
    content = after(content, step);
    await new Promise((resolve) => setTimeout(resolve));
  }
  assert.ok(port.setAside.length > 0);
  const next = openLog(disk.process(), tuning);
  assert.equal(JSON.stringify(await contentOf(next)), content);
  assert.ok(next.replayed <= 3 * tuning.frames, `${next.replayed} frames were read again`);
  assert.deepEqual(next.setAside, []);
});

for (const isClosed of [true, false]) {
  const how = isClosed ? "closed" : "left open";
  Deno.test(`a state in a folder that was ${how}, of which a file is damaged, shows what it held, or is STATE_CORRUPT`, async () => {
    const disk = new SimulatedDisk();
    const driverOn = (disk: SimulatedDisk) => createDriver({ given: "/d", absolute: "/d" }, disk.process(), () => true);
    const openOn = (disk: SimulatedDisk, readOnly = false) =>
      openState({ driver: driverOn(disk), now: () => noon, random: quickRandom(1), readOnly });
    const contents: string[] = [];
    const before = await openOn(disk);
    for (const step of steps.slice(0, 9)) await step(before);
    await before.close();
    const state = await openOn(disk);
    for (const step of [() => Promise.resolve(), ...steps.slice(9)]) {
      await step(state);
      contents.unshift((await show(state)).join("\n"));
    }
    if (isClosed) await state.close();
    const files = new Map(disk.files);
    const look = async (disk: SimulatedDisk): Promise<Seen> => {
      const reading = async () => {
        const state = await openOn(SimulatedDisk.of(disk.files), true);
        try {
          return { content: (await show(state)).join("\n"), setAside: state.recovered.setAside };
        } finally {
          await state.close();
        }
      };
      const seen = await reading().catch((error) => ({ content: refusal(error), setAside: [] }));
      const state = await openOn(disk);
      try {
        const content = (await show(state)).join("\n");
        const { setAside } = state.recovered;
        compare({ content, setAside }, seen, contents);
        // It goes on, and the next one sees all of that.
        await state.save(StateScope.global, "probe", 1);
        await state.close();
        const next = await openOn(disk);
        assert.equal(await next.load(StateScope.global, "probe"), 1);
        assert.equal((await show(next)).filter((line) => !line.includes('"probe"')).join("\n"), content);
        await next.close();
        return { content, setAside };
      } finally {
        await state.close();
      }
    };
    const least = isClosed ? { same: 400, found: 200 } : { same: 100, found: 200, shorter: 20, silent: 5 };
    await damage(how, { files, contents, look }, Math.max(1, Math.floor(2400 / factor)), least);
    await state.close();
  });
}
