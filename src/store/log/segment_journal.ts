/**
 * The log in append-only files that several processes share. Whoever appends reads what stands before its frame; the first
 * frame that follows the last one wins its number, and every other is dead bytes. Nothing is ever cut off, or written over
 * with anything but itself.
 *
 * @module
 */
import { isStateError, StateError } from "../../errors.ts";
import type { DriverSegments } from "../driver.ts";
import { reasonOf } from "../port.ts";
import { corrupt, openEnvelope, type Seal } from "../seal.ts";
import { type Frame, peekFrame, proveFrame, refuseNewer } from "./frame.ts";
import { type Journal, type Position, Removed, Unknown } from "./journal.ts";
import { isNameUnder } from "./shape.ts";

/** Times that the same bytes are synced. */
const TRIES = 3;
const NEWLINE = 10;
/** A checkpoint stands behind a frame that says that one is made: that is short. */
const ANCHOR_BYTES = 1024;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A frame, and where it stands. */
interface Standing {
  readonly frame: Frame;
  /** Its first byte, the line feed before it. */
  readonly start: number;
  /** The byte behind it. */
  readonly end: number;
}

/** What a look at the bytes behind the known end showed. */
interface Look {
  /** What stands there, from the known end on. */
  readonly bytes: Uint8Array;
  /** Frames that chain. */
  readonly frames: readonly Standing[];
  /** Bytes behind them that are no frame that ever counted. */
  readonly torn: number;
}

/** Reads and appends the frames of one log. Calls must not overlap. */
export class SegmentJournal implements Journal {
  readonly #segments: DriverSegments;
  readonly #seal: Seal;
  #at: Position;
  /** Bytes behind the known end that hold no frame: looked at once. */
  #dead = 0;
  /** The frames of this segment up to this byte are durable. */
  #durable = 0;
  #torn: { readonly name: string; readonly from: number; readonly bytes: number } | undefined;

  readonly #readOnly: boolean;
  /** The file is the one that it is said to be, as far as nothing new stands in it. */
  #isAnchored = false;
  /** Where the last frame begins; undefined: it was never looked at. */
  #lastStart: number | undefined;

  /** Begins to read at a position; read-only, it never writes. */
  constructor(segments: DriverSegments, seal: Seal, at: Position, readOnly: boolean) {
    this.#segments = segments;
    this.#seal = seal;
    this.#at = at;
    this.#readOnly = readOnly;
  }

  get position(): Position {
    return this.#at;
  }

  get torn(): { readonly name: string; readonly from: number; readonly bytes: number } | undefined {
    return this.#torn;
  }

