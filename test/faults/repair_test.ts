/**
 * Everything stored, damaged in turn and by chance: what still proves itself is kept, what was lost is said, and nothing that
 * was never so is shown.
 *
 * @module
 */
import assert from "node:assert/strict";
import { isStateError, repair } from "../../mod.ts";
import type { Driver } from "../../src/store/driver.ts";
import { decodeSegment } from "../../src/keys/segment.ts";
import { createFaults, type Fault } from "./faulty_driver.ts";
import { limitDriver } from "./limited_driver.ts";
import {
  commitOf,
  cutBehind,
  entryOf,
  flip,
  headIn,
  itemsOf,
  kindOf,
  shownBy,
  storeOf,
  type Story,
  storyAt,
  tellStory,
} from "./repair_story.ts";
import { seeded } from "./simulated_disk.ts";

const factor = Number(Deno.env.get("TEST_RUNS_FACTOR") ?? 1);
const namespace = "state";
const stores: readonly (readonly [name: string, wrap: (driver: Driver) => Driver])[] = [
  ["on memory", (driver) => driver],
  ["in small pieces", (driver) => limitDriver(driver)],
];
type Value = string | Uint8Array;

/** A damaged store, repaired: the report, and what it shows. */
interface Repaired {
  readonly driver: Driver;
  readonly kept: number;
  readonly lost: readonly number[];
  readonly shows: readonly string[];
}

async function repaired(items: ReadonlyMap<string, Value>, wrap: (driver: Driver) => Driver): Promise<Repaired> {
  const driver = wrap(await storeOf(items));
  const before = await itemsOf(driver);
  const dry = await repair(driver, { namespace, dryRun: true });
  assert.deepEqual(await itemsOf(driver), before, "dryRun writes nothing");
  const report = await repair(driver, { namespace });
  assert.deepEqual(report, dry, "dryRun says the same");
  const after = await itemsOf(driver);
  checkAsides(before, after);
  const again = await repair(driver, { namespace });
  assert.deepEqual(again.lostCommits, [], "a repaired store is whole");
  assert.deepEqual(await itemsOf(driver), after, "of a whole store nothing is changed");
  return { driver, kept: report.kept, lost: report.lostCommits, shows: await shownBy(driver) };
}

/** Nothing that was stored is deleted, but for what a commit would have replaced. */
function checkAsides(before: ReadonlyMap<string, Value>, after: ReadonlyMap<string, Value>): void {
  for (const [key, value] of after) if (kindOf(key) === "aside") assert.deepEqual(value, before.get(originOf(key)), key);
  const kept = new Set([...after].filter(([key]) => kindOf(key) === "aside").map(([key]) => originOf(key)));
  for (const [key, value] of before) {
    const isReplaced = ["exp", "gone", "cur"].includes(kindOf(key));
    if (!isReplaced && !after.has(key)) assert.ok(kept.has(key), `"${key}" is gone: ${String(value).slice(0, 40)}`);
  }
}

/** Whatever was damaged, and is not there any more, is set aside. */
async function checkKept(driver: Driver, damaged: ReadonlyMap<string, Value>, whole: ReadonlyMap<string, Value>): Promise<void> {
  const after = await itemsOf(driver);
  const aside = new Map([...after].filter(([key]) => kindOf(key) === "aside").map(([key, value]) => [originOf(key), value]));
  for (const [key, value] of damaged) {
    if (value === whole.get(key)) continue;
    const isThere = [after.get(key), aside.get(key)].some((other) => String(other) === String(value));
    assert.ok(isThere, `what stood under "${key}" is nowhere`);
  }
}

/** The key that something stood under: `state!aside!0002!cur!…` → `state!cur!…`. */
function originOf(key: string): string {
  const [root, , , ...rest] = key.split("!");
  return [root, ...rest].join("!");
}

