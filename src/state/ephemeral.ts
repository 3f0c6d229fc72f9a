/**
 * Ephemeral entries: this process's memory, never in the log, bounded; the least recently used go first.
 *
 * @module
 */
import type { StateContent } from "./entry.ts";
import type { Encoded } from "./encoded.ts";

/** An entry that is not, or not yet, in the store. */
export interface LocalEntry extends Encoded {
  readonly revision: number;
  readonly createdAt: number;
  readonly updatedAt: number;
  /** 0: never. */
  readonly expiresAt: number;
  readonly class: "ephemeral" | "bulk";
  readonly content: StateContent;
  readonly schema: string;
}

/** What an entry costs beside its text, in bytes. */
const OVERHEAD_BYTES = 200;

/** Revisions of forgotten entries that are remembered, so that an old one cannot come back. */
const REMEMBERED = 65_536;

/** The ephemeral entries of one open state, by path. */
export class EphemeralEntries {
  readonly #max: number;
  readonly #entries: Map<string, LocalEntry> = new Map();
  /** Writes to the store that are on their way and will take an entry's place. */
  readonly #leaving: Map<string, number> = new Map();
  readonly #gone: Map<string, number> = new Map();
  #bytes = 0;

  /** No entries, and room for so many bytes. */
  constructor(max: number) {
    this.#max = max;
  }

  /** The entry under a path, now the most recently used. Expired ones are forgotten when met. */
  get(path: string, now: number): LocalEntry | undefined {
    const entry = this.#entries.get(path);
    if (entry === undefined) return undefined;
    if (entry.expiresAt > 0 && entry.expiresAt <= now) {
      this.delete(path);
      return undefined;
    }
    this.#entries.delete(path);
    this.#entries.set(path, entry);
    return entry;
  }

  /** Keeps an entry; others go if there is no room. */
  set(path: string, entry: LocalEntry): void {
    this.delete(path);
    this.#entries.set(path, entry);
    this.#bytes += sizeOf(path, entry);
    for (const [oldest] of this.#entries) {
      if (this.#bytes <= this.#max) break;
      this.delete(oldest);
    }
  }

  /** Forgets an entry. */
  delete(path: string): void {
    const entry = this.#entries.get(path);
    if (entry === undefined) return;
    this.#entries.delete(path);
    this.#bytes -= sizeOf(path, entry);
    this.#gone.set(path, entry.revision);
    for (const [oldest] of this.#gone) {
      if (this.#gone.size <= REMEMBERED) break;
      this.#gone.delete(oldest);
    }
  }

  /** The last revision that an entry here had under a path; 0 for none. */
  lastRevision(path: string): number {
    return this.#entries.get(path)?.revision ?? this.#gone.get(path) ?? 0;
  }

  /** The paths that begin with a prefix and have not expired, in no order. */
  paths(prefix: string, now: number): string[] {
    return [...this.#entries.keys()].filter((path) => path.startsWith(prefix)).filter((path) => {
      const { expiresAt } = this.#entries.get(path)!;
      return expiresAt === 0 || expiresAt > now;
    });
  }

  /** Whether an entry is here to stay: then it can be changed without asking the store. */
  isSettled(path: string, now: number): boolean {
    return this.get(path, now) !== undefined && !this.#leaving.has(path);
  }

  /** Says that a write to the store was begun that may take the entry's place; call what it returns when it is over. */
  leave(path: string): () => void {
    this.#leaving.set(path, (this.#leaving.get(path) ?? 0) + 1);
    return () => {
      const left = this.#leaving.get(path)! - 1;
      if (left > 0) this.#leaving.set(path, left);
      else this.#leaving.delete(path);
    };
  }
}

function sizeOf(path: string, entry: LocalEntry): number {
  return OVERHEAD_BYTES + 2 * (path.length + entry.text.length);
}
