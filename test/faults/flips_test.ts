/**
 * Every single bit of everything stored, flipped: found, or shown to change nothing.
 *
 * @module
 */
import assert from "node:assert/strict";
import { memory } from "../../adapters/memory.ts";
import { isStateError, openState, StateScope } from "../../mod.ts";
import type { Driver } from "../../src/store/driver.ts";
import golden from "../golden/format_1.json" with { type: "json" };
import { dump, fixed, load, show } from "../golden/story.ts";

const codes = ["STATE_CORRUPT", "STATE_NEWER_FORMAT"] as const;

/** Reads and writes all there is; what it saw, or the error that it met. */
async function useAll(driver: Driver): Promise<string> {
  // A day later: operation ids and leases are still remembered.
  const state = await openState({ driver, now: () => Date.UTC(2026, 0, 2), random: fixed().random });
  try {
    const seen = await show(state);
    // What is left of the deleted key, the operation id and the lease are read by those who write.
    const { revision } = await state.save(StateScope.agent("gpt-4"), "deleted", 2);
    const again = await state.increment(StateScope.global, "count", 5, { operationId: "op-1" });
    const attempt = await state.once(StateScope.session("s1"), "left", ({ id, number }) => `${id} ${number}`);
    await state.delete(StateScope.session("s1"), "job");
    const anew = await state.once(StateScope.session("s1"), "job", ({ number }) => number);
    return [...seen, revision, again, attempt, anew].join("\n");
  } finally {
    await state.close();
  }
}

async function outcomeOf(items: Readonly<Record<string, string>>, key: string, value: string | undefined): Promise<string> {
  const driver = memory();
  const { [key]: _, ...others } = items;
  await load(driver, value === undefined ? others : { ...others, [key]: value });
  try {
    return await useAll(driver);
  } catch (error) {
    if (!isStateError(error, ...codes)) throw new Error(`"${key}": ${error}`, { cause: error });
    return error.code;
  }
}

/** What is stored under a key, as the kind that its first segment says. */
const kindOf = (key: string) => key.split("!")[1] ?? "";

/** All values that differ from this one in one bit. */
function* flips(value: string): Generator<string> {
  const bytes = value.startsWith(":")
    ? Uint8Array.from(atob(value.slice(1)), (character) => character.charCodeAt(0))
    : new TextEncoder().encode(value);
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const flipped = Uint8Array.from(bytes);
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    yield value.startsWith(":") ? `:${btoa(String.fromCharCode(...flipped))}` : new TextDecoder().decode(flipped);
  }
}

/** Every so many bits are flipped, fewer of a long value; by night all of a short one. */
const factor = Number(Deno.env.get("TEST_RUNS_FACTOR") ?? 1);
const STRIDES = { short: Math.max(1, Math.floor(19 / factor)), long: Math.max(7, Math.floor(331 / factor)) };

for (const [name, { items }] of Object.entries(golden) as [string, { items: Record<string, string> }][]) {
  Deno.test(`a flipped bit is found wherever it is read: ${name}`, async () => {
    const driver = memory();
    await load(driver, items);
    const whole = await useAll(driver);
    const found: Record<string, number> = {};
    const harmless: Record<string, number> = {};
    const newest = Object.keys(items).filter((key) => kindOf(key) === "log").at(-1);
    for (const [key, value] of Object.entries(items)) {
      let n = 0;
      // Old records are read by nobody here: a few bits of each show that.
      const stride = value.length > 500 || (kindOf(key) === "log" && key !== newest) ? STRIDES.long : STRIDES.short;
      for (const flipped of flips(value)) {
        if (n++ % stride !== 0 || flipped === value) continue;
        const outcome = await outcomeOf(items, key, flipped);
        const kind = kindOf(key);
        if (outcome === whole) {
          assert.notEqual(key, newest, "the newest record is proven on opening");
          harmless[kind] = (harmless[kind] ?? 0) + 1;
        } else {
          assert.ok((codes as readonly string[]).includes(outcome), `"${key}": a wrong answer:\n${outcome}`);
          found[kind] = (found[kind] ?? 0) + 1;
        }
      }
    }
    console.log(`found: ${JSON.stringify(found)}, harmless because nobody read it: ${JSON.stringify(harmless)}`);
    // Old records are read by who catches up and by who removes them; the expiry index is checked against the rows.
    assert.deepEqual(Object.keys(harmless).filter((kind) => kind !== "log" && kind !== "exp"), []);
  });

  Deno.test(`what is cut short, missing or swapped is found, or was not read: ${name}`, async () => {
    const driver = memory();
    await load(driver, items);
    const whole = await useAll(driver);
    for (const [key, value] of Object.entries(items)) {
      const cut = value.startsWith(":") ? `:${btoa(atob(value.slice(1)).slice(0, -1))}` : value.slice(0, -1);
      for (const wrong of [cut, items["state!head"]!]) {
        if (wrong === value) continue;
        const outcome = await outcomeOf(items, key, wrong);
        const isUnread = outcome === whole && (kindOf(key) === "log" || kindOf(key) === "exp");
        assert.ok(isUnread || (codes as readonly string[]).includes(outcome), `"${key}": ${outcome}`);
      }
      // A row that is gone is not missed unless the newest record names it; anything else is.
      if (["head", "obj"].includes(kindOf(key))) {
        assert.ok((codes as readonly string[]).includes(await outcomeOf(items, key, undefined)), `"${key}" is not missed`);
      }
    }
    const rows = Object.keys(items).filter((key) => kindOf(key) === "cur");
    const [a = "", b = ""] = rows;
    assert.equal(await outcomeOf({ ...items, [a]: items[b]! }, b, items[a]), "STATE_CORRUPT");
  });
}

