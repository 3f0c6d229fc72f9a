/**
 * What was read and verified, bounded by bytes; the least recently used goes first.
 *
 * @module
 */
import type { Slot } from "./row.ts";

/** What an entry of a cache costs beside its text. */
const OVERHEAD_BYTES = 256;

/** Values by key, together at most so many bytes. */
export class BoundedCache<V> {
  readonly #max: number;
  readonly #sizeOf: (key: string, value: V) => number;
  readonly #values: Map<string, V> = new Map();
  #bytes = 0;

  /** An empty cache. `sizeOf` is always the same for the same value. */
  constructor(max: number, sizeOf: (key: string, value: V) => number) {
    this.#max = max;
    this.#sizeOf = sizeOf;
  }

  /** The value under a key, now the most recently used. */
  get(key: string): V | undefined {
    const value = this.#values.get(key);
    if (value !== undefined) {
      this.#values.delete(key);
      this.#values.set(key, value);
    }
    return value;
  }

  /** Keeps a value, unless it alone is too large. */
  set(key: string, value: V): void {
    this.delete(key);
    const bytes = this.#sizeOf(key, value);
    if (bytes > this.#max) return;
    this.#values.set(key, value);
    this.#bytes += bytes;
    for (const [oldest, old] of this.#values) {
      if (this.#bytes <= this.#max) break;
      this.#values.delete(oldest);
      this.#bytes -= this.#sizeOf(oldest, old);
    }
  }

  /** Forgets a key. */
  delete(key: string): void {
    const value = this.#values.get(key);
    if (value === undefined) return;
    this.#values.delete(key);
    this.#bytes -= this.#sizeOf(key, value);
  }

  /** Forgets everything. */
  clear(): void {
    this.#values.clear();
    this.#bytes = 0;
  }
}

/** A cache of slots; those whose class asks for it are not kept. */
export function createSlotCache(max: number): BoundedCache<Slot> {
  return new BoundedCache(max, (path, { row }) => {
    if (row?.class === "archive") return Infinity;
    return OVERHEAD_BYTES + path.length + (row === undefined ? 0 : row.payload.length + row.header.length);
  });
}

/** A cache of the texts of objects, by the objects' names: what has a name never changes. */
export function createTextCache(max: number): BoundedCache<string> {
  return new BoundedCache(max, (name, text) => OVERHEAD_BYTES + name.length + 2 * text.length);
}
