/**
 * The frames of a log that may be damaged: those that prove themselves and belong to one chain, over gaps, too.
 *
 * @module
 */
import type { StoredCheckpoint } from "../log/checkpoint.ts";
import { type Frame, proveFrame, refuseNewer } from "../log/frame.ts";
import type { Position } from "../log/journal.ts";
import { parseLine, type Seal } from "../seal.ts";
import type { Line } from "./log_lines.ts";
import { attempt } from "./source.ts";

/** What stands in a place where frames stand: a line of a segment, or an object. */
export interface Unit {
  /** The segment, or the prefix of the objects. */
  readonly name: string;
  /** The byte, or the number of the object; and what follows it. */
  readonly start: number;
  readonly end: number;
  /** Undefined: it is none that proves itself. */
  readonly frame: Frame | undefined;
  /** Nothing stands before or behind the frame: it can be read as it is. */
  readonly isBare: boolean;
  /** What stands there, where that is no frame. */
  readonly bytes: Uint8Array;
}

/** The frames of one log, as far as they can be told. */
export interface Chain {
  /** Those behind the checkpoint, in order. */
  readonly frames: readonly Unit[];
  /** Those that it holds and that are still there, newest first. */
  readonly older: readonly Unit[];
  /** Behind the last one. */
  readonly end: Position;
  /** Some are missing. */
  readonly hasGap: boolean;
  /** The last ones end with a mark that a repair set, and none is missing since. */
  readonly isFenced: boolean;
}

/** Who writes the frames of a repair. */
export const REPAIRER = "repair";
/** The number of a frame that stops whoever goes on where a repair cannot: so far behind the last one that it says that some are lost. */
export const FAR: number = 2 ** 52;

/** What is kept of a segment that is no frame: twice what a segment holds. */
const MOST_LOST = 16 * 1024 * 1024;
const decoder = new TextDecoder();

/** What stands in the lines of a segment. Lines that are no frames count as one behind so many bytes of them, and are not kept. */
export async function unitsOf(name: string, lines: AsyncIterable<Line>, seal: Seal): Promise<Unit[]> {
  const units: Unit[] = [];
  let room = MOST_LOST;
  for await (const { start, end, bytes } of lines) {
    // The first line is the header: what it says, the name says, too.
    if (bytes.length === 0 || start === 0) continue;
    const unit = await unitOf({ name, start, end }, bytes, seal);
    const last = units.at(-1);
    if (unit.frame === undefined && room === 0 && last !== undefined && last.frame === undefined) {
      units[units.length - 1] = { ...last, end };
    } else units.push(unit.frame === undefined ? { ...unit, bytes: bytes.subarray(0, room) } : unit);
    if (unit.frame === undefined) room = Math.max(0, room - bytes.length);
  }
  return units;
}

/**
 * What a line, or an object, is.
 *
 * @throws {StateError} STATE_NEWER_FORMAT if it says that it is a frame of a newer format
 */
export async function unitOf(place: Pick<Unit, "name" | "start" | "end">, bytes: Uint8Array, seal: Seal): Promise<Unit> {
  const line = decoder.decode(bytes);
  // One that seems to be of a newer format may be just that.
  refuseNewer(line);
  // Where what is put between frames is damaged, a frame may have something before it, or one character behind it.
  const from = line.search(/F\d+\t/);
  for (const text of from < 0 ? [] : new Set([line, line.slice(from), line.slice(from, -1)])) {
    const frame = await attempt(() => proveFrame(text, seal));
    if (frame !== undefined) return { ...place, frame, isBare: text === line, bytes: new Uint8Array() };
  }
  return { ...place, frame: undefined, isBare: false, bytes };
}