/** Holds of every repair. */
function checkTruth({ shows, lost }: Repaired, story: Story): void {
  const gone = new Set(lost);
  for (const line of shows) assert.ok(story.ever.has(line), `was never so: ${line}`);
  for (const line of story.shows) if (!gone.has(commitOf(line))) assert.ok(shows.includes(line), `is lost, and not said so: ${line}`);
  const before = new Set(story.shows.map(entryOf));
  const risen = shows.filter((line) => !before.has(entryOf(line)));
  if (risen.length > 0) assert.ok(lost.length > 0, `was deleted, and is there: ${risen}`);
}

/** Some values in the place of one. */
function* damagesOf(
  key: string,
  items: ReadonlyMap<string, Value>,
  choose: (n: number) => number,
): Generator<[string, Map<string, Value>]> {
  const value = items.get(key)!;
  const replaced = (other: Value | undefined) => {
    const copy = new Map(items);
    if (other === undefined) copy.delete(key);
    else copy.set(key, other);
    return copy;
  };
  for (let i = 0; i < 2 * factor; i++) yield ["flipped", replaced(flip(value, choose(1e6)))];
  yield ["cut", replaced(value.slice(0, choose(value.length)))];
  yield ["empty", replaced(typeof value === "string" ? "" : new Uint8Array())];
  yield ["dropped", replaced(undefined)];
  const others = [...items.keys()].filter((other) => other !== key && kindOf(other) === kindOf(key));
  if (others.length === 0) return;
  const other = others[choose(others.length)]!;
  yield ["swapped", replaced(items.get(other)!).set(other, value)];
  yield ["overwritten", replaced(items.get(other)!)];
}

/** Of which commits something must be lost when one object is damaged; `undefined`: it depends. */
function lossOf(key: string, how: string, story: Story): number[] | undefined {
  const kind = kindOf(key);
  if (kind === "log" && how !== "swapped") {
    const first = Number(key.split("!")[2]);
    const next = [...story.items.keys()].filter((other) => kindOf(other) === "log" && other > key).sort()[0];
    const end = next === undefined ? story.commits + 1 : Number(next.split("!")[2]);
    return Array.from({ length: end - first }, (_, i) => first + i);
  }
  return kind === "obj" ? undefined : [];
}

for (const [name, wrap] of stores) {
  Deno.test(`repair() of a store ${name} in which nothing is wrong changes nothing, whichever batch was the last`, async () => {
    const moments: ReadonlyMap<string, Value>[] = [];
    await tellStory(wrap, (items) => moments.push(items));
    let isPending = 0;
    for (const items of moments) {
      const driver = wrap(await storeOf(items));
      const { commit, applied } = headIn(items)!;
      assert.deepEqual(await repair(driver, { namespace }), { kept: commit, lostCommits: [] });
      assert.deepEqual(await itemsOf(driver), items);
      if (commit !== applied) isPending++;
    }
    console.log(`${moments.length} moments, in ${isPending} of them a commit was half brought in`);
    assert.equal(isPending > 0, name === "in small pieces");
  });

  Deno.test(`repair() of a store ${name} in which any one object is damaged keeps the rest, and says what was lost`, async () => {
    const moments: ReadonlyMap<string, Value>[] = [];
    const whole = await tellStory(wrap, (items) => moments.push(items));
    const pending = moments.filter((items) => headIn(items)!.applied !== headIn(items)!.commit);
    const stories = [whole];
    for (const items of pending.slice(3, 3 + factor)) stories.push(await storyAt(items, whole, wrap));
    const seed = Number(Deno.env.get("TEST_SEED") ?? Math.floor(Math.random() * 1e9));
    const choose = seeded(seed);
    const count: Record<string, number> = {};
    for (const [story, key] of stories.flatMap((story) => [...story.items.keys()].map((key) => [story, key] as const))) {
      for (const [how, items] of damagesOf(key, story.items, choose)) {
        try {
          const result = await repaired(items, wrap).catch((error) => {
            // A head whose version says that it is newer may be just that.
            if (isStateError(error, "STATE_NEWER_FORMAT") && kindOf(key) === "head") return undefined;
            throw error;
          });
          if (result === undefined) continue;
          checkTruth(result, story);
          await checkKept(result.driver, items, story.items);
          const expected = items.get(key) === story.items.get(key) ? [] : lossOf(key, how, story);
          if (expected !== undefined) assert.deepEqual(result.lost, expected);
          else assert.ok(result.lost.length <= 2, "one object is of one commit");
          // The rows of a commit that was half brought in are in the objects that its record names.
          const { applied } = headIn(story.items)! as { applied: number };
          if (kindOf(key) !== "obj" && !result.lost.some((commit) => commit > applied)) assert.deepEqual(result.shows, story.shows);
          count[how] = (count[how] ?? 0) + 1;
        } catch (error) {
          throw new Error(`TEST_SEED=${seed}: "${key}" ${how}: ${(error as Error).message}`, { cause: error });
        }
      }
    }
    console.log(`repaired: ${JSON.stringify(count)}`);
  });
}

