/**
 * Reading a namespace on a log: what stands under each key by what counts and proves itself; and where that is lost, all that
 * may have stood there.
 *
 * @module
 */
import { BoundedCache } from "../cache.ts";
import type { Log } from "../log/log.ts";
import type { PageRef } from "../log/table.ts";
import { provenPage, type Remains, salvagePage } from "./log_remains.ts";
import { attempt, type Found, type FoundItem, type Source } from "./source.ts";

/** Keys given at a time. */
const PAGE = 128;
/** Bytes of pages that are kept. */
const CACHE_BYTES = 16 * 1024 * 1024;

/** What a page says, by key; `undefined`: nothing stands there. */
type Entries = ReadonlyMap<string, string | undefined>;

/** What stood under the keys of a namespace. */
export class LogSource implements Source {
  readonly #log: Log;
  readonly #remains: Remains;
  /** What frames behind the checkpoint say, and what the checkpoint repeats of the last one before it. */
  readonly #newest: Map<string, string | undefined> = new Map();
  readonly #hot: Map<string, string | undefined> = new Map();
  /** What frames that the checkpoint holds say. */
  readonly #older: Map<string, string | undefined> = new Map();
  readonly #pages: BoundedCache<Entries> = new BoundedCache(CACHE_BYTES, (_, page) => sizeOf(page));
  /** Keys that stand in no page, in order. */
  readonly #keys: readonly string[];
  /** Pages that nothing names, those that do not overlap behind each other. */
  readonly #loose: readonly (readonly PageRef[])[];
  /** All pages that hold keys, each list in order. */
  readonly #lanes: readonly (readonly PageRef[])[];

