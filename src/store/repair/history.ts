/**
 * What the log still proves: its records are proven from the newest down, each by the one that follows it.
 *
 * @module
 */
import type { ObjectRef } from "../change.ts";
import type { Head } from "../head.ts";
import { pad, type Paths } from "../paths.ts";
import type { Stored } from "../port.ts";
import { type ChangeSetRef, parseRecord } from "../record.ts";
import type { Seal } from "../seal.ts";
import { attempt, everything, type Source } from "./source.ts";

/** A change that a record holds. */
export interface FoundChange {
  readonly path: string;
  readonly object: ObjectRef | undefined;
  readonly drops: readonly ObjectRef[];
}

/** A commit that a record holds. */
export interface FoundCommit {
  readonly number: number;
  readonly changes: readonly FoundChange[];
  readonly set: ChangeSetRef | undefined;
}

/** A record whose payloads fit their digests; the chain is another matter. */
export interface FoundRecord {
  readonly first: number;
  readonly last: number;
  readonly prev: string;
  readonly digest: string;
  readonly epoch: number;
  readonly at: number;
  /** UTF-16 units. */
  readonly size: number;
  readonly commits: readonly FoundCommit[];
  /** Whether its chain is proven, too: by the record behind it, by the head, or by what carried it. */
  readonly isCovered: boolean;
  /** It stands where it belongs. */
  readonly stands: boolean;
  /** It stands there, or did before it was set aside. */
  readonly isAtHome: boolean;
  /** The record itself, where it does not stand there. */
  readonly text: string | undefined;
}

/** What was found of the log. */
export interface History {
  /** Records that prove themselves, oldest first. */
  readonly records: readonly FoundRecord[];
  /** The highest number whose record may be gone. */
  readonly horizon: number;
  /** The highest number that is known to have been used. */
  readonly newest: number;
  /** What stands where records belong and is none, or is not the one that belongs there. */
  readonly strays: readonly string[];
}

/** Beyond so many missing numbers, what stands behind them is no part of this log. */
const GAP = 4096;

/**
 * Reads all records. `head`: `undefined` where it does not prove itself, as in the text that may stand in its place; or one that
 * stood there once, with `isOld`.
 */
export async function readHistory(head: Head | undefined, source: Source, paths: Paths, seal: Seal, isOld = false): Promise<History> {
  const parsed: FoundRecord[] = [];
  /** What stands at a number and is no record with that number. */
  const broken = new Map<number, Stored[]>();
  const standing = new Set<string>();
  /** Numbers under which something stands. */
  const numbers: number[] = [];
  for await (const { key, found } of everything(source, paths.logs)) {
    for (const { value, isTrusted, stands } of found) {
      const record = await attempt(() => parseFound(value, { isTrusted, stands }, paths, key, seal), head === undefined);
      const number = numberIn(key, paths);
      // What the log was cut behind, and is only found elsewhere, is no part of it any more.
      if (record !== undefined && (record.stands || record.last > (head?.horizon ?? 0))) parsed.push(record);
      if (stands && number !== undefined) numbers.push(number);
      if (number !== undefined && record?.first !== number) broken.set(number, [...broken.get(number) ?? [], value]);
      if (stands) standing.add(key);
    }
  }
  const atHome = parsed.filter(({ isAtHome }) => isAtHome);
  const known = knownUpTo([...atHome.map(({ first }) => first), ...numbers], head, atHome);
  const [heads = []] = head === undefined ? await source.getMany([paths.head]) : [];
  broken.set(known + 1, [...broken.get(known + 1) ?? [], ...heads.map(({ value }) => value)]);
  const records = proven(parsed.filter(({ last, isAtHome }) => last <= known || !isAtHome), broken, head);
  const newest = Math.max(known, records.at(-1)?.last ?? 0);
  const lowest = Math.min(newest + 1, ...records.map(({ first }) => first), ...numbers);
  const kept = new Set(records.filter(({ stands }) => stands).map(({ first }) => paths.log(first)));
  return {
    records,
    horizon: head === undefined ? lowest - 1 : isOld ? Math.max(head.horizon, lowest - 1) : head.horizon,
    newest,
    strays: [...standing].filter((key) => !kept.has(key)),
  };
}