Deno.test("repair() of a row whose record is cut off the log says that its commit is lost; a row in another's place is put back", async () => {
  const story = await tellStory((driver) => driver);
  const cut = await cutBehind(13, story.items);
  const shows = await shownBy(await storeOf(cut), true);
  const rows = [...cut.keys()].filter((key) => kindOf(key) === "cur");
  const old = shows.filter((line) => commitOf(line) <= 13);
  assert.ok(old.length > 10);
  const rowOf = (line: string) => rows.find((key) => entryAt(key) === entryOf(line))!;
  for (const line of old) {
    const key = rowOf(line);
    for (const wrong of [`${cut.get(key)} `, "", undefined]) {
      const items = new Map(cut);
      if (wrong === undefined) items.delete(key);
      else items.set(key, wrong);
      const result = await repaired(items, (driver) => driver);
      assert.deepEqual(result.shows, shows.filter((other) => other !== line));
      // Where nothing is left that says so, nobody can know.
      assert.deepEqual(result.lost, wrong ? [commitOf(line)] : []);
    }
    const other = rowOf(old[(old.indexOf(line) + 5) % old.length]!);
    const swapped = new Map(cut).set(key, cut.get(other)!).set(other, cut.get(key)!);
    const result = await repaired(swapped, (driver) => driver);
    assert.deepEqual([result.shows, result.lost], [shows, []]);
  }
});

Deno.test("repair() of a store damaged in many places shows nothing that was never so, and says what it does not show", async () => {
  const first = Number(Deno.env.get("TEST_SEED") ?? Math.floor(Math.random() * 1e9));
  for (const [name, wrap] of stores) {
    const moments: ReadonlyMap<string, Value>[] = [];
    const whole = await tellStory(wrap, (items) => moments.push(items));
    for (let seed = first; seed < first + 60 * factor; seed++) {
      const choose = seeded(seed);
      const origin = choose(3) > 0 ? whole.items : moments[choose(moments.length)]!;
      const horizon = choose(3) === 0 ? choose(Math.max(1, (headIn(origin)!.commit as number) - 1)) : 0;
      const story = await storyAt(await cutBehind(horizon, origin), whole, wrap);
      let items = story.items;
      for (let i = 2 + choose(5); i > 0 && items.size > 0; i--) {
        const key = [...items.keys()][choose(items.size)]!;
        const damages = [...damagesOf(key, items, choose)];
        items = damages[choose(damages.length)]![1];
      }
      try {
        const result = await repaired(items, wrap).catch((error) => {
          if (isStateError(error, "STATE_NEWER_FORMAT") && items.get("state!head") !== story.items.get("state!head")) return undefined;
          throw error;
        });
        if (result === undefined) continue;
        for (const line of result.shows) assert.ok(story.ever.has(line), `was never so: ${line}`);
        for (const line of story.shows) {
          if (isUntouched(line, story.items, items)) assert.ok(result.shows.includes(line), `is lost: ${line}`);
        }
      } catch (error) {
        throw new Error(`TEST_SEED=${seed} ${name}: ${(error as Error).message}`, { cause: error });
      }
    }
  }
});

