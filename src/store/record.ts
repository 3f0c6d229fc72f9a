/**
 * Records: what the log is made of. One record holds one or more commits from its number on, and names the digest of the
 * record before it.
 *
 * ```text
 * L1
 * [first, epoch, at, prev, commits]        the record
 * [txid, op, changes]                      a commit; with a fourth field, its changes stand in an object
 * header                                   a change, two lines each
 * payload
 * …
 * ```
 *
 * digest(record) = SHA-256(line 2 ‖ D₁ ‖ … ‖ Dₙ) with Dᵢ = SHA-256(commit line ‖ its header lines): raw bytes, so that no
 * second spelling of a record has the same digest; payloads are covered by the digests in the headers.
 *
 * @module
 */
import { formatHeader, type ObjectRef, parseChange, payloadSeal, type SealedChange } from "./change.ts";
import type { Stored } from "./port.ts";
import { corrupt, FORMAT, openEnvelope, parseLine, type Seal } from "./seal.ts";

/** One atomic change of the state. */
export interface Commit {
  /** Unique: the writer's random id and a number. */
  readonly txid: string;
  /** The verb that made it. */
  readonly op: string;
  readonly changes: readonly SealedChange[];
  /** Where the changes stand if they are too many; `changes` is empty then. */
  readonly set?: ChangeSetRef;
}

/** A change set that stands in objects: a list of its pieces. */
export interface ChangeSetRef {
  readonly list: ObjectRef;
  readonly changes: number;
}

/** A record: its commits are numbered from `first`. */
export interface LogRecord {
  readonly first: number;
  readonly epoch: number;
  readonly at: number;
  readonly prev: string;
  readonly commits: readonly Commit[];
}

/** The record as it is stored, and its digest. */
export async function formatRecord(record: LogRecord, seal: Seal): Promise<{ readonly text: string; readonly digest: string }> {
  const top = JSON.stringify([record.first, record.epoch, record.at, record.prev, record.commits.length]);
  const lines = [`L${FORMAT}`, top];
  const parts = record.commits.map((commit) => {
    const line = commitLine(commit);
    lines.push(line);
    for (const change of commit.changes) lines.push(change.header, change.payload);
    return sealedPart(line, commit.changes);
  });
  return { text: lines.join("\n"), digest: await recordDigest(top, parts, seal) };
}

/**
 * The record that goes by a number.
 *
 * @throws {StateError} STATE_CORRUPT if it is malformed, goes by another number, or a payload does not fit its digest; whether it
 * belongs into the chain is the caller's to judge, by `prev` and `digest`. Without `payloads` only what the chain covers is
 * proven: enough for who needs no value
 */
export async function parseRecord(
  text: Stored | undefined,
  first: number,
  seal: Seal,
  how: { readonly payloads: boolean } = { payloads: true },
): Promise<LogRecord & { readonly digest: string }> {
  const what = `the record of commit ${first}`;
  const lines = openEnvelope("L", text, what, first).split("\n");
  const [number, epoch, at, prev, count] = parseLine(lines[0], what) as [number, number, number, string, number];
  const commits: Commit[] = [];
  const parts: string[] = [];
  const payloads: string[] = [];
  const digests: string[] = [];
  let next = 1;
  while (next < lines.length) {
    const line = lines[next++]!;
    const [txid, op, size, ...set] = parseLine(line, what) as [string, string, number, string?, number?, number?];
    const changes: SealedChange[] = [];
    const held = set[0] === undefined ? size : 0;
    for (let i = 0; i < held; i++, next += 2) {
      if (next + 1 >= lines.length) throw corrupt(what, "it is cut short", first);
      const { change, digest } = parseChange(lines[next]!, lines[next + 1]!, what);
      if (formatHeader(change, digest) !== lines[next]) throw corrupt(what, "a change in it is malformed", first);
      changes.push(change);
      if (how.payloads) payloads.push(payloadSeal(change));
      digests.push(digest);
    }
    const commit = { txid, op, changes, ...(set[0] === undefined ? {} : { set: parseSet(size, set) }) };
    if (commitLine(commit) !== line) throw corrupt(what, "a commit in it is malformed", first);
    commits.push(commit);
    parts.push(sealedPart(line, changes));
  }
  const found = await seal(payloads);
  if (number !== first || count !== commits.length || found.some((digest, i) => digest !== digests[i])) {
    throw corrupt(what, "it does not hold what it says", first);
  }
  return { first, epoch, at, prev, commits, digest: await recordDigest(lines[0]!, parts, seal) };
}

function commitLine(commit: Commit): string {
  const { set } = commit;
  return JSON.stringify(
    set === undefined
      ? [commit.txid, commit.op, commit.changes.length]
      : [commit.txid, commit.op, set.changes, set.list.name, set.list.pieces, set.list.bytes],
  );
}

function parseSet(
  changes: number,
  [name = "", pieces = 0, bytes = 0]: readonly [string?, number?, number?] | readonly (string | number | undefined)[],
): ChangeSetRef {
  return { changes, list: { name: String(name), pieces: Number(pieces), bytes: Number(bytes) } };
}

function sealedPart(line: string, changes: readonly SealedChange[]): string {
  return [line, ...changes.map((change) => change.header)].join("\n");
}

async function recordDigest(top: string, parts: readonly string[], seal: Seal): Promise<string> {
  const digests = await seal(parts);
  const [digest] = await seal([[top, ...digests].join("\n")]);
  return digest!;
}