  async read(): Promise<readonly Frame[]> {
    const before = this.#at;
    try {
      return await this.#read();
    } catch (error) {
      // What was read and is not given to anybody is read again.
      [this.#at, this.#dead, this.#durable, this.#isAnchored, this.#lastStart] = [before, 0, 0, false, undefined];
      throw error;
    }
  }

  async #read(): Promise<readonly Frame[]> {
    const all: Frame[] = [];
    for (;;) {
      const { name, from } = this.#at;
      const { bytes, frames, torn } = await this.#look();
      if (bytes.length === this.#dead) return all;
      if (frames.length > 0) await this.#keep(from, bytes.subarray(0, frames.at(-1)!.end - from));
      for (const standing of frames) this.#advance(standing);
      all.push(...frames.map(({ frame }) => frame));
      if (this.#at.name !== name) continue;
      this.#dead = bytes.length - (this.#at.from - from);
      this.#torn = torn > 0 ? { name, from: this.#at.from, bytes: torn } : undefined;
      return all;
    }
  }

  async append(frame: Frame): Promise<boolean> {
    const { name, from, number, digest } = this.#at;
    if (frame.number !== number + 1 || frame.prev !== digest) {
      throw new TypeError("Cannot append a frame that does not follow the last one");
    }
    const bytes = encodeFrame(frame.line);
    let end: number | undefined;
    let failure: unknown;
    try {
      // Where it does not end where it was seen to, nothing is written: what is read next tells why.
      const landed = await this.#segments.append(name, bytes, from + this.#dead);
      if (landed === undefined) return false;
      end = landed.end;
    } catch (error) {
      failure = error;
    }
    let next: Standing | undefined;
    try {
      if (end! < from + bytes.length) throw corrupt(`the segment "${name}"`, `it ends before byte ${from}, where the last frame ended`);
      // Where it is alone behind the known end, it is the next one. Else another may stand before it, and that one counts against
      // this one only once it cannot be lost: else this one may count after all.
      const look = end === from + bytes.length ? { bytes, frames: [{ frame, start: from, end }] } : await this.#look();
      next = look.frames[0];
      if (next !== undefined) await this.#keep(from, look.bytes.subarray(0, next.end - from));
    } catch (error) {
      // Whether it counts beside what is damaged is for a repair to say, which may be at work just now.
      if (isStateError(error) && error.code !== "STATE_DRIVER" && error.code !== "STATE_CORRUPT") throw error;
      throw new Unknown(reasonOf(error), { cause: error });
    }
    if (next === undefined) {
      if (failure === undefined) throw corrupt(`the segment "${name}"`, "it does not hold what was appended to it");
      // A write that has failed does not come later.
      throw new StateError("STATE_DRIVER", `Cannot append to "${name}": ${reasonOf(failure)}`, { details: {}, cause: failure });
    }
    if (next.frame.digest !== frame.digest) return false;
    this.#advance(next);
    return true;
  }

  #advance({ frame, start, end }: Standing): void {
    const { name } = this.#at;
    this.#lastStart = start;
    const next = frame.next ?? name;
    this.#at = { name: next, from: next === name ? end : 0, number: frame.number, digest: frame.digest };
    this.#dead = 0;
    if (next === name) return;
    this.#durable = 0;
    this.#isAnchored = false;
    this.#lastStart = undefined;
  }

  /** Makes bytes behind the known end durable, before anybody is told of the frames in them. */
  async #keep(from: number, bytes: Uint8Array): Promise<void> {
    const end = from + bytes.length;
    for (let attempt = 1; end > this.#durable; attempt++) {
      try {
        await this.#segments.sync(this.#at.name, from, bytes);
        this.#durable = end;
      } catch (error) {
        if (attempt === TRIES) throw error;
      }
    }
  }

  /** Looks at what stands behind the known end. */
  async #look(): Promise<Look> {
    for (;;) {
      const { name, from } = this.#at;
      if (this.#isAnchored && (await this.#bytesFrom(from)).length === this.#dead) {
        return { bytes: new Uint8Array(this.#dead), frames: [], torn: 0 };
      }
      // Something is new: it counts only behind the last frame, which an older copy of the file may have taken away.
      const bytes = await this.#anchoredBytes();
      if (bytes.length === this.#dead) return { bytes, frames: [], torn: 0 };
      const { frames, torn } = await this.#scan(bytes);
      const last = frames.at(-1);
      if (last === undefined || bytes[last.end - from - 1] === NEWLINE) return { bytes, frames, torn };
      // Whole, but for the newline behind it: what is torn behind it would be a part of its line. Nobody was told of it without.
      if (this.#readOnly) {
        const whole = frames.slice(0, -1);
        return { bytes, frames: whole, torn: bytes.length - ((whole.at(-1)?.end ?? from) - from) };
      }
      await this.#segments.append(name, Uint8Array.of(NEWLINE), from + bytes.length);
    }
  }

  /** @throws {StateError} STATE_CORRUPT if a seal leads elsewhere than to a segment beside its own */
  #checkNext(next: string): void {
    const { name } = this.#at;
    if (!isNameUnder(name.slice(0, name.lastIndexOf("!") + 1), next)) throw corrupt(`the log in "${name}"`, "it goes on outside of itself");
  }

  async #bytesFrom(from: number): Promise<Uint8Array> {
    const { name } = this.#at;
    const bytes = await this.#segments.read(name, from);
    if (bytes === undefined) throw new Removed(`the segment "${name}" is gone, or was cut`);
    return bytes;
  }

