/**
 * A small store with something of everything in it, all that was ever true of its entries, and damage.
 *
 * @module
 */
import assert from "node:assert/strict";
import { memory } from "../../adapters/memory.ts";
import { openState, type StateManager, StateScope } from "../../mod.ts";
import { createDigester } from "../../src/digest.ts";
import type { Driver } from "../../src/store/driver.ts";
import { formatHead, type Head } from "../../src/store/head.ts";
import { objectKeys } from "../../src/store/objects.ts";
import { createPaths } from "../../src/store/paths.ts";
import { parseRecord } from "../../src/store/record.ts";
import { createSeal } from "../../src/store/seal.ts";
import { show } from "../golden/story.ts";
import { noon, quickRandom } from "./fixture.ts";

const { agent, global, user } = StateScope;

/** Text of some length that does not repeat. */
export const text = (length: number, from = 0): string =>
  Array.from({ length }, (_, i) => String.fromCharCode(97 + (i * i + from) % 26)).join("");

/** What is done, one commit or a few each. */
export const steps: readonly ((state: StateManager) => Promise<unknown>)[] = [
  (state) => state.save(agent("a"), "k", "one"),
  (state) => state.save(agent("a"), "long", text(9000)),
  (state) => state.save(agent("a"), "k", new Map([["two", 2]])),
  (state) => state.save(global, "gone", 1),
  (state) => state.save(agent("a"), "long", text(9000, 7)),
  (state) => state.delete(global, "gone"),
  (state) => state.save(global, "short-lived", 1, { expiresInMs: 1000 }),
  (state) => state.save(global, "long-lived", 1, { expiresInMs: 1e12 }),
  (state) =>
    state.transaction(async (tx) => {
      for (let i = 0; i < 12; i++) await tx.save(agent("b"), `k${i}`, text(300, i));
      await tx.save(user("é:!"), "x", "of the transaction");
    }),
  (state) => state.increment(global, "n", 5, { operationId: "o1" }),
  (state) => state.save(agent("a"), "archive:x", text(9000, 3)),
  (state) => state.copy(agent("b"), agent("c")),
  (state) => state.clear(agent("b")),
  (state) => state.save(agent("b"), "k1", "again"),
  (state) => state.once(agent("a"), "job", () => "done"),
  (state) => state.save(agent("a"), "k", "three"),
  (state) => state.save(user("u"), "last", text(5000, 9)),
];

/** A store, and what is known of it. */
export interface Story {
  readonly items: ReadonlyMap<string, string | Uint8Array>;
  /** What a state shows of it, a line an entry. */
  readonly shows: readonly string[];
  /** Every line that a state ever showed. */
  readonly ever: ReadonlySet<string>;
  readonly commits: number;
}

/** Writes the store. `batch` is called after every batch with all that is stored. */
export async function tellStory(
  wrap: (driver: Driver) => Driver,
  batch: (items: ReadonlyMap<string, string | Uint8Array>) => void = () => {},
): Promise<Story> {
  const below = memory();
  const driver: Driver = {
    ...below,
    commit: async (wanted) => {
      const written = await below.commit!(wanted);
      batch(await itemsOf(below));
      return written;
    },
  };
  const state = await openState({ driver: wrap(driver), now: () => noon, random: quickRandom(1) });
  const ever = new Set<string>();
  for (const step of steps) {
    await step(state);
    for (const line of await show(state)) ever.add(line);
  }
  const shows = await show(state);
  const { commit } = await state.inspect();
  await state.close();
  return { items: await itemsOf(below), shows, ever, commits: commit };
}

/** The store as it was at some moment: what a crash then would have left. */
export async function storyAt(
  items: ReadonlyMap<string, string | Uint8Array>,
  story: Story,
  wrap: (driver: Driver) => Driver,
): Promise<Story> {
  const shows = await shownBy(wrap(await storeOf(items)), true);
  return { items, shows, ever: story.ever, commits: (headIn(items)?.commit ?? 0) as number };
}

/** The head among what is stored. */
export function headIn(items: ReadonlyMap<string, string | Uint8Array>): Record<string, unknown> | undefined {
  const stored = items.get("state!head");
  return stored === undefined ? undefined : JSON.parse(String(stored).split("\n")[2]!);
}

/** Everything in a driver that commits natively. */
export async function itemsOf(driver: Driver): Promise<Map<string, string | Uint8Array>> {
  const items = await driver.list!({ prefix: "", limit: 1e6, values: true });
  return new Map(items.map(({ key, value }) => [key, value!]));
}

/** A store in memory that holds this. */
export async function storeOf(items: ReadonlyMap<string, string | Uint8Array>): Promise<Driver> {
  const driver = memory();
  await driver.commit!({ checks: [], set: [...items], remove: [], durable: false });
  return driver;
}

/** What a state that is opened now shows. */
export async function shownBy(driver: Driver, readOnly = false): Promise<string[]> {
  const state = await openState({ readOnly, driver: { ...driver, dispose: () => {} }, now: () => noon, random: quickRandom(2) });
  try {
    assert.deepEqual(state.recovered.setAside, []);
    return await show(state);
  } finally {
    await state.close();
  }
}

/** The commit of a line. */
export const commitOf = (line: string): number => Number(/ c(\d+) /.exec(line)![1]);

/** The entry of a line: its scope and key. */
export const entryOf = (line: string): string => line.split('"').slice(0, 2).join('"');

/** One bit of a value flipped; of a text, so that it is still one. */
export function flip(value: string | Uint8Array, place: number): string | Uint8Array {
  const bytes = typeof value === "string" ? new TextEncoder().encode(value) : Uint8Array.from(value);
  if (bytes.length === 0) return value;
  bytes[place % bytes.length]! ^= 1 << (place % 7);
  return typeof value === "string" ? new TextDecoder().decode(bytes) : bytes;
}

/** What is stored under a key, as the kind that its second segment says. */
export const kindOf = (key: string): string => key.split("!")[1] ?? "";

const seal = createSeal(createDigester());

/** The same store with another head. */
export async function withHead(
  items: ReadonlyMap<string, string | Uint8Array>,
  change: Readonly<Record<string, unknown>>,
): Promise<Map<string, string | Uint8Array>> {
  return new Map(items).set("state!head", await formatHead({ ...headIn(items)!, ...change } as unknown as Head, seal));
}

/** The same store, its log cut behind a commit, together with what only the records that went still named. */
export async function cutBehind(
  horizon: number,
  items: ReadonlyMap<string, string | Uint8Array>,
): Promise<Map<string, string | Uint8Array>> {
  const cut = await withHead(items, { horizon });
  const isCut = (key: string) => kindOf(key) === "log" && Number(key.split("!")[2]) <= horizon;
  for (const [key, value] of items) {
    if (!isCut(key)) continue;
    cut.delete(key);
    const record = await parseRecord(value, Number(key.split("!")[2]), seal);
    for (const { changes } of record.commits) {
      for (const { drops } of changes) {
        for (const ref of drops) for (const piece of objectKeys(ref, createPaths("state"))) cut.delete(piece);
      }
    }
  }
  return cut;
}
