/**
 * What the log says since the last checkpoint.
 *
 * @module
 */
import type { Frame } from "./frame.ts";
import { isIn, type KeyRange, type Slice } from "./runs.ts";
import type { Entry } from "./table.ts";

/** Keys with what the newest frame says of them. */
export class Memory {
  readonly #entries: Map<string, { readonly value: string | undefined; readonly frame: number }> = new Map();
  /** Bytes of each frame, by its number. */
  readonly #bytes: Map<number, number> = new Map();
  #total = 0;

  /** Frames that are held. */
  get frames(): number {
    return this.#bytes.size;
  }

  /** Bytes of their lines. */
  get bytes(): number {
    return this.#total;
  }

  /** What is said of a key; undefined: nothing. */
  get(key: string): { readonly value: string | undefined } | undefined {
    return this.#entries.get(key);
  }

  /** Takes over what a frame says. */
  apply({ number, ops, line }: Frame): void {
    for (const [key, value] of ops) this.#entries.set(key, { value, frame: number });
    this.#bytes.set(number, line.length);
    this.#total += line.length;
  }

  /** Forgets what a checkpoint holds. */
  forget(frame: number): void {
    for (const [key, entry] of this.#entries) if (entry.frame <= frame) this.#entries.delete(key);
    for (const [number, bytes] of this.#bytes) {
      if (number > frame) continue;
      this.#bytes.delete(number);
      this.#total -= bytes;
    }
  }

  /** Everything, in order of the keys. */
  sorted(): Entry[] {
    return inOrder([...this.#entries].map(([key, { value }]) => [key, value]));
  }

  /** The entries of a range as they are now; the answer gives those behind a key. */
  slice(range: KeyRange): (after: string | undefined) => Slice {
    const entries: Entry[] = [];
    for (const [key, { value }] of this.#entries) if (isIn(key, range)) entries.push([key, value]);
    inOrder(entries);
    if (range.reverse) entries.reverse();
    return (after) => ({ entries: entries.filter(([key]) => isIn(key, { ...range, after })), isWhole: true });
  }
}

function inOrder(entries: Entry[]): Entry[] {
  return entries.sort(([a], [b]) => a < b ? -1 : 1);
}
