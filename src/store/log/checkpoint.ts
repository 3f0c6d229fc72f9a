/**
 * Checkpoints: the log up to a frame, as runs. They are numbered from 0 without a gap, each created exclusively and built on
 * the one before; the one numbered 0 is what makes a namespace. The two newest are kept.
 *
 * @module
 */
import { pad } from "../paths.ts";
import { refuseFeatures } from "../head.ts";
import { corrupt, FORMAT, openEnvelope, type Seal } from "../seal.ts";
import { isCount, isListOf, isNameUnder, isText, isToken, isTuple } from "./shape.ts";
import { isPageRef, type RunRef } from "./table.ts";

/** Levels of indexes: each multiplies the pages by some hundred. */
const MOST_DEPTH = 16;
/** Names that one checkpoint drops: the pages of a hundred gigabytes. */
const MOST_NAMES = 1 << 22;

/** What a checkpoint says. */
export interface Checkpoint {
  /** What all keys of the namespace begin with: a driver may cut names that are too long. */
  readonly root: string;
  /** Random, made with the namespace. */
  readonly id: string;
  /** Its own number. */
  readonly generation: number;
  /** The last frame that is in the runs, and its digest. */
  readonly frame: number;
  readonly digest: string;
  /** When it was made. */
  readonly at: number;
  /** Older checkpoints that still stand, and when they were made: a list that lags may show no newer one yet. */
  readonly staying: readonly (readonly [generation: number, at: number])[];
  /** Where the next frame is looked for: a byte of a segment; without segments, the number of an object under a prefix. */
  readonly segment: { readonly name: string; readonly from: number };
  /** The highest frame that may be gone. */
  readonly horizon: number;
  /** Newest first. */
  readonly runs: readonly RunRef[];
  /** What the last batch set or removed, as far as it is small: what opening looks at needs no page then. */
  readonly hot: readonly (readonly [key: string, value: string | null])[];
  /** Tokens of objects that are being made for a later checkpoint, by the frame that said so, and when. */
  readonly making: readonly (readonly [token: string, frame: number, at: number])[];
  /** Objects and segments that the checkpoint before this one named and this one does not: they go with that one. */
  readonly dropped: readonly string[];
  /** What the checkpoint before that did without: it goes now. */
  readonly removing: readonly string[];
  /** Tokens whose makers never came back: what goes by them goes too. */
  readonly abandoned: readonly string[];
  /** Sealed segments that are still there, oldest first, with the last frame in each. */
  readonly sealed: readonly (readonly [name: string, last: number])[];
  /** Features that a reader, or a writer, of the log must know. None so far. */
  readonly read: readonly string[];
  readonly write: readonly string[];
}

/** A checkpoint and what it is stored as. */
export interface StoredCheckpoint extends Checkpoint {
  readonly text: string;
}

/** The keys that a namespace's log uses. */
export interface LogPaths {
  readonly checkpoints: string;
  checkpoint(generation: number): string;
  /** Prefix of all objects of runs. */
  readonly runs: string;
  /** A page or an index. */
  run(token: string, number: number): string;
  /** Prefix of the frames of a log without segments. */
  readonly frames: string;
  /** The pins of long readers. */
  readonly pins: string;
  /** Who writes, where that may be only one. */
  readonly lease: string;
  /** One of two fixed places for checkpoints, where nothing can be listed. */
  slot(generation: number): string;
  readonly segments: string;
  /** A segment; the number is the first that a frame in it can have. */
  segment(first: number, token: string): string;
}

/** The keys under a namespace's root, as in `app!`. */
export function createLogPaths(root: string): LogPaths {
  return {
    checkpoints: `${root}ckpt!`,
    checkpoint: (generation) => `${root}ckpt!${pad(generation)}`,
    runs: `${root}run!`,
    run: (token, number) => `${root}run!${token}-${pad(number).slice(-8)}`,
    frames: `${root}frame!`,
    pins: `${root}pin!`,
    lease: `${root}lease`,
    slot: (generation) => `${root}ckpt!${generation % 2 === 0 ? "a" : "b"}`,
    segments: `${root}seg!`,
    segment: (first, token) => `${root}seg!${pad(first)}-${token}`,
  };
}

/** Names that are to be removed, as they are stored: `[name, count]` for those whose numbers follow each other. */
type Packed = readonly (string | readonly [name: string, count: number])[];

/** The checkpoint as it is stored: `C1`, a digest, JSON. */
export async function formatCheckpoint(checkpoint: Checkpoint, seal: Seal): Promise<StoredCheckpoint> {
  const json = JSON.stringify({ ...checkpoint, dropped: pack(checkpoint.dropped), removing: pack(checkpoint.removing) });
  const [digest] = await seal([json]);
  return { ...checkpoint, text: `C${FORMAT}\n${digest}\n${json}` };
}

/**
 * A checkpoint from its stored form; with this number, if one is given.
 *
 * @throws {StateError} STATE_CORRUPT if it does not prove itself
 * @throws {StateError} STATE_NEWER_FORMAT if a newer version of the library made it
 */
