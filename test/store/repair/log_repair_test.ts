/** Repairing a log while others have it open, and cut off at any call. */
import assert from "node:assert/strict";
import { dropNamespace, isStateError, listNamespaces, openState, repair, type StateManager, StateScope } from "../../../mod.ts";
import { StateError } from "../../../src/errors.ts";
import type { Driver } from "../../../src/store/driver.ts";
import { noon, quickRandom } from "../../faults/fixture.ts";
import { contentsOf, copyOf, goneOn, kinds, type LogKind, type Place, tellOn } from "../../faults/log_damage.ts";
import { flip, text } from "../../faults/repair_story.ts";
import { show } from "../../golden/story.ts";

const namespace = "state";
const scope = StateScope.agent("a");
const shared = kinds.filter(({ name }) => name === "in segments" || name === "in objects");
const empty = (): Place => ({ items: new Map(), files: new Map() });

/** Changes what stands under a key. */
function change(place: Place, key: string, to: (value: string | Uint8Array) => string | Uint8Array | undefined): void {
  const map: Map<string, string | Uint8Array> = place.files.has(key) ? place.files as never : place.items;
  const value = to(map.get(key)!);
  if (value === undefined) map.delete(key);
  else map.set(key, value);
}

/** Damages the n-th frame from the end, which stands behind the last checkpoint. */
function damageFrame(place: Place, fromEnd: number): void {
  const objects = [...place.items.keys()].filter((key) => key.includes("!frame!")).sort();
  if (objects.length > 0) return change(place, objects.at(-1 - fromEnd)!, (value) => flip(value, 60));
  const [key = ""] = [...place.files.keys()].sort().reverse();
  change(place, key, (bytes) => {
    const lines = new TextDecoder().decode(bytes as Uint8Array).split("\n");
    const frames = lines.map((line, i) => line.startsWith("F") ? i : -1).filter((i) => i >= 0);
    const at = frames.at(-1 - fromEnd)!;
    lines[at] = String(flip(lines[at]!, 60));
    return new TextEncoder().encode(lines.join("\n"));
  });
}

/** Damages a page of the newest run. */
function damagePage(place: Place): void {
  const pages = [...place.items.keys()].filter((key) => key.includes("!run!") && String(place.items.get(key)).startsWith("P1"));
  for (const page of pages) change(place, page, (value) => flip(value, 200));
}

async function closedTo(state: StateManager): Promise<void> {
  await assert.rejects(() => state.save(scope, "late", 1), { code: "STATE_CLOSED" });
  await assert.rejects(() => state.load(scope, "k1"), { code: "STATE_CLOSED" });
}

for (const kind of kinds) {
  const isPlain = kind.name.includes("plain");

  Deno.test(`repair() of a namespace on a log ${kind.name} that is not there, or that was dropped, is nothing, and makes nothing`, async () => {
    const place = empty();
    assert.deepEqual(await repair(kind.open(place), { namespace }), { kept: 0, lostCommits: [] });
    assert.deepEqual(contentsOf(place), []);
    const state = await openState({ driver: kind.open(place) });
    await state.save(scope, "k", 1);
    await state.close();
    await dropNamespace(kind.open(place), namespace);
    const left = contentsOf(place);
    assert.deepEqual(await repair(kind.open(place), { namespace }), { kept: 0, lostCommits: [] });
    assert.deepEqual(contentsOf(place), left);
  });

  Deno.test(`repair() of a log ${kind.name} that lost all its checkpoints finds what its pages and frames still say`, async () => {
    const story = await tellOn(kind);
    for (const place of [story.open, story.closed]) {
      for (const key of place.items.keys()) if (key.includes("!ckpt!")) change(place, key, (value) => flip(value, 300));
      await assert.rejects(() => openState({ driver: kind.open(copyOf(place)) }), { code: "STATE_CORRUPT" });
      const { lostCommits } = await repair(kind.open(place), { namespace });
      assert.deepEqual(lostCommits, []);
      const state = await openState({ driver: kind.open(place), now: () => noon, random: quickRandom(1) });
      assert.deepEqual(await show(state), story.shows);
      const { bytes } = await state.inspect();
      assert.ok(bytes.setAside > 300);
      await state.close();
      await dropNamespace(kind.open(place), namespace);
      assert.deepEqual(contentsOf(place).map(([key]) => key).filter((key) => !/!(?:ckpt|seg)!|frame!0*[1-9]\d+$/.test(key)), []);
    }
  });

  Deno.test(`repair() of a log ${kind.name} that was cut off at any call, and run again, comes to the same end`, async () => {
    const { place: open } = await goneOn(kind, (await tellOn(kind, 6)).closed);
    damageFrame(open, 2);
    damagePage(open);
    change(open, [...open.items.keys()].filter((key) => key.includes("!ckpt!")).sort().at(-1)!, (value) => flip(value, 300));
    const whole = copyOf(open);
    const report = await repair(kind.open(whole), { namespace });
    const shows = await shownBy(kind, whole);
    for (const fault of ["reject", "refuse", "lose"] as const) {
      for (let n = 1;; n += isPlain ? 29 : 1) {
        const place = copyOf(open);
        const dying = dyingDriver(kind.open(place), n, fault);
        const first = await repair(dying.driver, { namespace }).catch((error) => {
          assert.ok(isStateError(error, "STATE_DRIVER"), `${fault} at call ${n}: ${error.stack}`);
        });
        place.items.delete("state!lease");
        const isDone = first === undefined && await opens(kind, place);
        const end = first ?? await repair(kind.open(place), { namespace });
        if (!isDone) assert.deepEqual(end, report, `${fault} at call ${n}`);
        assert.deepEqual(await shownBy(kind, place), shows, `${fault} at call ${n}`);
        if (!dying.hasDied()) break;
      }
    }
  });
}

