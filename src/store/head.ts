/**
 * The head of a namespace: one small object that every commit replaces, and that every commit checks.
 *
 * @module
 */
import { StateError } from "../errors.ts";
import { corrupt, FORMAT, openEnvelope, type Seal } from "./seal.ts";

/** What stands in the head. */
export interface Head {
  /** Random, made with the namespace: another one there means that ours was dropped. */
  readonly id: string;
  /** Grows when history is begun anew. */
  readonly epoch: number;
  /** The newest commit; 0 in an empty namespace. */
  readonly commit: number;
  /** The number that the newest record goes by: that of its first commit. */
  readonly first: number;
  /** Digest of the newest record; the next one names it. */
  readonly digest: string;
  /** When the newest record was made. Never runs backwards. */
  readonly at: number;
  /** The newest commit whose rows all stand. Below `commit` while a large one is brought in, step by step. */
  readonly applied: number;
  /** Pieces of that commit already brought in. */
  readonly step: number;
  /** The newest commit that was brought in by steps, so that readers notice one between two looks. */
  readonly stepped: number;
  /** The highest number whose record may be gone. */
  readonly horizon: number;
  readonly entries: number;
  /** Bytes of rows, of the log, and of objects. */
  readonly valueBytes: number;
  readonly logBytes: number;
  readonly objectBytes: number;
  /** The namespace is being taken away: whoever has it open must stop, whoever comes next finishes that first. */
  readonly dropping: boolean;
  /** Features that a reader, or a writer, must know. None so far. */
  readonly read: readonly string[];
  readonly write: readonly string[];
  /** The namespace is being repaired: whoever has it open must stop, whoever comes next must finish that first. Else absent. */
  readonly repairing?: true;
  /** The commit of the last repair that could not keep everything. Absent: there was none. */
  readonly repaired?: number;
  /** Bytes of what repairs have set aside. Absent: nothing. */
  readonly setAside?: number;
}

/** What a head said is not there any more, because the head has moved on: look again. */
export class Overtaken extends Error {}

/** No entry comes to so many revisions between two repairs. */
const REVISIONS_AN_EPOCH = 1e12;

/**
 * The revision that the next one of an entry is counted from, whatever it shows: a repair may have lost the newest revisions
 * of an entry that no commit has changed since, and revisions never come back.
 */
export function leastRevision(head: Head, commit: number): number {
  return head.repaired !== undefined && commit < head.repaired ? (head.epoch - 1) * REVISIONS_AN_EPOCH : 0;
}

/** STATE_CLOSED: the namespace was dropped, or repaired. */
export function dropped(): StateError<"STATE_CLOSED"> {
  return new StateError(
    "STATE_CLOSED",
    "Cannot use the namespace: it was dropped or repaired since it was opened, or where it is kept was deleted, moved or replaced; open it again",
    {
      details: {},
    },
  );
}

/** The digest that the first record of a namespace names as its predecessor's. */
export function genesis(id: string): string {
  return `genesis:${id}`;
}

/** The head of a namespace that was just made. */
export function createHead(id: string, at: number): Head {
  return {
    id,
    epoch: 1,
    commit: 0,
    first: 0,
    digest: genesis(id),
    at,
    applied: 0,
    step: 0,
    stepped: 0,
    horizon: 0,
    entries: 0,
    valueBytes: 0,
    logBytes: 0,
    objectBytes: 0,
    dropping: false,
    read: [],
    write: [],
  };
}

/** The head as it is stored: `H1`, a digest, JSON. */
export async function formatHead(head: Head, seal: Seal): Promise<string> {
  const json = JSON.stringify(head);
  const [digest] = await seal([json]);
  return `H${FORMAT}\n${digest}\n${json}`;
}

/**
 * The head from its stored form.
 *
 * @throws {StateError} STATE_CORRUPT if it does not prove itself
 * @throws {StateError} STATE_NEWER_FORMAT if a newer version of the library is needed to read it
 */
export async function parseHead(text: string | Uint8Array | undefined, seal: Seal): Promise<Head> {
  const what = "the head of the namespace";
  const body = openEnvelope("H", text, what);
  const cut = body.indexOf("\n");
  const json = body.slice(cut + 1);
  const [digest] = await seal([json]);
  if (cut < 0 || body.slice(0, cut) !== digest) throw corrupt(what, "its digest does not fit");
  const head = JSON.parse(json) as Head;
  refuseFeatures(head.read);
  return head;
}

/**
 * Refuses to write a namespace that uses what this version does not know.
 *
 * @throws {StateError} STATE_NEWER_FORMAT if so
 */
export function checkWritable(head: Head): void {
  refuseFeatures(head.write);
}

/**
 * Refuses what this version does not know.
 *
 * @throws {StateError} STATE_NEWER_FORMAT if there is any feature
 */
export function refuseFeatures(features: readonly string[]): void {
  if (features.length === 0) return;
  throw new StateError(
    "STATE_NEWER_FORMAT",
    `Cannot use the namespace: it needs ${features.map((name) => `"${name}"`).join(", ")}, which this version of the library does not know`,
    { details: { stored: FORMAT + 1, supported: FORMAT } },
  );
}