export async function parseCheckpoint(
  text: unknown,
  generation: number | undefined,
  paths: LogPaths,
  seal: Seal,
): Promise<StoredCheckpoint> {
  const what = generation === undefined ? "a checkpoint of the log" : `checkpoint ${generation} of the log`;
  const body = openEnvelope("C", text as string, what);
  const cut = body.indexOf("\n");
  const json = body.slice(cut + 1);
  if (cut < 0 || !json.isWellFormed() || body.slice(0, cut) !== (await seal([json]))[0]) throw corrupt(what, "its digest does not fit");
  const stored = parseObject(json, what) as unknown as Checkpoint & { readonly dropped: Packed; readonly removing: Packed };
  if (generation !== undefined && stored.generation !== generation) {
    throw corrupt(what, `it says that it is checkpoint ${stored.generation}`);
  }
  if (isListOf(stored.read, isText)) refuseFeatures(stored.read);
  const wrong = Object.entries(shapeOf(stored.root, paths)).find(([field, is]) => !is(stored[field as keyof Checkpoint]));
  if (wrong !== undefined) throw corrupt(what, `its "${wrong[0]}" is none of this namespace`);
  const checkpoint: Checkpoint = { ...stored, dropped: unpack(stored.dropped), removing: unpack(stored.removing) };
  const gone = new Set([...checkpoint.dropped, ...checkpoint.removing]);
  const { segment, sealed, runs } = checkpoint;
  if ([segment, ...sealed.map(([name]) => ({ name })), ...runs].some(({ name }) => gone.has(name))) {
    throw corrupt(what, "it removes what it needs");
  }
  return { ...checkpoint, text: text as string };
}

/** What each field may be. */
function shapeOf(root: unknown, paths: LogPaths): Readonly<Record<keyof Checkpoint, (value: unknown) => boolean>> {
  const isSegment = (name: unknown) => isNameUnder(paths.segments, name);
  const isName = (name: unknown) => isSegment(name) || isNameUnder(paths.runs, name) || isNameUnder(paths.frames, name);
  const isKey = (key: unknown) => isText(key) && isText(root) && key.startsWith(root);
  const isRun = (run: unknown) => {
    const { pages, depth, ...ref } = Object(run) as RunRef;
    return isPageRef(ref, paths.runs) && isKey(ref.first) && isKey(ref.last) && isCount(pages) && isCount(depth) && depth <= MOST_DEPTH;
  };
  const isPacked = (names: unknown) =>
    isListOf(names, (name) => isName(name) || isTuple(name, isName, isCount)) &&
    (names as Packed).reduce((sum, name) => sum + (typeof name === "string" ? 1 : name[1]), 0) <= MOST_NAMES;
  return {
    root: isText,
    id: isToken,
    generation: isCount,
    frame: isCount,
    digest: isText,
    at: Number.isFinite,
    staying: (all) => isListOf(all, (one) => isTuple(one, isCount, Number.isFinite)),
    segment: (at) => {
      const { name, from } = Object(at) as Checkpoint["segment"];
      return (isSegment(name) || name === paths.frames) && isCount(from);
    },
    horizon: isCount,
    runs: (runs) => isListOf(runs, isRun),
    hot: (hot) => isListOf(hot, (op) => isTuple(op, isKey, (value) => value === null || isText(value))),
    making: (all) => isListOf(all, (maker) => isTuple(maker, isToken, isCount, Number.isFinite)),
    dropped: isPacked,
    removing: isPacked,
    abandoned: (tokens) => isListOf(tokens, isToken),
    sealed: (all) => isListOf(all, (one) => isTuple(one, isSegment, isCount)),
    read: (features) => isListOf(features, isText),
    write: (features) => isListOf(features, isText),
  };
}

function parseObject(json: string, what: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(json);
    if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
  } catch { /* told below */ }
  throw corrupt(what, "it is no JSON object");
}

/** The digits that a name ends in. */
const numbered = /^(.*?)(\d{8,16})$/;

function pack(names: readonly string[]): Packed {
  const packed: (string | [string, number])[] = [];
  let next: string | undefined;
  for (const name of [...names].sort()) {
    const last = packed.length - 1;
    if (name === next) {
      const run = packed[last]!;
      packed[last] = typeof run === "string" ? [run, 2] : [run[0], run[1] + 1];
    } else packed.push(name);
    next = following(name);
  }
  return packed;
}

function unpack(packed: Packed): string[] {
  return packed.flatMap((run) => {
    if (typeof run === "string") return [run];
    const names: string[] = [];
    for (let name: string | undefined = run[0]; name !== undefined && names.length < run[1]; name = following(name)) names.push(name);
    return names;
  });
}

/** The name with the next number. */
function following(name: string): string | undefined {
  const match = numbered.exec(name);
  if (match === null) return undefined;
  const digits = String(Number(match[2]) + 1);
  return digits.length > match[2]!.length ? undefined : match[1] + digits.padStart(match[2]!.length, "0");
}
