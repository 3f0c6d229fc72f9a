/**
 * What is handed to the committer: an operation that, given the entries it needs, says what changes.
 *
 * @module
 */
import { type Change, formatHeader, payloadSeal, type SealedChange } from "./change.ts";
import type { ObjectDraft } from "./objects.ts";
import type { Page, PageOptions } from "./page.ts";
import type { PathRange } from "./recent.ts";
import type { Row, Slot } from "./row.ts";
import type { Seal } from "./seal.ts";

/** A change that is still to be sealed. */
export interface ChangeDraft extends Change {
  /** What the operation saw under the path. */
  readonly before: Slot;
  /** The object that its payload names, still to be written. */
  readonly body?: ObjectDraft;
}

/** What an operation sees while it says what changes: the head, and what is queued before it. */
export interface Draft {
  /** The same for all that share a record in the making; another one when they run again. */
  readonly attempt: object;
  /** The number that this commit gets. */
  readonly commit: number;
  /** When it is made; not before any earlier commit. */
  readonly at: number;
  /** One of the operation's `paths`. */
  slot(path: string): Slot;
  /** Whether an entry was changed after a commit, or by what is queued before this. */
  changedSince(path: string, commit: number): boolean;
  /** The same for anything in a range. */
  rangeChangedSince(range: PathRange, commit: number): boolean;
  /** Says a change; at most one a path. */
  put(change: ChangeDraft): void;
}

/** One atomic change in the making. */
export interface Operation<R> {
  /** Recorded with the commit. */
  readonly verb: string;
  /** The entries that `run` may ask for. */
  readonly paths: readonly string[];
  /** About how many bytes it adds. */
  readonly bytes: number;
  readonly operationId?: string | undefined;
  /** Its answer is about this process only, so that the head need not be asked where nothing is written. */
  readonly local?: boolean;
  /** What must be done before it can run; operations behind it wait. */
  readonly ready?: Promise<unknown>;
  /**
   * Says what changes; synchronous; runs again if its commit lost its number. What it throws rejects the operation once all
   * that it saw is durable.
   */
  run(draft: Draft): R;
  /** Called once its commit stands, before its answer is given. */
  settled?(): void;
}

/** What a wide operation sees while it scans: entries as of the commit that it began at, or later and not changed since. */
export interface Scan {
  readonly attempt: object;
  /** The number that this commit gets if nobody is quicker; what depends on it must be scanned again then. */
  readonly commit: number;
  readonly at: number;
  changedSince(path: string, commit: number): boolean;
  rangeChangedSince(range: PathRange, commit: number): boolean;
  /** `within`: a prefix that all of them have; then the whole range counts as seen, and not each path. */
  slots(paths: readonly string[], within?: string): Promise<ReadonlyMap<string, Slot>>;
  page(options: Omit<PageOptions, "exact">): Promise<Page>;
}

/** An operation that reads as much as it wants, alone, and may change more than memory holds. */
export interface WideOperation<R> {
  readonly verb: string;
  readonly bytes: number;
  readonly operationId?: string | undefined;
  readonly ready?: Promise<unknown>;
  /** What it answers names its commit: it must run again if that gets another number. @default false */
  readonly isNumbered?: boolean;
  settled?(): void;
  /** Changes in order of their paths, then the result. Runs again if what it saw has changed. */
  scan(scan: Scan): AsyncGenerator<ChangeDraft, R>;
}

/** Whether a change asks for the engine's strongest durability, and to be read back. */
export function isCritical(change: Change): boolean {
  return change.class === "critical";
}

/** Seals changes: their payloads' digests, in headers. */
export async function sealChanges(changes: readonly ChangeDraft[], seal: Seal): Promise<SealedChange[]> {
  const digests = await seal(changes.map(payloadSeal));
  return changes.map((change, i) => ({ ...change, header: formatHeader(change, digests[i]!) }));
}

/** The slot that a change leaves. */
export function slotAfter(change: SealedChange, commit: number, at: number): Slot {
  const row: Row | undefined = change.op === "s" ? { ...change, commit, at, createdAt: change.createdAt } : undefined;
  return { commit, revision: change.revision, row };
}

/** What a row counts for in the head's figures. */
export function rowBytes(slot: Slot): number {
  return slot.row === undefined ? 0 : slot.row.header.length + slot.row.payload.length;
}