  /** Reads what is left of a log. */
  constructor(log: Log, remains: Remains) {
    this.#log = log;
    this.#remains = remains;
    for (const { frame } of remains.chain.frames) for (const [key, value] of frame!.ops) this.#newest.set(key, value);
    for (const [key, value] of remains.base?.hot ?? []) this.#hot.set(key, value ?? undefined);
    for (const { frame } of remains.chain.older.toReversed()) for (const [key, value] of frame!.ops) this.#older.set(key, value);
    const keys = new Set([...this.#newest.keys(), ...this.#hot.keys(), ...remains.salvaged.keys()]);
    if (remains.isShort) {
      for (const key of this.#older.keys()) keys.add(key);
    }
    this.#keys = [...keys].sort();
    this.#loose = lanesOf(remains.loose);
    this.#lanes = [...[...remains.runs, ...remains.olderRuns].map((parts) => parts.flatMap(({ page }) => page ?? [])), ...this.#loose];
  }

  async list(prefix: string, after: string | undefined): Promise<readonly FoundItem[]> {
    let from = after;
    for (;;) {
      const keys = await this.#keysFrom(prefix, from);
      if (keys.length === 0) return [];
      const found = await this.getMany(keys);
      const items = keys.map((key, i) => ({ key, found: found[i]! })).filter(({ found }) => found.length > 0);
      if (items.length > 0) return items;
      from = keys.at(-1)!;
    }
  }

  async keys(prefix: string, after: string | undefined): Promise<readonly string[]> {
    return (await this.list(prefix, after)).map(({ key }) => key);
  }

  async getMany(keys: readonly string[]): Promise<readonly (readonly Found[])[]> {
    const all: (readonly Found[])[] = [];
    for (const key of keys) all.push(await this.#find(key));
    return all;
  }

  /** What was found under a key: what stands there first. */
  async #find(key: string): Promise<readonly Found[]> {
    const { runs, olderRuns, salvaged } = this.#remains;
    const found: Found[] = [];
    const add = (value: string | undefined, isTrusted: boolean, stands = false): void => {
      if (value === undefined) return;
      const same = found.findIndex((other) => other.value === value);
      if (same < 0) found.push({ value, isTrusted, stands });
      else if (isTrusted) found[same] = { ...found[same]!, isTrusted };
    };
    const said = this.#newest.has(key)
      ? [this.#newest.get(key)]
      : this.#hot.has(key)
      ? [this.#hot.get(key)]
      : await this.#inRuns(key, runs) ?? (this.#older.has(key) ? [this.#older.get(key)] : undefined);
    if (said !== undefined) add(said[0], true, true);
    for (const value of salvaged.get(key) ?? []) add(value, false);
    if (said !== undefined) return found;
    // What stands there is lost: what stood there before, or may stand there, must show itself what it is worth.
    for (const parts of runs) {
      const part = partOf(parts, key);
      if (part?.page === undefined) continue;
      const entries = await this.#entriesOf(part.page);
      add(entries.get(key), !part.isLost);
      if (!part.isLost && entries.has(key)) break;
    }
    add((await this.#inRuns(key, olderRuns))?.[0], true);
    for (const pages of this.#loose) {
      const page = partOf(pages, key);
      if (page !== undefined) add((await this.#entriesOf(page)).get(key), false);
    }
    return found;
  }

  /** What runs say of a key, newest first; `undefined`: nothing, or what they say is lost. */
  async #inRuns(key: string, runs: Remains["runs"]): Promise<readonly [string | undefined] | undefined> {
    for (const parts of runs) {
      const part = partOf(parts, key);
      if (part === undefined) continue;
      if (part.isLost) return undefined;
      const entries = await this.#entriesOf(part.page!);
      if (entries.has(key)) return [entries.get(key)];
    }
    // The runs of the checkpoint that counts say everything.
    return runs === this.#remains.runs && this.#remains.base !== undefined ? [undefined] : undefined;
  }

  /** The next keys that anything is known of, in order. */
  async #keysFrom(prefix: string, after: string | undefined): Promise<string[]> {
    const isIn = (key: string) => key.startsWith(prefix) && (after === undefined || key > after);
    const slices: { readonly keys: readonly string[]; readonly isWhole: boolean }[] = [];
    const start = firstBelow(this.#keys, (key) => key < prefix || after !== undefined && key <= after);
    const own = this.#keys.slice(start, start + PAGE).filter(isIn);
    slices.push({ keys: own, isWhole: own.length < PAGE });
    for (const pages of this.#lanes) slices.push(await this.#slice(pages, prefix, after, isIn));
    const ends = slices.filter(({ isWhole }) => !isWhole).map(({ keys }) => keys.at(-1)!);
    const end = ends.reduce<string | undefined>((low, key) => low === undefined || key < low ? key : low, undefined);
    const keys = new Set(slices.flatMap(({ keys }) => keys).filter((key) => end === undefined || key <= end));
    return [...keys].sort();
  }

  async #slice(
    pages: readonly PageRef[],
    prefix: string,
    after: string | undefined,
    isIn: (key: string) => boolean,
  ): Promise<{ readonly keys: readonly string[]; readonly isWhole: boolean }> {
    const keys: string[] = [];
    const low = after !== undefined && after > prefix ? after : prefix;
    for (let at = firstBelow(pages, ({ last }) => last < low); at < pages.length; at++) {
      if (keys.length >= PAGE) return { keys, isWhole: false };
      if (pages[at]!.first > `${prefix}\u{ffff}`) break;
      for (const key of (await this.#entriesOf(pages[at]!)).keys()) if (isIn(key)) keys.push(key);
    }
    return { keys, isWhole: true };
  }

  async #entriesOf(page: PageRef): Promise<Entries> {
    const known = this.#pages.get(page.name);
    if (known !== undefined) return known;
    const proven = await provenPage(page, this.#log);
    // What the driver cannot read says nothing.
    const read = () => attempt(async () => await this.#log.store.getItem(page.name));
    const entries = new Map(proven ?? salvagePage(await read()).filter(([key]) => covers(page, key)));
    this.#pages.set(page.name, entries);
    return entries;
  }
}

/** The one of a list in order that covers a key. */
function partOf<T extends { readonly first: string; readonly last: string }>(parts: readonly T[], key: string): T | undefined {
  const part = parts[firstBelow(parts, ({ last }) => last < key)];
  return part !== undefined && covers(part, key) ? part : undefined;
}

function covers({ first, last }: { readonly first: string; readonly last: string }, key: string): boolean {
  return first <= key && key <= last;
}

/** Pages in lists, each in order and without overlaps. */
function lanesOf(pages: readonly PageRef[]): PageRef[][] {
  const lanes: PageRef[][] = [];
  for (const page of [...pages].sort((a, b) => a.first < b.first ? -1 : 1)) {
    const lane = lanes.find((lane) => lane.at(-1)!.last < page.first);
    if (lane === undefined) lanes.push([page]);
    else lane.push(page);
  }
  return lanes;
}

/** How many of a sorted list are below. */
function firstBelow<T>(list: readonly T[], isBelow: (item: T) => boolean): number {
  let low = 0;
  for (let high = list.length; low < high;) {
    const middle = (low + high) >> 1;
    if (isBelow(list[middle]!)) low = middle + 1;
    else high = middle;
  }
  return low;
}

function sizeOf(page: Entries): number {
  let bytes = 256;
  for (const [key, value] of page) bytes += 2 * (key.length + (value?.length ?? 0)) + 64;
  return bytes;
}
