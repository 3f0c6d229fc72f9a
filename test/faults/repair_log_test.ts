/**
 * Everything that a log is made of, damaged in turn: what still proves itself is kept, what was lost is said, and nothing that
 * was never so is shown.
 *
 * `TEST_RUNS_FACTOR` multiplies how much is damaged.
 *
 * @module
 */
import assert from "node:assert/strict";
import { isStateError, openState, repair, StateScope } from "../../mod.ts";
import { createDigester } from "../../src/digest.ts";
import { proveFrame } from "../../src/store/log/frame.ts";
import { createSeal } from "../../src/store/seal.ts";
import { show } from "../golden/story.ts";
import { noon, quickRandom } from "./fixture.ts";
import { contentsOf, copyOf, kinds, type LogKind, type LogStory, type Place, tellOn } from "./log_damage.ts";
import { commitOf, entryOf, flip } from "./repair_story.ts";
import { type Choose, seeded } from "./simulated_disk.ts";

const factor = Number(Deno.env.get("TEST_RUNS_FACTOR") ?? 1);
const namespace = "state";
const { global } = StateScope;
/** Steps of the story: at its end a checkpoint holds everything, and before that frames stand behind one, objects too. */
const lengths = [undefined, 14] as const;

/** What a state shows of a place, and leaves it as it is. */
async function seen(kind: LogKind, place: Place): Promise<string[]> {
  const state = await openState({ driver: kind.open(copyOf(place)), now: () => noon, random: quickRandom(3) });
  try {
    return await show(state);
  } finally {
    await state.close();
  }
}

/** Some damage to one thing in a place. */
function damage(place: Place, key: string, choose: Choose): { readonly how: string; readonly place: Place } {
  const copy = copyOf(place);
  const map: Map<string, string | Uint8Array> = copy.files.has(key) ? copy.files as never : copy.items;
  const value = map.get(key)!;
  const other = [...map.keys()].filter((name) => name !== key && name.split("!")[1] === key.split("!")[1]);
  const ways: readonly (() => string)[] = [
    () => (map.set(key, flip(value, choose(1e6))), "flipped"),
    () => (map.set(key, flip(value, choose(1e6))), "flipped"),
    () => (map.set(key, value.slice(0, choose(value.length))), "cut"),
    () => (map.delete(key), "dropped"),
    () => (map.set(key, value.slice(0, 0)), "emptied"),
    () => {
      const name = other[choose(Math.max(1, other.length))];
      if (name === undefined) return "left";
      map.set(key, map.get(name)!).set(name, value);
      return "swapped";
    },
  ];
  return { how: ways[choose(ways.length)]!(), place: copy };
}

/**
 * Repairs a place, and holds what must hold of every repair; of one of a single damage also that it says all that is lost.
 * `isEndGone`: nothing need say what stood at the end.
 */
async function checkRepair(
  kind: LogKind,
  place: Place,
  story: LogStory,
  isSingle = true,
  isEndGone = false,
): Promise<{ readonly lost: readonly number[]; readonly code: string }> {
  let code = "";
  const before = await seen(kind, place).catch((error) => {
    if (!isStateError(error, "STATE_CORRUPT", "STATE_NEWER_FORMAT")) throw error;
    code = error.code;
  });
  const contents = contentsOf(place);
  const dry = await repair(kind.open(place), { namespace, dryRun: true });
  assert.deepEqual(contentsOf(place), contents, "dryRun writes nothing");
  const report = await repair(kind.open(place), { namespace });
  assert.deepEqual(report, dry, "dryRun says the same");
  const driver = kind.open(place);
  assert.deepEqual((await repair(driver, { namespace })).lostCommits, [], "a repaired store is whole");
  const state = await openState({ driver, now: () => noon, random: quickRandom(4) });
  const shows = await show(state);
  // The end of a log that was torn, or one of two fixed places, is no damage: the rest holds all that counts.
  assert.deepEqual(state.recovered.setAside.filter((what) => !/bytes from byte|ckpt![ab]$/.test(what)), []);
  for (let i = 0; i < 3; i++) await state.save(global, "after", i);
  await state.close();
  const later = await seen(kind, place);
  assert.deepEqual(later.filter((line) => !line.includes('"after"')), shows, "it goes on");
  const lost = new Set(report.lostCommits);
  for (const line of shows) assert.ok(story.ever.has(line), `was never so: ${line}`);
  // Where everything is gone, nothing says what there was.
  if (report.kept === 0 || !isSingle) return { lost: [], code };
  const last = Math.max(0, ...shows.map(commitOf));
  const truth = before ?? story.shows.filter((line) => !isEndGone || commitOf(line) <= last);
  for (const line of truth) if (!lost.has(commitOf(line))) assert.ok(shows.includes(line), `is lost, and not said so: ${line}`);
  const known = new Set(truth.map(entryOf));
  const risen = shows.filter((line) => !known.has(entryOf(line)));
  if (risen.length > 0) assert.ok(lost.size > 0, `was deleted, and is there: ${risen}`);
  return { lost: report.lostCommits, code };
}

