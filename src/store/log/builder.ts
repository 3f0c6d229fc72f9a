/**
 * Writing runs: sorted entries become pages and an index, each an object of its own, written once under a token that no one
 * else has.
 *
 * @module
 */
import type { Seal } from "../seal.ts";
import type { LogPaths } from "./checkpoint.ts";
import type { LogStore } from "./log_store.ts";
import { type Entry, formatIndex, formatPage, formatRef, type PageRef, type RunRef } from "./table.ts";

/** The largest page or index, but for one that holds a single entry: few are needed then, and reading one is still cheap. */
const PAGE_BYTES = 64 * 1024;
/** A page from a quarter of that on is large: a single entry of that size has one to itself, and merging takes such pages over. */
const LARGE = 4;
/** Objects written side by side, at the most. */
export const WRITERS = 4;

/** What a builder is made of. */
export interface BuilderParts {
  readonly store: Pick<LogStore, "create" | "getItem">;
  readonly seal: Seal;
  readonly paths: LogPaths;
  readonly token: string;
  /** The largest object. */
  readonly limitBytes: number;
  /** Objects that were made under the token so far. */
  count: number;
}

/** Writes one run. Entries are added in order of their keys. */
export class RunBuilder {
  readonly #parts: BuilderParts;
  readonly #pages: (PageRef | Promise<PageRef>)[] = [];
  readonly #writing: Set<Promise<unknown>> = new Set();
  readonly #pageBytes: number;
  #entries: Entry[] = [];
  #bytes = 0;
  /** Why an object could not be written: then no more are begun, so that what was made has no wide gap in its numbers. */
  #failure: { readonly error: unknown } | undefined;

  /** The objects that were made, or begun. */
  readonly names: string[] = [];

  /** A run without entries. */
  constructor(parts: BuilderParts) {
    this.#parts = parts;
    this.#pageBytes = Math.min(PAGE_BYTES, parts.limitBytes / 2);
  }

  /** A page of an older run that no newer key touches is taken over as it is from this size on. */
  get reuseBytes(): number {
    return this.#pageBytes / LARGE;
  }

  /** What the objects' names begin with. */
  get token(): string {
    return this.#parts.token;
  }

  /** Adds an entry above all before. */
  async add(entry: Entry): Promise<void> {
    const [key, value = ""] = entry;
    const bytes = key.length + value.length + 2;
    // What is large gets a page of its own, which later runs take over as it is.
    if (bytes >= this.reuseBytes || this.#bytes + bytes > this.#pageBytes) await this.#flush();
    this.#entries.push(entry);
    this.#bytes += bytes;
    if (bytes >= this.reuseBytes) await this.#flush();
  }

  /** Takes over a page above all before. */
  async take(page: PageRef): Promise<void> {
    await this.#flush();
    this.#pages.push(page);
  }

  /** Writes what is left, and the indexes. Undefined: there was nothing. */
  async finish(): Promise<RunRef | undefined> {
    await this.#flush();
    let refs: readonly PageRef[] = await Promise.all(this.#pages);
    const pages = refs.length;
    let depth = 0;
    for (; refs.length > 1; depth++) refs = await this.#index(refs);
    return refs[0] && { ...refs[0], pages, depth };
  }

  /** One level of indexes. */
  async #index(refs: readonly PageRef[]): Promise<PageRef[]> {
    const indexes: PageRef[] = [];
    for (let from = 0; from < refs.length;) {
      let to = from;
      let bytes = 0;
      // At least two, so that each level is shorter than the one below.
      while (to < refs.length && (bytes < this.#pageBytes || to < from + 2)) bytes += formatRef(refs[to++]!).length + 1;
      // What would be left alone goes along.
      if (to === refs.length - 1) to++;
      const group = refs.slice(from, to);
      const sum = (of: (page: PageRef) => number) => group.reduce((total, page) => total + of(page), 0);
      indexes.push({
        first: group[0]!.first,
        last: group.at(-1)!.last,
        ...await this.#write(formatIndex(group)),
        bytes: sum((page) => page.bytes),
        gone: sum((page) => page.gone),
      });
      from = to;
    }
    return indexes;
  }

  async #flush(): Promise<void> {
    const entries = this.#entries;
    if (entries.length === 0) return;
    if (this.#failure !== undefined) throw this.#failure.error;
    this.#entries = [];
    this.#bytes = 0;
    const text = formatPage(entries);
    const page = this.#write(text).then((named) => ({
      first: entries[0]![0],
      last: entries.at(-1)![0],
      ...named,
      bytes: text.length,
      gone: entries.filter(([, value]) => value === undefined).length,
    }));
    this.#pages.push(page);
    const settled: Promise<unknown> = page.catch((error) => this.#failure ??= { error }).finally(() => this.#writing.delete(settled));
    this.#writing.add(settled);
    if (this.#writing.size >= WRITERS) await Promise.race(this.#writing);
  }

  async #write(text: string): Promise<{ readonly name: string; readonly digest: string }> {
    const { store, seal, paths, token } = this.#parts;
    const name = paths.run(token, this.#parts.count++);
    this.names.push(name);
    const [digest] = await seal([text]);
    // What stands there already may be this very text: a transport that had no answer tries twice.
    if (!await store.create(name, text) && await store.getItem(name) !== text) {
      throw new Error(`"${name}" is taken: random names must not repeat`);
    }
    return { name, digest: digest! };
  }
}