Deno.test("repair() cut off at any call, and run again, comes to the same end", async () => {
  for (const [name, wrap] of stores) {
    const moments: ReadonlyMap<string, Value>[] = [];
    const whole = await tellStory(wrap, (items) => moments.push(items));
    const pending = moments.filter((items) => headIn(items)!.applied !== headIn(items)!.commit)[3] ?? whole.items;
    const cut = await cutBehind(13, whole.items);
    for (const [what, items] of [["whole", await cutBehind(4, whole.items)], ["cut", cut], ["pending", pending]] as const) {
      // One of each kind, so that every way to mend is taken.
      let damaged = new Map(items);
      const kinds = ["cur", "gone", "log", "obj", "exp", ...(what === "pending" ? ["stage"] : ["head"])];
      for (const kind of kinds) {
        const keys = [...items.keys()].filter((key) => kindOf(key) === kind);
        const key = keys[keys.length >> 1];
        if (key !== undefined) damaged.set(key, flip(items.get(key)!, 90 + kind.length));
      }
      const rows = [...items.keys()].filter((key) => kindOf(key) === "cur");
      const [a = "", b = ""] = rows;
      if (what === "cut") {
        // One that no record speaks of any more: it is set aside, and from then on only that says which commit is lost.
        const commitIn = (key: string) => Number(/^R1\n\[(\d+)/.exec(String(items.get(key)))?.[1]);
        const old = rows.slice(2).find((key) => !key.includes("!op!") && commitIn(key) <= 13 && damaged.get(key) === items.get(key))!;
        damaged.set(old, `${items.get(old)} `);
      }
      damaged = damaged.set(a, items.get(b)!).set(b, items.get(a)!);
      const { kept, lost, shows } = await repaired(damaged, wrap);
      assert.ok(lost.length > 0);
      for (const fault of ["reject", "refuse", "lose", "repeat"] as const satisfies readonly Fault[]) {
        for (const isDead of [true, false]) {
          for (let n = 1;; n++) {
            const label = `${name}, ${what}: ${fault} at call ${n}${isDead ? ", then dead" : ""}`;
            const driver = wrap(await storeOf(damaged));
            const faults = createFaults(driver);
            faults.arm(n, fault, isDead);
            const report = await repair(faults.driver, { namespace }).catch((error) => {
              assert.ok(isStateError(error, "STATE_DRIVER"), `${label}: ${error}`);
            });
            const { hasStruck } = faults;
            faults.revive();
            // Where only the last answer was lost, all is done; only nobody was told.
            const isDone = report === undefined && headIn(await itemsOf(driver))?.epoch === 2 && !headIn(await itemsOf(driver))?.repairing;
            const end = report ?? await repair(driver, { namespace });
            assert.deepEqual(end, isDone ? { ...end, lostCommits: [] } : { kept, lostCommits: lost }, label);
            assert.deepEqual(await shownBy(driver), shows, label);
            assert.deepEqual((await repair(driver, { namespace })).lostCommits, [], label);
            if (!hasStruck) break;
          }
        }
      }
    }
  }
});

/** Whether the row that a line is of, and the object that it names, stand as they did. */
function isUntouched(line: string, before: ReadonlyMap<string, Value>, after: ReadonlyMap<string, Value>): boolean {
  const key = [...before.keys()].find((key) => kindOf(key) === "cur" && entryAt(key) === entryOf(line));
  const row = key === undefined ? undefined : before.get(key);
  // Of a commit that was half brought in it may be an older one.
  if (row === undefined || after.get(key!) !== row || !String(row).startsWith(`R1\n[${commitOf(line)},`)) return false;
  const [, name] = /\["([0-9a-f]{16}[0-9a-z]*-[0-9a-f]{64})",/.exec(String(row)) ?? [];
  return name === undefined || [...before].every(([key, value]) => !key.includes(name) || after.get(key) === value);
}

/** The entry that a row's key is about, as a line names it. */
function entryAt(key: string): string {
  const segments = key.split("!").slice(2).map((segment) => decodeSegment(segment)!);
  const scope = segments.slice(0, -1).join(":");
  return `${scope} "${segments.at(-1)}`;
}
