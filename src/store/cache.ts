/**
 * Verified slots, ready to decode, bounded by bytes; the least recently used go first.
 *
 * @module
 */
import type { Slot } from "./row.ts";

/** What a slot costs beside its text. */
const OVERHEAD_BYTES = 256;

/** Verified slots by path, all as of the same head. */
export class SlotCache {
  readonly #max: number;
  readonly #slots: Map<string, Slot> = new Map();
  #bytes = 0;

  /** An empty cache of at most so many bytes. */
  constructor(max: number) {
    this.#max = max;
  }

  /** The slot under a path, now the most recently used. */
  get(path: string): Slot | undefined {
    const slot = this.#slots.get(path);
    if (slot !== undefined) {
      this.#slots.delete(path);
      this.#slots.set(path, slot);
    }
    return slot;
  }

  /** Keeps a slot, unless its class asks not to. */
  set(path: string, slot: Slot): void {
    this.delete(path);
    const bytes = sizeOf(path, slot);
    if (slot.row?.class === "archive" || bytes > this.#max) return;
    this.#slots.set(path, slot);
    this.#bytes += bytes;
    for (const [oldest, old] of this.#slots) {
      if (this.#bytes <= this.#max) break;
      this.#slots.delete(oldest);
      this.#bytes -= sizeOf(oldest, old);
    }
  }

  /** Forgets a path. */
  delete(path: string): void {
    const slot = this.#slots.get(path);
    if (slot === undefined) return;
    this.#slots.delete(path);
    this.#bytes -= sizeOf(path, slot);
  }

  /** Forgets everything. */
  clear(): void {
    this.#slots.clear();
    this.#bytes = 0;
  }
}

function sizeOf(path: string, slot: Slot): number {
  return OVERHEAD_BYTES + path.length + (slot.row === undefined ? 0 : slot.row.payload.length + slot.row.header.length);
}