  /** The same, once it is certain that the file is the one that it is said to be: it begins as one, or the last frame stands there. */
  async #anchoredBytes(): Promise<Uint8Array> {
    const { name, from, number, digest } = this.#at;
    for (let start = this.#lastStart ?? Math.max(0, from - ANCHOR_BYTES);; start = 0) {
      const bytes = await this.#bytesFrom(start);
      if (from === 0) checkHeader(bytes, name);
      const before = bytes.subarray(0, from - start);
      const cut = before.lastIndexOf(NEWLINE, before.length - 2);
      if (cut < 0 && start > 0) continue;
      const line = decoder.decode(before.subarray(cut + 1));
      const isLast = before.length === from - start && peekFrame(line)?.number === number && line.split("\t", 2)[1] === digest;
      if (from > 0 && !isLast) throw corrupt(`the segment "${name}"`, `frame ${number} does not stand before byte ${from}`);
      this.#isAnchored = true;
      return bytes.subarray(from - start);
    }
  }

  async #scan(bytes: Uint8Array): Promise<Pick<Look, "frames" | "torn">> {
    const { from } = this.#at;
    const frames: Standing[] = [];
    let { number, digest } = this.#at;
    let apart: { readonly line: string; readonly number: number; readonly bytes: number }[] = [];
    for (let start = 0; start < bytes.length;) {
      const newline = bytes.indexOf(NEWLINE, start);
      const end = newline < 0 ? bytes.length : newline;
      const isHeader = from === 0 && start === 0;
      if (end > start && !isHeader) {
        const line = decoder.decode(bytes.subarray(start, end));
        const seen = peekFrame(line);
        const frame = seen?.number === number + 1 && seen.prev === digest ? await proveFrame(line, this.#seal) : undefined;
        if (frame !== undefined) {
          ({ number, digest } = frame);
          frames.push({ frame, start: from + Math.max(0, start - 1), end: from + Math.min(end + 1, bytes.length) });
          if (frame.next !== undefined) {
            this.#checkNext(frame.next);
            // What stands behind a seal counts for nothing.
            return { frames, torn: 0 };
          }
          apart = apart.filter((one) => one.number > frame.number);
        } else {
          refuseNewer(line);
          apart.push({ line, number: seen?.number ?? 0, bytes: end - start });
        }
      }
      start = end + 1;
    }
    let torn = 0;
    for (const { line, bytes } of apart) {
      const frame = peekFrame(line) === undefined ? undefined : await proveFrame(line, this.#seal);
      if (frame === undefined) torn += bytes;
      else if (frame.number > number) {
        // Whoever writes a frame has seen the one before it, durable.
        const why = frame.number === number + 1
          ? `frame ${number} is another one than the next one follows`
          : missing(number + 1, frame.number);
        throw corrupt(`the log in "${this.#at.name}"`, why);
      }
    }
    return { frames, torn };
  }
}

function missing(number: number, behind: number): string {
  return `frame ${number} is missing or damaged, and frame ${behind} stands behind it`;
}

/** @throws {StateError} if a file begins otherwise than a segment of ours: that was durable before anything named it */
function checkHeader(bytes: Uint8Array, name: string): void {
  const what = `the segment "${name}"`;
  const [header = ""] = decoder.decode(bytes.subarray(0, 32)).split("\n");
  const [, mark = "", first] = /^(S\d+)\t(\d{1,16})$/.exec(header) ?? [];
  openEnvelope("S", `${mark}\n`, what);
  if (Number(first) !== firstIn(name)) throw corrupt(what, "it does not begin as one, or as another one");
}

/** The lowest number that a frame in a segment can have, as its name says. */
export function firstIn(name: string): number {
  return Number(/(\d+)(?:-[^!]*)?$/.exec(name)?.[1]);
}

/** Whether a segment begins as the one that its name says. */
export function isHeaded(name: string, bytes: Uint8Array): boolean {
  return headerOf(firstIn(name)).every((byte, i) => bytes[i] === byte);
}

/** The first bytes of a segment: no frame in it has a lower number. */
export function headerOf(first: number): Uint8Array {
  return encoder.encode(`S1\t${first}\n`);
}

/** A frame is a line between two newlines: whatever was torn before it ends there. */
function encodeFrame(line: string): Uint8Array {
  return encoder.encode(`\n${line}\n`);
}
