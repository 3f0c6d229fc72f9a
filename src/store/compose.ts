/**
 * Composing a record: operations run in order, each against the head and what is queued before it; what they change becomes
 * one batch for the driver.
 *
 * @module
 */
import { checkChange } from "./change.ts";
import type { Commit } from "./record.ts";
import { formatRecord } from "./record.ts";
import { objectKeys } from "./objects.ts";
import type { ChangeDraft, Draft, Operation } from "./operation.ts";
import { rowBytes, sealChanges, slotAfter } from "./operation.ts";
import type { DriverBatch, DriverSupports } from "./driver.ts";
import { formatHead, type Head } from "./head.ts";
import { isCallers, type Paths } from "./paths.ts";
import type { Stored } from "./port.ts";
import { covers, type Recent } from "./recent.ts";
import { formatGone, formatRow, goneSeal, rowSeal, type Slot } from "./row.ts";
import type { Seal } from "./seal.ts";

/** What an operation came to. */
export type Outcome = { readonly result: unknown } | { readonly error: unknown };

/** An operation that ran, and what it changes. */
export interface Ran {
  readonly outcome: Outcome;
  readonly changes: readonly ChangeDraft[];
}

/** Bytes that a change adds to a batch beside its payload: keys, headers, digests, twice. */
const CHANGE_OVERHEAD = 1024;
/** The keys that a record needs for itself: its own and the head, the check of the head, and one to spare. */
const RECORD_OPS = 4;

/** What a change costs of a driver's batch. */
export function costOf(change: ChangeDraft): { readonly ops: number; readonly bytes: number; readonly inline: number } {
  const inline = change.payload.length * 3 + CHANGE_OVERHEAD + 128 * change.drops.length;
  const body = change.body?.pieces.reduce((sum, piece) => sum + piece.length + CHANGE_OVERHEAD / 4, 0) ?? 0;
  // A row or its rest set, the other removed, an expiry set, another removed; and the pieces of its object.
  return { ops: 4 + (change.body?.pieces.length ?? 0), bytes: 2 * inline + body, inline };
}

/** Runs operations in order until the next one would not fit into one batch. */
export function runAll(
  operations: readonly Operation<unknown>[],
  head: Head,
  slots: ReadonlyMap<string, Slot>,
  recent: Recent,
  now: number,
  supports: DriverSupports,
): { readonly ran: readonly Ran[]; readonly tooLarge: boolean } {
  const at = Math.max(now, head.at);
  const over = new Map<string, Slot>();
  const shared = {};
  const ran: Ran[] = [];
  let commit = head.commit + 1;
  let ops = RECORD_OPS;
  let bytes = CHANGE_OVERHEAD;
  let inline = CHANGE_OVERHEAD;
  for (const operation of operations) {
    const changes: ChangeDraft[] = [];
    const draft: Draft = {
      attempt: shared,
      commit,
      at,
      slot: (path) => over.get(path) ?? slots.get(path) ?? unasked(path),
      changedSince: (path, since) => over.has(path) || recent.changedSince(path, since),
      rangeChangedSince: (range, since) => [...over.keys()].some((path) => covers(range, path)) || recent.rangeChangedSince(range, since),
      put: (change) => changes.push(checkChange(change)),
    };
    const outcome = attempt(() => operation.run(draft));
    if ("error" in outcome) changes.length = 0;
    for (const change of changes) {
      const cost = costOf(change);
      ops += cost.ops;
      bytes += cost.bytes;
      inline += cost.inline;
    }
    if (ops > supports.batchOps || bytes > supports.batchBytes || inline > supports.valueBytes) {
      return { ran, tooLarge: ran.length === 0 };
    }
    ran.push({ outcome, changes });
    for (const change of changes) over.set(change.path, slotAfter({ ...change, header: "" }, commit, at));
    if (changes.length > 0) commit++;
  }
  return { ran, tooLarge: false };
}

function attempt(run: () => unknown): Outcome {
  try {
    return { result: run() };
  } catch (error) {
    return { error };
  }
}

function unasked(path: string): never {
  throw new TypeError(`Cannot read "${path}" in an operation that did not name it`);
}

/** A record ready to be written: the batch, and what holds once it has landed. */
export interface Composed {
  readonly batch: DriverBatch;
  readonly head: Head;
  readonly text: string;
  readonly commits: readonly Commit[];
  readonly slots: ReadonlyMap<string, Slot>;
  /** Characters of the record's text. */
  readonly bytes: number;
}

