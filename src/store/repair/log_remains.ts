/**
 * What is left of a log: its checkpoints, its frames, and the pages of its runs, as far as they prove themselves.
 *
 * @module
 */
import { isStateError } from "../../errors.ts";
import { type LogPaths, parseCheckpoint, type StoredCheckpoint } from "../log/checkpoint.ts";
import type { Log } from "../log/log.ts";
import { nameOf } from "../log/record_journal.ts";
import { isHeaded } from "../log/segment_journal.ts";
import { type Entry, type PageRef, parseIndex, parsePage, type RunRef, valueAt } from "../log/table.ts";
import { pad } from "../paths.ts";
import type { Seal } from "../seal.ts";
import { type Chain, chainOf, salvage, type Unit, unitOf, unitsOf } from "./log_frames.ts";
import { linesOf } from "./log_lines.ts";
import { attempt } from "./source.ts";

/** A page of a run, or a range of keys of which it is not known any more what the run says. */
export interface Part {
  readonly first: string;
  readonly last: string;
  /** Undefined: an index that named pages is lost. */
  readonly page: PageRef | undefined;
  /** It does not prove itself. */
  readonly isLost: boolean;
}

/** Something that does not prove itself, as it was found. */
export interface Worthless {
  /** Where it stands. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** What is left of a log. */
export interface Remains {
  /** The driver's keys, in order. */
  readonly names: readonly string[];
  /** Those of them that the driver cannot read: what stands there is nothing of ours, or too large. */
  readonly unread: ReadonlySet<string>;
  /** The checkpoint that counts. */
  readonly base: StoredCheckpoint | undefined;
  /** Its runs, newest first, each in order. */
  readonly runs: readonly (readonly Part[])[];
  /** Runs of an older checkpoint, for what those have lost. */
  readonly olderRuns: readonly (readonly Part[])[];
  /** Pages that nothing names any more, but an index that is lost. */
  readonly loose: readonly PageRef[];
  readonly chain: Chain;
  /** Where frames are objects: the number of the next one. */
  readonly free: number;
  /** Bytes of each segment that begins as one. */
  readonly lengths: ReadonlyMap<string, number>;
  /** What damaged frames still say. */
  readonly salvaged: ReadonlyMap<string, readonly string[]>;
  readonly worthless: readonly Worthless[];
  /** Not all pages are there and prove themselves. */
  readonly isShort: boolean;
  /** Not all that counts is there and proves itself. */
  readonly isDamaged: boolean;
}

/** What reading a log takes. */
type Reading = Pick<Log, "paths" | "store" | "options">;

/** Bytes of a segment that are read together. */
const PART_BYTES = 8 * 1024 * 1024;
/** No segment of ours is so long; one that is, by what others put behind the frames, a reader may not be able to read. */
const MOST_BYTES = 64 * 1024 * 1024;

const encoder = new TextEncoder();

/** Reads all that is left of a log. */
export async function readRemains(whole: Log, names: readonly string[]): Promise<Remains> {
  const unread = new Set<string>();
  const log = overlooking(whole, unread);
  const { paths, store } = log;
  const worthless: Worthless[] = [];
  const checkpoints = await readCheckpoints(log, names, worthless);
  // Of two fixed places one may be torn by a crash; the other one holds what counts.
  const isTorn = worthless.length > 0 && store.list !== undefined;
  const [base, ...older] = checkpoints;
  const lengths = new Map<string, number>();
  const headed = new Set<string>();
  const units = store.segments === undefined ? await readObjects(log, names, base) : await readSegments(log, names, lengths, headed);
  const chain = chainOf(units, base);
  const read = (runs: readonly RunRef[], spoilt: Worthless[]) => Promise.all(runs.map((run) => partsOf(run, log, spoilt)));
  const runs = await read(base?.runs ?? [], worthless);
  const isShort = base === undefined || runs.some((parts) => parts.some(({ isLost }) => isLost));
  const olderRuns = isShort ? await read(older.flatMap(({ runs }) => runs), []) : [];
  const isMissing = base !== undefined && !isWhole(log, { lengths, headed, units, unread }, base, chain);
  // The last one is taken for one that was never whole.
  const isBlurred = chain.frames.slice(0, -1).some(({ isBare }) => !isBare);
  const isDamaged = isTorn || isShort || isBlurred || chain.hasGap || isMissing;
  // The end of a log that was never whole is no damage; where there is some, what stands between frames may be a part of it.
  const torn = chain.hasGap || base === undefined ? units.filter((unit) => unit.frame === undefined && isBehind(unit, base)) : [];
  worthless.push(
    ...torn.map(({ name, start, bytes }) => ({ name: store.segments ? `${name}!${pad(start)}` : nameOf(name, start), bytes })),
  );
  return {
    names,
    unread,
    base,
    runs,
    olderRuns,
    loose: isShort ? await looseOf(names, [...runs, ...olderRuns], paths, log) : [],
    chain,
    lengths,
    free: Math.max(base?.segment.from ?? 1, ...units.slice(-1).map(({ end }) => end)),
    salvaged: salvagedFrom(torn),
    worthless,
    isShort,
    isDamaged,
  };
}

/** A log read over what its driver has and cannot read: what the driver says of that stands in its place, and is nothing that proves itself. */
function overlooking({ paths, store, options }: Log, unread: Set<string>): Reading {
  const getItem = async (name: string) => {
    try {
      return await store.getItem(name);
    } catch (error) {
      if (!isStateError(error, "STATE_CORRUPT")) throw error;
      unread.add(name);
      return error.message;
    }
  };
  return { paths, options, store: { ...store, getItem } };
}

/** Those that prove themselves, newest first. */
async function readCheckpoints(
  { paths, store, options: { seal, root } }: Reading,
  names: readonly string[],
  worthless: Worthless[],
): Promise<StoredCheckpoint[]> {
  const checkpoints: StoredCheckpoint[] = [];
  const listed = names.filter((name) => name.startsWith(paths.checkpoints));
  for (const name of new Set([...listed, ...store.list === undefined ? [paths.slot(0), paths.slot(1)] : []])) {
    const text = await store.getItem(name) ?? undefined;
    if (text === undefined) continue;
    const number = store.list === undefined ? undefined : Number(name.slice(paths.checkpoints.length));
    // One that seems to be of a newer format may be just that.
    const checkpoint = await attempt(() => parseCheckpoint(text, number, paths, seal), true);
    const isHere = checkpoint?.root === root && (store.list !== undefined || paths.slot(checkpoint.generation) === name);
    if (isHere) checkpoints.push(checkpoint);
    else worthless.push({ name, bytes: bytesOf(text) });
  }
  return checkpoints.sort((a, b) => b.generation - a.generation);
}

async function readSegments(
  { paths, store, options: { seal } }: Reading,
  names: readonly string[],
  lengths: Map<string, number>,
  headed: Set<string>,
): Promise<Unit[]> {
  const units: Unit[] = [];
  for (const name of names) {
    if (!name.startsWith(paths.segments)) continue;
    const lines = linesOf(async (from) => {
      const bytes = await store.segments!.read(name, from, PART_BYTES);
      if (bytes === undefined) return undefined;
      lengths.set(name, from + bytes.length);
      if (from === 0 && isHeaded(name, bytes)) headed.add(name);
      return bytes;
    });
    units.push(...await unitsOf(name, lines, seal));
  }
  return units;
}

async function readObjects(
  { paths, store, options: { seal } }: Reading,
  names: readonly string[],
  base: StoredCheckpoint | undefined,
): Promise<Unit[]> {
  const units: Unit[] = [];
  const read = async (start: number): Promise<boolean> => {
    const value = await store.getItem(nameOf(paths.frames, start)) ?? undefined;
    if (value !== undefined) units.push(await unitOf({ name: paths.frames, start, end: start + 1 }, bytesOf(value), seal));
    return value !== undefined;
  };
  const places = names.filter((name) => name.startsWith(paths.frames)).map((name) => Number(name.slice(paths.frames.length)));
  for (const place of places.filter(Number.isSafeInteger)) await read(place);
  // A list may be behind; some stores have none.
  for (let place = Math.max(base?.segment.from ?? 1, (places.at(-1) ?? 0) + 1); await read(place); place++);
  return units;
}

/** Whether the places are all there that a reader who begins at a checkpoint comes through. */
function isWhole(
  { store, paths }: Reading,
  { lengths, headed, units, unread }: {
    readonly lengths: ReadonlyMap<string, number>;
    readonly headed: ReadonlySet<string>;
    readonly units: readonly Unit[];
    readonly unread: ReadonlySet<string>;
  },
  { segment, digest }: StoredCheckpoint,
  { frames, end }: Chain,
): boolean {
  if (store.segments === undefined) {
    const places = units.map(({ start }) => start).filter((start) => start >= segment.from);
    return places.every((place, i) => place === segment.from + i && !unread.has(nameOf(paths.frames, place)));
  }
  const isAnchor = ({ name, end, frame, isBare }: Unit) =>
    name === segment.name && end === segment.from && isBare && frame?.digest === digest;
  // Whoever begins in the middle looks at the frame before it rather than at the header.
  const isRead = (name: string) =>
    (lengths.get(name) ?? Infinity) <= MOST_BYTES && (name === segment.name && segment.from > 0 ? units.some(isAnchor) : headed.has(name));
  return (lengths.get(segment.name) ?? -1) >= segment.from && [segment.name, end.name, ...frames.map(({ name }) => name)].every(isRead);
}

function isBehind({ name, start }: Unit, base: StoredCheckpoint | undefined): boolean {
  return base === undefined || name > base.segment.name || name === base.segment.name && start >= base.segment.from;
}

/** The pages of a run in order, with what is lost of it. */
async function partsOf(run: RunRef, log: Reading, worthless: Worthless[]): Promise<Part[]> {
  const { store, options: { seal } } = log;
  const parts: Part[] = [];
  const walk = async (ref: PageRef, depth: number): Promise<void> => {
    const text = await store.getItem(ref.name) ?? undefined;
    const refs = depth > 0 ? await attempt(() => parseIndex(text, ref, seal)) : undefined;
    const isPage = depth === 0 && await attempt(() => parsePage(text, ref, seal)) !== undefined;
    if (refs === undefined && !isPage && text !== undefined) worthless.push({ name: ref.name, bytes: bytesOf(text) });
    if (refs !== undefined) { for (const below of refs) await walk(below, depth - 1); }
    else parts.push({ first: ref.first, last: ref.last, page: depth === 0 ? ref : undefined, isLost: !isPage });
  };
  await walk(run, run.depth);
  return parts;
}

/** Pages that no index names; what they hold must prove itself. */
async function looseOf(
  names: readonly string[],
  runs: readonly (readonly Part[])[],
  paths: LogPaths,
  { store }: Reading,
): Promise<PageRef[]> {
  const named = new Set(runs.flat().map(({ page }) => page?.name));
  const loose: PageRef[] = [];
  for (const name of names) {
    if (!name.startsWith(paths.runs) || named.has(name)) continue;
    const keys = salvagePage(await store.getItem(name)).map(([key]) => key);
    if (keys.length === 0) continue;
    loose.push({ name, first: keys[0]!, last: keys.at(-1)!, digest: "", bytes: 0, gone: 0 });
  }
  return loose;
}

/** What a page says, whether it proves itself or not, in order. */
export function salvagePage(text: unknown): (readonly [key: string, value: string])[] {
  if (typeof text !== "string") return [];
  // A line of an index has no tab.
  const found = new Map<string, string>();
  for (const line of text.split("\n").slice(1)) {
    const cut = line.indexOf("\t");
    if (cut > 0) found.set(line.slice(0, cut), line.slice(cut + 1).replaceAll("\t", "\n"));
  }
  return [...found].sort(([a], [b]) => a < b ? -1 : 1);
}

/** The entries of a page that proves itself. */
export async function provenPage(
  ref: PageRef,
  { store, options: { seal } }: { readonly store: Log["store"]; readonly options: { readonly seal: Seal } },
): Promise<Entry[] | undefined> {
  const page = await attempt(async () => await parsePage(await store.getItem(ref.name), ref, seal));
  return page?.keys.map((key, place) => [key, valueAt(page, place)]);
}

function salvagedFrom(units: readonly Unit[]): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const { bytes } of units.toReversed()) for (const [key, value] of salvage(bytes)) found.set(key, [...found.get(key) ?? [], value]);
  return found;
}

function bytesOf(value: unknown): Uint8Array {
  return value instanceof Uint8Array ? value : encoder.encode(typeof value === "string" ? value : JSON.stringify(value) ?? String(value));
}