/** The chain among what was found: in each place in order, places in the order of their names. `base`: where it begins. */
export function chainOf(units: readonly Unit[], base: StoredCheckpoint | undefined): Chain {
  const byNumber = new Map<number, Unit[]>();
  for (const unit of units) {
    const number = unit.frame?.number;
    if (number === undefined || number >= FAR) continue;
    byNumber.set(number, [...byNumber.get(number) ?? [], unit]);
  }
  const numbers = [...byNumber.keys()].sort((a, b) => a - b);
  const frames: Unit[] = [];
  let end: Position = base === undefined
    ? { name: units[0]?.name ?? "", from: 0, number: -1, digest: "" }
    : { ...base.segment, number: base.frame, digest: base.digest };
  let lastGap = base === undefined ? 0 : -1;
  for (;;) {
    const next = following(end, byNumber, units);
    const unit = next ?? behindGap(end, byNumber, numbers);
    if (unit === undefined) break;
    if (next === undefined) lastGap = frames.length;
    frames.push(unit);
    const { number, digest, next: name = unit.name } = unit.frame!;
    end = { name, from: name === unit.name ? unit.end : 0, number, digest };
  }
  const mark = frames.findLastIndex(({ frame }) => frame!.writer === REPAIRER && frame!.ops.length > 0);
  return { frames, older: olderThan(base, byNumber), end, hasGap: lastGap >= 0, isFenced: mark >= 0 && mark >= lastGap };
}

/** The frame that follows a position in its own place; as a reader takes it, unless others show that it never counted. */
function following(
  { name, from, number, digest }: Position,
  byNumber: ReadonlyMap<number, Unit[]>,
  units: readonly Unit[],
): Unit | undefined {
  const unit = byNumber.get(number + 1)?.find((unit) => unit.name === name && unit.start >= from && unit.frame!.prev === digest);
  if (unit === undefined || unit.frame!.writer === REPAIRER) return unit;
  const isOurs = ({ frame }: Unit) => frame!.writer === REPAIRER;
  // What a repair has written where nobody went on says nothing about what others did.
  const successors = byNumber.get(number + 2)?.filter((unit) => !isOurs(unit)) ?? [];
  if (successors.length > 0) return successors.some(({ frame }) => frame!.prev === unit.frame!.digest) ? unit : undefined;
  // What is damaged before it may have been the one that counted, if there is more behind it that is lost.
  const isDamagedBefore = units.some(({ name: place, start, frame }) => place === name && start >= from && start < unit.start && !frame);
  const isLast = ![...byNumber].some(([later, units]) => later > number + 2 && !units.every(isOurs));
  return isDamagedBefore && !isLast ? undefined : unit;
}

/** The next frame that counts behind some that are lost. A repair's own count only where nothing is missing before them. */
function behindGap({ name, from, number }: Position, byNumber: ReadonlyMap<number, Unit[]>, numbers: readonly number[]): Unit | undefined {
  for (const later of numbers) {
    if (later <= number) continue;
    const units = byNumber.get(later)!.filter((unit) =>
      unit.frame!.writer !== REPAIRER && (unit.name === name ? unit.start >= from : unit.name > name) && later > number + 1
    );
    const isNamed = ({ frame }: Unit) => byNumber.get(later + 1)?.some((next) => next.frame!.prev === frame!.digest) === true;
    const unit = units.find(isNamed) ?? units[0];
    if (unit !== undefined) return unit;
  }
  return undefined;
}

/** Frames that a checkpoint holds, from its last one down. */
function olderThan(base: StoredCheckpoint | undefined, byNumber: ReadonlyMap<number, Unit[]>): Unit[] {
  const older: Unit[] = [];
  let wanted = base?.digest;
  for (let number = base?.frame ?? 0; number > 0; number--) {
    const unit = byNumber.get(number)?.find(({ frame }) => frame!.digest === wanted);
    if (unit === undefined) break;
    older.push(unit);
    wanted = unit.frame!.prev;
  }
  return older;
}

/** What a damaged frame still says: values that its lines give where they can be told apart. None of them proves itself yet. */
export function salvage(bytes: Uint8Array): (readonly [key: string, value: string])[] {
  const text = decoder.decode(bytes);
  const lines = text.split("\t").slice(2);
  const found: [string, string][] = [];
  for (let at = 1; at < lines.length; at++) {
    const [op, key, ...items] = opOf(lines[at]!) ?? [];
    if (op !== "+" || typeof key !== "string") continue;
    let next = at + 1;
    const value = items.map((item) => item === 0 ? lines[next++] : lines[item as number]);
    if (value.every((line) => line !== undefined)) found.push([key, value.join("\n")]);
  }
  return found;
}

function opOf(line: string): readonly unknown[] | undefined {
  if (!/^\["[+-]",/.test(line)) return undefined;
  try {
    return parseLine(line, "an operation");
  } catch {
    return undefined;
  }
}