/** The record that a text is, by the number that it says. */
async function parseFound(
  value: Stored,
  { isTrusted, stands }: { readonly isTrusted: boolean; readonly stands: boolean },
  paths: Paths,
  key: string,
  seal: Seal,
): Promise<FoundRecord | undefined> {
  const [, said] = typeof value === "string" ? /^L\d+\n\[(\d{1,16}),/.exec(value) ?? [] : [];
  if (said === undefined) return undefined;
  const record = await parseRecord(value, Number(said), seal);
  const isHere = stands && key === paths.log(record.first);
  return {
    first: record.first,
    last: record.first + record.commits.length - 1,
    prev: record.prev,
    digest: record.digest,
    epoch: record.epoch,
    at: record.at,
    size: value.length,
    commits: record.commits.map(({ changes, set }, i) => ({
      number: record.first + i,
      changes: changes.map(({ path, object, drops }) => ({ path, object, drops })),
      set,
    })),
    isCovered: isTrusted,
    isAtHome: key === paths.log(record.first),
    stands: isHere,
    text: isHere ? undefined : value as string,
  };
}

function numberIn(key: string, paths: Paths): number | undefined {
  const digits = key.slice(paths.logs.length);
  const number = Number(digits);
  return pad(number) === digits && Number.isSafeInteger(number) && number > 0 ? number : undefined;
}

/** The highest number that is used without too large a gap below it. */
function knownUpTo(numbers: readonly number[], head: Head | undefined, parsed: readonly FoundRecord[]): number {
  const lastOf = new Map<number, number>();
  for (const { first, last } of parsed) lastOf.set(first, Math.max(last, lastOf.get(first) ?? 0));
  const sorted = [...new Set(numbers)].sort((a, b) => a - b);
  let known = head?.commit ?? (sorted[0] ?? 1) - 1;
  for (const number of sorted) if (number <= known + GAP) known = Math.max(known, lastOf.get(number) ?? number);
  return known;
}

/**
 * The records of one chain, oldest first. A record is covered by the one behind it, or by the head. Where that is lost, it
 * counts by what it is itself, unless the one below says otherwise: then there is no telling which of the two is damaged.
 */
function proven(parsed: readonly FoundRecord[], broken: ReadonlyMap<number, readonly Stored[]>, head: Head | undefined): FoundRecord[] {
  const byFirst = new Map<number, FoundRecord[]>();
  for (const record of [...parsed].sort((a, b) => Number(b.stands) - Number(a.stands))) {
    byFirst.set(record.first, [...byFirst.get(record.first) ?? [], record]);
  }
  // A damaged successor that still holds the digest has not got it by accident.
  const isNamed = ({ last, digest }: FoundRecord) =>
    byFirst.get(last + 1)?.some(({ prev }) => prev === digest) === true ||
    broken.get(last + 1)?.some((value) => typeof value === "string" && value.includes(`"${digest}"`)) === true;
  const chain: FoundRecord[] = [];
  for (const first of [...byFirst.keys()].sort((a, b) => b - a)) {
    const above = chain.at(-1);
    const candidates = byFirst.get(first)!.filter(({ last }) => above === undefined || last < above.first);
    const isNext = ({ last }: FoundRecord) => above?.first === last + 1;
    const wanted = (record: FoundRecord) =>
      isNext(record) ? above!.prev : record.last === head?.commit ? head.digest || undefined : undefined;
    const fitting = candidates.find((record) => wanted(record) === record.digest);
    if (fitting !== undefined) {
      chain.push({ ...fitting, isCovered: true });
      continue;
    }
    const free = candidates.filter((record) => wanted(record) === undefined);
    const covered = free.find((record) => record.isCovered || isNamed(record));
    // In another's place it may be that other, with a number that is damaged.
    const single = covered ?? free.find(({ isAtHome }) => isAtHome);
    if (single !== undefined) chain.push({ ...single, isCovered: covered !== undefined });
    else if (candidates.some(isNext) && above?.isCovered === false) chain.pop();
  }
  return chain.reverse();
}