for (const kind of kinds) {
  const isPlain = kind.name.includes("plain");

  Deno.test(`repair() of a log ${kind.name} in which nothing is wrong changes nothing`, async () => {
    const { open, closed, commits } = await tellOn(kind);
    for (const place of [open, closed]) {
      const contents = contentsOf(place);
      assert.deepEqual(await repair(kind.open(place), { namespace }), { kept: commits, lostCommits: [] });
      assert.deepEqual(contentsOf(place), contents);
    }
  });

  Deno.test(`repair() of a log ${kind.name} in which any one thing is damaged keeps the rest, and says what was lost`, async () => {
    const stories = [await tellOn(kind), ...isPlain ? [] : [await tellOn(kind, lengths[1])]];
    const seed = Number(Deno.env.get("TEST_SEED") ?? Math.floor(Math.random() * 1e9));
    const choose = seeded(seed);
    const count: Record<string, number> = {};
    for (const [story, place] of stories.flatMap((story) => [[story, story.open], [story, story.closed]] as const)) {
      const keys = [...place.items.keys(), ...[...place.files.keys()].flatMap((key) => Array<string>(30).fill(key))];
      for (const key of keys) {
        // Taking a lease takes its time.
        if (isPlain && choose(8) > 0 && !key.includes("ckpt")) continue;
        for (let i = 0; i < factor; i++) {
          const { how, place: damaged } = damage(place, key, choose);
          try {
            const { lost, code } = await checkRepair(kind, damaged, story, true, how !== "flipped");
            const what = `${how}${code === "" ? "" : `, ${code}`}${lost.length === 0 ? "" : ", some lost"}`;
            count[what] = (count[what] ?? 0) + 1;
          } catch (error) {
            // A checkpoint, or a frame, whose version says that it is newer may be just that.
            if (isStateError(error, "STATE_NEWER_FORMAT") && /ckpt|frame|seg/.test(key)) continue;
            throw new Error(`TEST_SEED=${seed}: "${key}" ${how}: ${(error as Error).message}`, { cause: error });
          }
        }
      }
    }
    console.log(`repaired: ${JSON.stringify(count)}`);
  });
}

for (const kind of kinds.filter(({ name }) => !name.includes("plain"))) {
  Deno.test(`repair() of a log ${kind.name} in which any one object is gone, or says nothing, keeps the rest, and says what was lost`, async () => {
    const story = await tellOn(kind, lengths[1]);
    const objects = [story.open, story.closed].flatMap((place) => [...place.items.keys()].map((key) => [place, key] as const));
    for (const [place, key] of objects) {
      for (const value of ["", undefined]) {
        const damaged = copyOf(place);
        if (value === undefined) damaged.items.delete(key);
        else damaged.items.set(key, value);
        try {
          await checkRepair(kind, damaged, story, true, true);
        } catch (error) {
          throw new Error(`"${key}" ${value === undefined ? "gone" : "empty"}: ${(error as Error).message}`, { cause: error });
        }
      }
    }
  });

  Deno.test(`repair() of a log ${kind.name} in which what stands around any one frame is damaged loses nothing`, async () => {
    const count: Record<string, number> = {};
    for (const length of lengths) {
      const story = await tellOn(kind, length);
      for (const [what, damaged] of [...blurred(story.open), ...blurred(story.closed)]) {
        try {
          const { lost, code } = await checkRepair(kind, damaged, story);
          assert.deepEqual(lost, []);
          count[code || "read"] = (count[code || "read"] ?? 0) + 1;
        } catch (error) {
          throw new Error(`${what}: ${(error as Error).message}`, { cause: error });
        }
      }
    }
    assert.ok(count["STATE_CORRUPT"]! > 0, JSON.stringify(count));
  });
}

