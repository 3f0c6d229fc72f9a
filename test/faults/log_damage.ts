/**
 * Small stores on logs of each kind, to be damaged.
 *
 * @module
 */
import { openState, StateScope } from "../../mod.ts";
import type { Driver, DriverSupports } from "../../src/store/driver.ts";
import { show } from "../golden/story.ts";
import { noon, quickRandom } from "./fixture.ts";
import { createLogDriver } from "./log_driver.ts";
import { steps, type Story } from "./repair_story.ts";

/** What stands on a driver that has a log: objects, and append-only files. */
export interface Place {
  readonly items: Map<string, string | Uint8Array>;
  readonly files: Map<string, Uint8Array>;
}

/** A kind of log. */
export interface LogKind {
  readonly name: string;
  /** Another process on a place: with limits so small that all there is comes up, or with its own. */
  open(place: Place, limits?: Partial<DriverSupports>): Driver;
}

/** Little enough that a short story makes checkpoints, runs of several pages, and commits in pieces. */
const small: Partial<DriverSupports> = { valueBytes: 3072, batchOps: 40, batchBytes: 12 * 1024 };

/** Every kind of log. */
export const kinds: readonly LogKind[] = [
  { name: "in segments", open: ({ items, files }, limits = small) => limited(createLogDriver(items, files), limits) },
  {
    name: "in objects",
    open({ items }, limits = small) {
      const { segments: _, ...driver } = createLogDriver(items, new Map());
      return limited(driver, limits);
    },
  },
  { name: "in large segments", open: ({ items, files }) => createLogDriver(items, files) },
  { name: "on a plain driver", open: ({ items }) => plainDriver(items) },
];

function limited(driver: Driver, limits: Partial<DriverSupports>): Driver {
  return { ...driver, supports: { ...driver.supports!, ...limits } };
}

/** A driver of unstorage's shape, and nothing more. */
function plainDriver(items: Map<string, string | Uint8Array>): Driver {
  return {
    name: "memory",
    hasItem: (key) => items.has(key),
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, value) => void items.set(key, value),
    removeItem: (key) => void items.delete(key),
    getKeys: () => [...items.keys()],
  };
}

/** The same, so that what becomes of one does not touch the other. */
export function copyOf({ items, files }: Place): Place {
  return { items: new Map(items), files: new Map(files) };
}

/** Everything in a place. */
export function contentsOf({ items, files }: Place): [string, string | Uint8Array][] {
  return [...items, ...files].filter(([key]) => !key.endsWith("!lease")).sort(([a], [b]) => a < b ? -1 : 1);
}

/** A story on a log: as it stood when it was closed, and as a crash right before that left it. */
export interface LogStory extends Omit<Story, "items"> {
  readonly closed: Place;
  readonly open: Place;
}

/** Tells the story on a log, or the beginning of it. */
export async function tellOn(kind: LogKind, length: number = steps.length): Promise<LogStory> {
  const place: Place = { items: new Map(), files: new Map() };
  const state = await openState({ driver: kind.open(place), now: () => noon, random: quickRandom(1) });
  const ever = new Set<string>();
  for (const step of steps.slice(0, length)) {
    await step(state);
    for (const line of await show(state)) ever.add(line);
  }
  const shows = await show(state);
  const { commit } = await state.inspect();
  // What is at work behind the last commit comes to its end.
  await new Promise((resolve) => setTimeout(resolve, 20));
  const open = copyOf(place);
  open.items.delete("state!lease");
  await state.close();
  return { closed: place, open, shows, ever, commits: commit };
}

/** The same store with some more commits, all of them in frames behind its last checkpoint. */
export async function goneOn(kind: LogKind, place: Place): Promise<{ readonly place: Place; readonly shows: readonly string[] }> {
  const copy = copyOf(place);
  const state = await openState({ driver: kind.open(copy, {}), now: () => noon, random: quickRandom(2) });
  for (let i = 0; i < 6; i++) await state.save(StateScope.session("s"), `m${i}`, { i, text: "more" });
  const shows = await show(state);
  const open = copyOf(copy);
  open.items.delete("state!lease");
  await state.close();
  return { place: open, shows };
}