/** What a record is made of beside the operations' changes. */
export interface ComposeParts {
  readonly head: Head;
  readonly headText: string;
  readonly now: number;
  readonly paths: Paths;
  readonly seal: Seal;
  readonly durable: boolean;
}

/** One commit in the making. */
export interface CommitDraft {
  readonly txid: string;
  readonly verb: string;
  readonly changes: readonly ChangeDraft[];
}

/**
 * Seals commits into one record and one batch. Objects come first in the batch, then the record, the head, the rows: where a
 * driver breaks its word and tears a batch, what stands is one that recovery can complete.
 */
export async function composeRecord(drafts: readonly CommitDraft[], parts: ComposeParts): Promise<Composed> {
  const { head, paths, seal } = parts;
  const first = head.commit + 1;
  const at = Math.max(parts.now, head.at);
  const sealed = await sealChanges(drafts.flatMap(({ changes }) => changes), seal);
  const slots = new Map<string, Slot>();
  const commits: Commit[] = [];
  const objects: (readonly [string, Stored])[] = [];
  const figures = { entries: head.entries, valueBytes: head.valueBytes, objectBytes: head.objectBytes };
  const expired = new Set<string>();
  const rests = new Set<string>();
  let from = 0;
  for (const [i, { txid, verb, changes }] of drafts.entries()) {
    const own = sealed.slice(from, from += changes.length);
    commits.push({ txid, op: verb, changes: own });
    for (const [k, change] of own.entries()) {
      const { before, body } = changes[k]!;
      const last = slots.get(change.path) ?? before;
      if (last === before && before.row === undefined && before.commit > 0) rests.add(change.path);
      const after = slotAfter(change, first + i, at);
      slots.set(change.path, after);
      if (isCallers(change.path)) figures.entries += Number(after.row !== undefined) - Number(last.row !== undefined);
      figures.valueBytes += rowBytes(after) - rowBytes(last);
      if (body !== undefined) {
        figures.objectBytes += body.ref.bytes;
        objectKeys(body.ref, paths).forEach((key, n) => objects.push([key, body.pieces[n]!]));
      }
      if (change.expiredAt > 0) expired.add(paths.expiry(change.expiredAt, change.path));
    }
  }
  const record = { first, epoch: head.epoch, at, prev: head.digest, commits };
  const { text: recordText, digest } = await formatRecord(record, seal);
  const commit = first + commits.length - 1;
  const next: Head = { ...head, ...figures, commit, first, digest, at, applied: commit, logBytes: head.logBytes + recordText.length };
  const text = await formatHead(next, seal);
  const rows = await formatRows(slots, paths, seal, (path) => rests.has(path));
  const kept = new Set(rows.set.map(([key]) => key));
  return {
    batch: {
      checks: [{ key: paths.head, is: parts.headText }],
      set: [...objects, [paths.log(first), recordText], [paths.head, text], ...rows.set],
      remove: [...rows.remove, ...[...expired].filter((key) => !kept.has(key))],
      durable: parts.durable,
    },
    head: next,
    text,
    commits,
    slots,
    bytes: recordText.length,
  };
}

/**
 * What slots are in the driver: a row or what is left of one, never both, and a place in the expiry index. `hadRest`: whether
 * what is left of a deleted entry may stand under a path.
 */
export async function formatRows(
  slots: ReadonlyMap<string, Slot>,
  paths: Paths,
  seal: Seal,
  hadRest: (path: string) => boolean,
): Promise<{ readonly set: readonly (readonly [string, string])[]; readonly remove: readonly string[] }> {
  const all = [...slots];
  const digests = await seal(all.map(([path, slot]) => slot.row === undefined ? goneSeal(path, slot) : rowSeal(slot.row)));
  const set: (readonly [string, string])[] = [];
  const remove: string[] = [];
  for (const [i, [path, slot]] of all.entries()) {
    const { row } = slot;
    if (row === undefined) {
      set.push([paths.gone(path), formatGone(slot, digests[i]!)]);
      remove.push(paths.row(path));
    } else {
      set.push([paths.row(path), formatRow(row, digests[i]!)]);
      if (hadRest(path)) remove.push(paths.gone(path));
      if (row.expiresAt > 0) set.push([paths.expiry(row.expiresAt, path), `X1`]);
    }
  }
  return { set, remove };
}
