/**
 * Bulk writes: accepted in memory, coalesced by key, committed together a moment later, or before the next commit of any
 * other class. One commit takes all of them, so that what is stored is always what had been accepted up to some moment.
 *
 * @module
 */
import type { Draft, Operation } from "../store/operation.ts";
import { draftSave } from "../store/draft_change.ts";
import type { LocalEntry } from "./ephemeral.ts";
import { isLive } from "./live.ts";
import type { SaveDraft } from "../store/draft_change.ts";

/** A bulk write that was accepted. */
export interface Behind extends LocalEntry {
  readonly path: string;
  readonly save: SaveDraft;
  readonly bytes: number;
}

/** What write-behind takes. */
export interface WriteBehindParts {
  readonly commit: (operation: Operation<unknown>) => Promise<unknown>;
  readonly salt: () => string;
  readonly now: () => number;
  readonly queueBytes: number;
  /** A flush has failed; what was accepted is kept. */
  readonly onFailure: (error: unknown) => void;
}

/** How long an accepted write waits for others. */
const DELAY_MS = 50;
/** How long after a failure it is tried again. */
const RETRY_MS = 1000;

/** The bulk writes of one open state that are not durable yet. */
export class WriteBehind {
  readonly #parts: WriteBehindParts;
  readonly #accepted: Map<string, Behind> = new Map();
  /** Accepted or about to be, by path: the entries that a flush needs. */
  readonly #expected: Map<string, number> = new Map();
  /** What flushes that share a record in the making have taken: a second one does not take it again. */
  #taken: { readonly attempt: object; readonly entries: Set<Behind> } | undefined;
  #bytes = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isStopped = false;

  /** Nothing accepted. */
  constructor(parts: WriteBehindParts) {
    this.#parts = parts;
  }

  /** Whether anything was accepted, or is about to be, and is not durable. */
  get isPending(): boolean {
    return this.#accepted.size > 0 || this.#expected.size > 0;
  }

  /** The paths that begin with a prefix, in no order. */
  paths(prefix: string, now: number): string[] {
    return [...this.#accepted.keys()].filter((path) => path.startsWith(prefix) && this.get(path, now) !== undefined);
  }

  /** What was accepted under a path and has not expired. */
  get(path: string, now: number): Behind | undefined {
    const entry = this.#accepted.get(path);
    return entry !== undefined && (entry.expiresAt === 0 || entry.expiresAt > now) ? entry : undefined;
  }

  /** Whether something was accepted under a path, expired or not: it stands before what is stored. */
  holds(path: string): boolean {
    return this.#accepted.has(path);
  }

  /** Says that a write will be accepted; call what it returns once it was, or was not. */
  expect(path: string): () => void {
    this.#expected.set(path, (this.#expected.get(path) ?? 0) + 1);
    return () => {
      const left = this.#expected.get(path)! - 1;
      if (left > 0) this.#expected.set(path, left);
      else this.#expected.delete(path);
    };
  }

  /** Accepts a write. */
  accept(entry: Behind): void {
    this.#bytes += entry.bytes - (this.#accepted.get(entry.path)?.bytes ?? 0);
    this.#accepted.set(entry.path, entry);
    this.#wait(DELAY_MS);
  }

  /** What a write must wait for until it can be accepted; `undefined` where there is room for it. */
  makeRoom(path: string, bytes: number): Promise<void> | undefined {
    const growth = bytes - (this.#accepted.get(path)?.bytes ?? 0);
    return this.#bytes + growth > this.#parts.queueBytes ? this.flush() : undefined;
  }

  /** Makes durable what was accepted; on failure it is kept, and tried again later. */
  async flush(): Promise<void> {
    this.#wake();
    if (this.isPending) await this.#commit();
  }

  /** Tries nothing by itself any more, and tells only the one who flushes. */
  stop(): void {
    this.#isStopped = true;
    this.#wake();
  }

  /** Commits all that was accepted by the time it runs. */
  operation(): Operation<void> {
    const taken = new Map<string, Behind>();
    const operation: Operation<void> = {
      verb: "bulk",
      bytes: this.#bytes,
      paths: [],
      run: (draft) => {
        taken.clear();
        if (this.#taken?.attempt !== draft.attempt) this.#taken = { attempt: draft.attempt, entries: new Set() };
        for (const [path, entry] of this.#accepted) {
          if (this.#taken.entries.has(entry)) continue;
          this.#taken.entries.add(entry);
          this.#put(draft, entry);
          taken.set(path, entry);
        }
      },
      settled: () => {
        for (const [path, entry] of taken) {
          if (this.#accepted.get(path) !== entry) continue;
          this.#accepted.delete(path);
          this.#bytes -= entry.bytes;
        }
      },
    };
    // Asked for when the operation is about to run: by then more may have been accepted, or be in front of it.
    Object.defineProperty(operation, "paths", { get: () => [...new Set([...this.#accepted.keys(), ...this.#expected.keys()])] });
    return operation;
  }

  #put(draft: Draft, entry: Behind): void {
    const slot = draft.slot(entry.path);
    const fresh = slot.row !== undefined && !isLive(slot.row, this.#parts.now());
    const revision = Math.max(entry.revision, slot.revision + 1);
    draft.put(draftSave(entry.path, slot, entry.save, this.#parts.salt(), [], fresh, revision));
  }

  async #commit(): Promise<void> {
    try {
      await this.#parts.commit(this.operation());
    } catch (error) {
      if (!this.#isStopped) {
        this.#wait(RETRY_MS);
        this.#parts.onFailure(error);
      }
      throw error;
    }
  }

  /** Commits after a while, unless that is to come already. */
  #wait(ms: number): void {
    if (this.#isStopped) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#commit().catch(() => {/* It was told, and is tried again. */});
    }, ms);
  }

  /** Ends the wait. */
  #wake(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
