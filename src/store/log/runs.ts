/**
 * Reading runs: a key is looked for in one page of each, newest run first.
 *
 * @module
 */
import { BoundedCache } from "../cache.ts";
import type { Seal } from "../seal.ts";
import type { LogStore } from "./log_store.ts";
import { type Entry, type PageBody, pageFrom, type PageRef, parseIndex, parsePage, placeOf, type RunRef, valueAt } from "./table.ts";

/** A page or an index is gone: a newer checkpoint does without it. Load that and look again. */
export class Superseded extends Error {}

/** A range of keys. */
export interface KeyRange {
  readonly prefix: string;
  /** Exclusive: keys above it, or below it in reverse. */
  readonly after: string | undefined;
  readonly reverse: boolean;
}

/** Some entries of one source, in the order that was asked for. */
export interface Slice {
  readonly entries: readonly Entry[];
  /** Nothing of the range is behind them. */
  readonly isWhole: boolean;
}

/** Sorts above every key that begins with a prefix. */
export function pastPrefix(prefix: string): string {
  return `${prefix}\u{ffff}`;
}

/** Whether a key is in a range. */
export function isIn(key: string, { prefix, after, reverse }: KeyRange): boolean {
  return key.startsWith(prefix) && (after === undefined || (reverse ? key < after : key > after));
}

/** Reads pages and indexes, proves them, and keeps those that were used lately. */
export class RunReader {
  readonly #store: Pick<LogStore, "getItem">;
  readonly #seal: Seal;
  readonly #indexes: BoundedCache<readonly PageRef[]>;
  readonly #pages: BoundedCache<PageBody & { readonly bytes: number }>;
  readonly #reading: Map<string, Promise<unknown>> = new Map();

  /** A reader that keeps up to so many bytes of pages. */
  constructor(store: Pick<LogStore, "getItem">, seal: Seal, cacheBytes: number) {
    this.#store = store;
    this.#seal = seal;
    this.#indexes = new BoundedCache(cacheBytes, (_, pages) => 200 * pages.length);
    this.#pages = new BoundedCache(cacheBytes, (_, { bytes }) => 2 * bytes);
  }

  /** All pages of a run, and the names of its indexes. */
  async partsOf(run: RunRef): Promise<{ readonly pages: readonly PageRef[]; readonly indexes: readonly string[] }> {
    const indexes: string[] = [];
    let refs: readonly PageRef[] = [run];
    for (let depth = run.depth; depth > 0; depth--) {
      const below: PageRef[] = [];
      for (const ref of refs) {
        indexes.push(ref.name);
        below.push(...await this.#index(ref));
      }
      refs = below;
    }
    return { pages: refs, indexes };
  }

  /** What an index names. */
  async #index(ref: PageRef): Promise<readonly PageRef[]> {
    return this.#indexes.get(ref.name) ?? await this.#once(ref.name, async () => {
      const pages = await parseIndex(await this.#get(ref.name), ref, this.#seal);
      this.#indexes.set(ref.name, pages);
      return pages;
    });
  }

  /** One page. */
  async page(ref: PageRef): Promise<PageBody> {
    return this.#pages.get(ref.name) ?? await this.#once(ref.name, async () => {
      const page = { ...await parsePage(await this.#get(ref.name), ref, this.#seal), bytes: ref.bytes };
      this.#pages.set(ref.name, page);
      return page;
    });
  }

  /** The entries of a page. */
  async entriesOf(ref: PageRef): Promise<Entry[]> {
    const page = await this.page(ref);
    return page.keys.map((key, place) => [key, valueAt(page, place)]);
  }

  /** What a run says of a key; undefined: nothing. */
  async find(run: RunRef, key: string): Promise<{ readonly value: string | undefined } | undefined> {
    let ref: PageRef | undefined = run;
    for (let depth = run.depth; ref !== undefined; depth--) {
      if (key < ref.first || key > ref.last) return undefined;
      if (depth === 0) break;
      const refs = await this.#index(ref);
      ref = refs[pageFrom(refs, key)];
    }
    if (ref === undefined) return undefined;
    const page = await this.page(ref);
    const place = placeOf(page.keys, key);
    return page.keys[place] === key ? { value: valueAt(page, place) } : undefined;
  }

  /** At least so many entries of a range of one run, if it has them. */
  async slice(run: RunRef, range: KeyRange, wanted: number): Promise<Slice> {
    const { prefix, after, reverse } = range;
    const past = pastPrefix(prefix);
    const start = reverse ? after ?? past : after !== undefined && after > prefix ? after : prefix;
    const entries: Entry[] = [];
    for await (const ref of this.#pagesFrom(run, run.depth, start, reverse)) {
      if (entries.length >= wanted) return { entries, isWhole: false };
      if (reverse ? ref.last < prefix : ref.first > past) break;
      const found = (await this.entriesOf(ref)).filter(([key]) => isIn(key, range));
      entries.push(...reverse ? found.reverse() : found);
    }
    return { entries, isWhole: true };
  }

  /** The pages from the one that may hold a key on, upwards or downwards. */
  async *#pagesFrom(ref: PageRef, depth: number, start: string, reverse: boolean): AsyncGenerator<PageRef> {
    if (reverse ? ref.first > start : ref.last < start) return;
    if (depth === 0) {
      yield ref;
      return;
    }
    const refs = await this.#index(ref);
    const step = reverse ? -1 : 1;
    for (let at = reverse ? Math.min(pageFrom(refs, start), refs.length - 1) : pageFrom(refs, start); refs[at] !== undefined; at += step) {
      yield* this.#pagesFrom(refs[at]!, depth - 1, start, reverse);
    }
  }

  async #get(name: string): Promise<unknown> {
    const value = await this.#store.getItem(name);
    if (value === undefined || value === null) throw new Superseded(`"${name}" is missing`);
    return value;
  }

  /** Who asks for the same thing at the same time shares the answer. */
  #once<T>(name: string, read: () => Promise<T>): Promise<T> {
    const reading = this.#reading.get(name) ?? read().finally(() => this.#reading.delete(name));
    this.#reading.set(name, reading);
    return reading as Promise<T>;
  }
}

/** Entries of several sources as one, and up to which key it is known what they say. */
export interface Merged {
  readonly entries: readonly Entry[];
  readonly isWhole: boolean;
  readonly end: string | undefined;
}

/** Entries of several sources as one: of those with the same key the first source's counts; what it says is gone is left out. */
export function mergeSlices(slices: readonly Slice[], reverse: boolean, limit: number): Merged {
  const isBefore = (a: string, b: string) => reverse ? a > b : a < b;
  const merged = new Map<string, string | undefined>();
  for (const { entries } of slices) for (const [key, value] of entries) if (!merged.has(key)) merged.set(key, value);
  // Beyond the end of a source that has more, it is not known yet what that says.
  const ends = slices.filter(({ isWhole }) => !isWhole).map(({ entries }) => entries.at(-1)![0]);
  const end = ends.reduce<string | undefined>((least, key) => least === undefined || isBefore(key, least) ? key : least, undefined);
  const known = [...merged].filter(([key]) => end === undefined || !isBefore(end, key)).sort(([a], [b]) => isBefore(a, b) ? -1 : 1);
  const entries = known.filter(([, value]) => value !== undefined).slice(0, limit);
  return { entries, isWhole: end === undefined, end: entries.length === limit ? entries.at(-1)![0] : end };
}
