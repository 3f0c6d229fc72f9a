/**
 * Rows: the current value of an entry, and what is left of a deleted one.
 *
 * @module
 */
import { formatHeader, parseChange, payloadSeal, type SealedChange } from "./change.ts";
import type { Stored } from "./port.ts";
import { corrupt, FORMAT, openEnvelope, parseLine, type Seal } from "./seal.ts";

/** A change as a row holds it: with its commit and that commit's time. */
export interface Row extends SealedChange {
  readonly commit: number;
  readonly at: number;
}

/** What is known of one entry as of the head: its row, or since when and at which revision there is none. */
export interface Slot {
  /** The commit that changed it last; 0 if none did. */
  readonly commit: number;
  /** The revision that its next one is counted from: the one that it has, or had, or may have had; 0 if it never was. */
  readonly revision: number;
  readonly row: Row | undefined;
}

/** An entry that never was. */
export const emptySlot: Slot = { commit: 0, revision: 0, row: undefined };

/** What is known of an entry by its row. */
export function slotOf(row: Row): Slot {
  return { commit: row.commit, revision: row.revision, row };
}

/** The same, but that revisions up to this one count as used; -1, for one that was not asked for, stays. */
export function countedFrom(revision: number, slot: Slot): Slot {
  return slot.revision < 0 || slot.revision >= revision ? slot : { ...slot, revision };
}

/** What the second line's digest of a row is taken of. It covers the header, which covers the payload. */
export function rowSeal(row: Row): string {
  return `${row.commit},${row.at}\n${row.header}`;
}

/** A row as it is stored, given its digest. */
export function formatRow(row: Row, digest: string): string {
  return `R${FORMAT}\n[${row.commit},${row.at},"${digest}"]\n${row.header}\n${row.payload}`;
}

/**
 * The row under a path.
 *
 * @throws {StateError} STATE_CORRUPT if it does not prove itself, or stands in another's place
 */
export async function parseRow(text: Stored, path: string, seal: Seal): Promise<Row> {
  const what = `the row "${path}"`;
  const [top, header = "", payload = ""] = cutLines(openEnvelope("R", text, what));
  const [commit, at, rowDigest] = parseLine(top, what) as [number, number, string];
  const { change, digest } = parseChange(header, payload, what);
  const row = { ...change, commit, at };
  const [ofRow, ofPayload] = await seal([rowSeal(row), payloadSeal(row)]);
  if (ofRow !== rowDigest || ofPayload !== digest) throw corrupt(what, "its digest does not fit", undefined, path);
  if (row.path !== path || row.op !== "s" || formatHeader(row, digest) !== header) {
    throw corrupt(what, `it holds "${row.path}"`, undefined, path);
  }
  return row;
}

/** What the digest of a deleted entry's rest is taken of. */
export function goneSeal(path: string, slot: Slot): string {
  return `${slot.revision},${slot.commit}\n${path}`;
}

/** What is left of a deleted entry, as it is stored. */
export function formatGone(slot: Slot, digest: string): string {
  return `G${FORMAT}\n[${slot.revision},${slot.commit},"${digest}"]`;
}

/**
 * What is left of the deleted entry under a path.
 *
 * @throws {StateError} STATE_CORRUPT if it does not prove itself
 */
export async function parseGone(text: Stored, path: string, seal: Seal): Promise<Slot> {
  const what = `what is left of "${path}"`;
  const [revision, commit, digest] = parseLine(openEnvelope("G", text, what), what) as [number, number, string];
  const slot = { revision, commit, row: undefined };
  const [wanted] = await seal([goneSeal(path, slot)]);
  if (digest !== wanted) throw corrupt(what, "its digest does not fit", undefined, path);
  return slot;
}

/** The three lines of a row's body. */
function cutLines(body: string): string[] {
  const first = body.indexOf("\n");
  const second = body.indexOf("\n", first + 1);
  return [body.slice(0, first), body.slice(first + 1, second), body.slice(second + 1)];
}