/** A place in which one newline between frames is another character, or one frame has something before or behind it. */
function* blurred(place: Place): Generator<readonly [what: string, place: Place]> {
  for (const [key, bytes] of place.files) {
    for (const at of [...bytes.keys()].filter((at) => bytes[at] === 10)) {
      const copy = copyOf(place);
      copy.files.set(key, bytes.with(at, 11));
      yield [`byte ${at} of "${key}"`, copy];
    }
  }
  for (const [key, value] of place.items) {
    if (!key.includes("!frame!")) continue;
    for (const text of [`x${value}`, `${value}x`]) {
      const copy = copyOf(place);
      copy.items.set(key, text);
      yield [`"${key}"`, copy];
    }
  }
}

Deno.test("repair() of a log damaged in many places shows nothing that was never so, and goes on", async () => {
  const first = Number(Deno.env.get("TEST_SEED") ?? Math.floor(Math.random() * 1e9));
  let repaired = 0;
  for (const kind of kinds) {
    const story = await tellOn(kind);
    for (let seed = first; seed < first + (kind.name.includes("plain") ? 3 : 30) * factor; seed++) {
      const choose = seeded(seed);
      let place = [story.open, story.closed][choose(2)]!;
      for (let i = 2 + choose(12); i > 0; i--) {
        const keys = [...choose(3) === 0 ? place.files.keys() : place.items.keys()];
        if (keys.length > 0) place = damage(place, keys[choose(keys.length)]!, choose).place;
      }
      try {
        await checkRepair(kind, copyOf(place), story, false);
        repaired++;
      } catch (error) {
        if (!isStateError(error, "STATE_NEWER_FORMAT")) {
          throw new Error(`TEST_SEED=${seed} ${kind.name}: ${(error as Error).message}`, { cause: error });
        }
      }
    }
  }
  console.log(`${repaired} repaired`);
});

/** The frames that stand in a place behind its last checkpoint, in order, with the commits whose records are in them. */
async function framesIn(
  place: Place,
): Promise<{ readonly key: string; readonly at: number; readonly length: number; readonly commits: number[] }[]> {
  const lines = [
    ...[...place.items].filter(([key]) => key.includes("!frame!")).map(([key, value]) => ({ key, at: 0, line: String(value) })),
    ...[...place.files].flatMap(([key, bytes]) => {
      let at = 0;
      return new TextDecoder().decode(bytes).split("\n").map((line) => ({ key, at: (at += line.length + 1) - line.length - 1, line }));
    }),
  ];
  const frames = [];
  for (const { key, at, line } of lines) {
    const frame = line.startsWith("F") ? await proveFrame(line, createSeal(createDigester())) : undefined;
    if (frame === undefined) continue;
    const commits = frame.ops.filter(([key, value]) => value !== undefined && key.includes("!log!")).map(([key]) =>
      Number(key.split("!")[2])
    );
    frames.push({ key, at, length: line.length, commits, number: frame.number });
  }
  const [newest = ""] = [...place.items.keys()].filter((key) => /!ckpt!\d+$/.test(key)).sort().reverse();
  const { frame } = JSON.parse(String(place.items.get(newest)).split("\n")[2]!) as { frame: number };
  return frames.filter(({ number }) => number > frame).sort((a, b) => a.number - b.number);
}

for (const kind of kinds.slice(0, 2)) {
  Deno.test(`repair() of a log ${kind.name} in which a frame is damaged loses no other commits than those in it`, async () => {
    const place: Place = { items: new Map(), files: new Map() };
    const state = await openState({ driver: kind.open(place), now: () => noon, random: quickRandom(1) });
    for (let i = 0; i < 4; i++) await state.save(StateScope.agent("a"), `k${i}`, `first ${i}`);
    const shows = await show(state);
    const open = copyOf(place);
    await state.close();
    const frames = await framesIn(open);
    assert.ok(frames.length >= 4, `${frames.length} frames`);
    let isLost = 0;
    for (const { key, at, length, commits } of frames.slice(0, -1)) {
      for (let bit = 0; bit < length; bit += 7) {
        const damaged = copyOf(open);
        const map: Map<string, string | Uint8Array> = damaged.files.has(key) ? damaged.files as never : damaged.items;
        map.set(key, flip(map.get(key)!, at + bit));
        const { lostCommits } = await repair(kind.open(damaged), { namespace });
        assert.deepEqual(lostCommits.filter((commit) => !commits.includes(commit)), [], `byte ${at + bit} of "${key}"`);
        const found = await seen(kind, damaged);
        // A row may prove itself where its record does not.
        assert.deepEqual(found.filter((line) => !shows.includes(line)), []);
        const left = shows.filter((line) => found.includes(line) || !lostCommits.includes(commitOf(line)));
        assert.deepEqual(found, left, `byte ${at + bit} of "${key}"`);
        isLost += shows.length - found.length;
      }
    }
    assert.ok(isLost > 0);
  });
}