for (const kind of shared) {
  Deno.test(`repair() of a log ${kind.name} closes the state of whoever has it open, and loses nothing that was acknowledged before`, async () => {
    for (const damage of [(place: Place) => damageFrame(place, 1), damagePage]) {
      const place = empty();
      const writer = await openState({ driver: kind.open(place, damage === damagePage ? undefined : {}) });
      const reader = await openState({ driver: kind.open(place) });
      for (let i = 0; i < 30; i++) await writer.save(scope, `k${i}`, text(200, i));
      await reader.load(scope, "k1");
      damage(place);
      const { lostCommits } = await repair(kind.open(place), { namespace });
      await closedTo(writer);
      await closedTo(reader);
      const fresh = await openState({ driver: kind.open(place) });
      for (let i = 0; i < 30; i++) {
        const value = await fresh.load(scope, `k${i}`);
        if (!lostCommits.includes(i + 1)) assert.equal(value, text(200, i), `k${i} of commit ${i + 1}`);
      }
      // What the old states still do changes nothing.
      await writer.close();
      await reader.close();
      assert.equal((await fresh.save(scope, "more", 1)).commit, 32);
      await fresh.close();
      assert.deepEqual((await repair(kind.open(place), { namespace })).lostCommits, []);
    }
  });

  Deno.test(`a writer on a log ${kind.name} whose last frame is lost to everybody else is stopped by a repair`, async () => {
    const place = empty();
    const writer = await openState({ driver: kind.open(place, {}) });
    for (let i = 0; i < 5; i++) await writer.save(scope, `k${i}`, i);
    damageFrame(place, 0);
    damageFrame(place, 2);
    await repair(kind.open(place), { namespace });
    await assert.rejects(() => writer.save(scope, "late", 1), { code: "STATE_CLOSED" });
    const fresh = await openState({ driver: kind.open(place) });
    assert.equal(await fresh.load(scope, "late"), undefined);
    await fresh.save(scope, "late", 2);
    await assert.rejects(() => writer.load(scope, "late"), { code: "STATE_CLOSED" });
    await writer.close();
    assert.equal(await fresh.load(scope, "late"), 2);
    await fresh.close();
  });

  Deno.test(`repair() of a log ${kind.name} that others write all the time, and in which nothing is wrong, disturbs nobody`, async () => {
    const place = empty();
    const state = await openState({ driver: kind.open(place) });
    let isOver = false;
    const writing = (async () => {
      for (let i = 0; !isOver; i++) {
        await state.save(scope, `k${i % 50}`, text(2000, i));
        if (i % 5 === 0) await state.transaction((tx) => Promise.all(Array.from({ length: 30 }, (_, k) => tx.save(scope, `t${k}`, i))));
        await new Promise((resolve) => setTimeout(resolve));
      }
    })();
    for (let i = 0; i < 10; i++) assert.deepEqual((await repair(kind.open(place), { namespace })).lostCommits, []);
    isOver = true;
    await writing;
    await state.close();
  });

  Deno.test(`two calls of repair() at once mend one log ${kind.name}`, async () => {
    const story = await goneOn(kind, (await tellOn(kind)).closed);
    for (let round = 0; round < 3; round++) {
      const place = copyOf(story.place);
      damageFrame(place, 2);
      damagePage(place);
      const reports = await Promise.all([0, round].map((ms) => repair(slowly(kind.open(place), ms), { namespace })));
      const [least] = [...reports].sort((a, b) => b.lostCommits.length - a.lostCommits.length);
      for (const line of story.shows) {
        const shown = (await shownBy(kind, place)).includes(line);
        if (!least!.lostCommits.includes(Number(/ c(\d+) /.exec(line)![1]))) assert.ok(shown, line);
      }
      assert.deepEqual((await repair(kind.open(place), { namespace })).lostCommits, []);
    }
  });
}