Deno.test("a flipped bit in an old record is found by a reader that catches up", async () => {
  const driver = memory();
  const reader = await openState({ driver });
  const writer = await openState({ driver });
  for (let i = 0; i < 3; i++) await writer.save(StateScope.global, `k${i}`, { i, text: "text".repeat(10) });
  const items = await dump(driver);
  await reader.close();
  await writer.close();
  let found = 0;
  // One that another one follows, and the newest, which the head names.
  const [, second = "", third = ""] = Object.keys(items).filter((key) => kindOf(key) === "log");
  const wrong = [second, third].flatMap((key) => [...flips(items[key]!)].map((flipped) => [key, flipped] as const));
  for (const [key, flipped] of wrong) {
    if (flipped === items[key]) continue;
    const copy = memory();
    const head = Object.fromEntries(Object.entries(items).filter(([key]) => kindOf(key) === "head"));
    const late = await openState({ driver: copy });
    await late.close();
    // A reader that knows the namespace from its beginning, and then sees all of it at once.
    await load(copy, { ...items, [key]: flipped, "state!head": head["state!head"]! });
    const state = await openState({ driver: behind(copy, items) });
    try {
      await state.load(StateScope.global, "k0");
      await state.load(StateScope.global, "k0");
      assert.fail("it was not found");
    } catch (error) {
      assert.ok(isStateError(error, ...codes), String(error));
      found++;
    } finally {
      await state.close().catch(() => {});
    }
  }
  console.log(`found: ${found}`);
});

/** A driver that shows the first commit alone until the state is open, and then everything. */
function behind(driver: Driver, items: Readonly<Record<string, string>>): Driver {
  const [first = ""] = Object.keys(items).filter((key) => kindOf(key) === "log");
  const [, , , prev = ""] = JSON.parse(items[Object.keys(items).filter((key) => kindOf(key) === "log")[1]!]!.split("\n")[1]!) as string[];
  let old: string | undefined;
  let calls = 0;
  const record = items[first]!;
  return {
    ...driver,
    getMany: async (keys) => {
      const values = await driver.getMany!(keys);
      if (++calls > 3) return values;
      old ??= await headAt(items["state!head"]!, record, prev);
      return values.map((value, i) => keys[i] === "state!head" ? old : value);
    },
    dispose: () => {},
  };
}

/** The head as it was when the first commit was the newest. */
async function headAt(text: string, record: string, digest: string): Promise<string> {
  const head = JSON.parse(text.split("\n")[2]!) as Record<string, unknown>;
  const [, , at] = JSON.parse(record.split("\n")[1]!) as [number, number, number];
  const json = JSON.stringify({ ...head, commit: 1, first: 1, applied: 1, digest, at });
  const seal = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(json)));
  const base64url = btoa(String.fromCharCode(...seal)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  return `H1\n${base64url}\n${json}`;
}