Deno.test("repair() keeps a commit whose record a damaged frame that still gives it holds", async () => {
  for (const kind of shared) {
    const { place, shows } = await goneOn(kind, empty());
    // The frame's own digest, and nothing else of it.
    const broken = (value: string | Uint8Array) => {
      const text = typeof value === "string" ? value : new TextDecoder().decode(value);
      const at = [...text.matchAll(/F1\t/g)].at(-3)?.index ?? 0;
      return flip(value, at + 7);
    };
    const [key = ""] = [
      ...place.files.keys(),
      ...[...place.items.keys()].filter((key) => key.includes("!frame!")).sort().reverse().slice(2),
    ];
    change(place, key, broken);
    await assert.rejects(() => shownBy(kind, place), { code: "STATE_CORRUPT" });
    assert.deepEqual(await repair(kind.open(place), { namespace }), { kept: 6, lostCommits: [] });
    assert.deepEqual(await shownBy(kind, place), shows);
  }
});

Deno.test("repair() of a log whose segment does not begin as one any more loses nothing", async () => {
  const [kind] = kinds as [LogKind];
  const { place, shows } = await goneOn(kind, empty());
  const [key = ""] = [...place.files.keys()];
  for (const at of [0, 1, 2, 4]) {
    const damaged = copyOf(place);
    change(damaged, key, (bytes) => (bytes as Uint8Array).map((byte, i) => i === at ? byte ^ 8 : byte));
    await assert.rejects(() => shownBy(kind, damaged), { name: "StateError" });
    assert.deepEqual(await repair(kind.open(damaged), { namespace }), { kept: 6, lostCommits: [] });
    assert.deepEqual(await shownBy(kind, damaged), shows);
  }
});

Deno.test("repair() of one namespace on a log leaves the others", async () => {
  for (const kind of kinds) {
    const place = empty();
    const driver = kind.open(place);
    for (const namespace of ["state", "state2", "stat", "n".repeat(300)]) {
      const state = await openState({ driver: kind.open(place), namespace });
      for (let i = 0; i < 5; i++) await state.save(scope, `k${i}`, i);
      await state.close();
    }
    const others = () => contentsOf(place).filter(([key]) => !key.startsWith("state!"));
    const before = others();
    damagePage({ items: new Map([...place.items].filter(([key]) => key.startsWith("state!"))), files: new Map() });
    for (const key of place.items.keys()) if (key.startsWith("state!run!")) change(place, key, (value) => flip(value, 200));
    await repair(driver, { namespace });
    assert.deepEqual(others(), before);
    for (const key of place.items.keys()) {
      if (key.startsWith("nnn") && key.includes("!run!")) {
        change(place, key, (value) => flip(value, 200));
      }
    }
    const long = "n".repeat(300);
    await assert.rejects(async () => {
      await using state = await openState({ driver: kind.open(place), namespace: long });
      await state.keys(scope).toArray();
    }, { code: "STATE_CORRUPT" });
    await repair(kind.open(place), { namespace: long });
    const state = await openState({ driver: kind.open(place), namespace: long });
    assert.ok((await state.keys(scope).toArray()).length >= 4);
    await state.close();
    assert.deepEqual((await Array.fromAsync(listNamespaces(kind.open(place)))).sort(), [long, "stat", "state", "state2"]);
  }
});

async function shownBy(kind: LogKind, place: Place): Promise<string[]> {
  const state = await openState({ driver: kind.open(copyOf(place)), now: () => noon, random: quickRandom(1) });
  try {
    return await show(state);
  } finally {
    await state.close();
  }
}

async function opens(kind: LogKind, place: Place): Promise<boolean> {
  return await shownBy(kind, place).then(() => true, () => false);
}

/** A driver whose n-th call goes wrong, and every one after it. */
function dyingDriver(driver: Driver, n: number, fault: "reject" | "refuse" | "lose"): { readonly driver: Driver; hasDied(): boolean } {
  let calls = 0;
  const through = <A extends unknown[], R>(call: (...args: A) => R) => async (...args: A): Promise<Awaited<R>> => {
    if (++calls < n) return await call(...args);
    if (calls === n && fault === "lose") await call(...args);
    throw fault === "refuse" ? new StateError("STATE_DRIVER", "Cannot reach it: it is gone", { details: {} }) : new Error("it is gone");
  };
  return { driver: wrapped(driver, through), hasDied: () => calls >= n };
}

/** A driver that takes its time. */
function slowly(driver: Driver, ms: number): Driver {
  const late = <A extends unknown[], R>(call: (...args: A) => R) => async (...args: A): Promise<Awaited<R>> => {
    if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms));
    return await call(...args);
  };
  return wrapped(driver, late);
}

function wrapped(
  driver: Driver,
  through: <A extends unknown[], R>(call: (...args: A) => R) => (...args: A) => Promise<Awaited<R>>,
): Driver {
  const { segments } = driver;
  return {
    ...driver,
    getItem: through(driver.getItem),
    getKeys: through(driver.getKeys),
    ...driver.setItem && { setItem: through(driver.setItem) },
    ...driver.removeItem && { removeItem: through(driver.removeItem) },
    ...driver.list && { list: through(driver.list) },
    ...driver.create && { create: through(driver.create) },
    ...segments && {
      segments: {
        create: through(segments.create),
        append: through(segments.append),
        read: through(segments.read),
        sync: through(segments.sync),
        remove: through(segments.remove),
      },
    },
  };
}
