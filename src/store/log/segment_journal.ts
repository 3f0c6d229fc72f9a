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
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A frame, and where it stands. */
interface Standing {
  readonly frame: Frame;
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
      [this.#at, this.#dead, this.#durable] = [before, 0, 0];
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
      end = (await this.#segments.append(name, bytes))?.end;
      if (end === undefined) throw new Removed(`the segment "${name}" is gone`);
    } catch (error) {
      if (error instanceof Removed) throw error;
      failure = error;
    }
    if (end! < from + bytes.length) throw corrupt(`the segment "${name}"`, `it ends before byte ${from}, where the last frame ended`);
    let next: Standing | undefined;
    try {
      // Where it is alone behind the known end, it is the next one. Else another may stand before it, and that one counts against
      // this one only once it cannot be lost: else this one may count after all.
      const look = end === from + bytes.length ? { bytes, frames: [{ frame, end }] } : await this.#look();
      next = look.frames[0];
      if (next !== undefined) await this.#keep(from, look.bytes.subarray(0, next.end - from));
    } catch (error) {
      if (isStateError(error) && error.code !== "STATE_DRIVER") throw error;
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

  #advance({ frame, end }: Standing): void {
    const { name } = this.#at;
    const next = frame.next ?? name;
    this.#at = { name: next, from: next === name ? end : 0, number: frame.number, digest: frame.digest };
    this.#dead = 0;
    if (next !== name) this.#durable = 0;
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
      const bytes = await this.#segments.read(name, from);
      if (bytes === undefined) throw new Removed(`the segment "${name}" is gone`);
      if (bytes.length === this.#dead) return { bytes, frames: [], torn: 0 };
      if (from === 0) checkHeader(bytes, name);
      const { frames, torn } = await this.#scan(bytes);
      const last = frames.at(-1);
      if (last === undefined || bytes[last.end - from - 1] === NEWLINE) return { bytes, frames, torn };
      // Whole, but for the newline behind it: what is torn behind it would be a part of its line. Nobody was told of it without.
      if (this.#readOnly) return { bytes, frames: frames.slice(0, -1), torn };
      await this.#segments.append(name, Uint8Array.of(NEWLINE));
    }
  }

  /** @throws {StateError} STATE_CORRUPT if a seal leads elsewhere than to a segment beside its own */
  #checkNext(next: string): void {
    const { name } = this.#at;
    if (!isNameUnder(name.slice(0, name.lastIndexOf("!") + 1), next)) throw corrupt(`the log in "${name}"`, "it goes on outside of itself");
  }

  async #scan(bytes: Uint8Array): Promise<Pick<Look, "frames" | "torn">> {
    const { from } = this.#at;
    const frames: Standing[] = [];
    let { number, digest } = this.#at;
    let torn = 0;
    const later: string[] = [];
    for (let start = 0; start < bytes.length;) {
      const newline = bytes.indexOf(NEWLINE, start);
      const end = newline < 0 ? bytes.length : newline;
      if (end > start && bytes[start] === 0x46) {
        const line = decoder.decode(bytes.subarray(start, end));
        const seen = peekFrame(line);
        const frame = seen?.number === number + 1 && seen.prev === digest ? await proveFrame(line, this.#seal) : undefined;
        if (frame !== undefined) {
          ({ number, digest } = frame);
          frames.push({ frame, end: from + Math.min(end + 1, bytes.length) });
          torn = 0;
          if (frame.next !== undefined) {
            this.#checkNext(frame.next);
            // What stands behind a seal counts for nothing.
            return { frames, torn: 0 };
          }
        } else if (seen === undefined || seen.number > number) {
          later.push(line);
          torn += end - start;
        }
      } else if (end > start && (start > 0 || from > 0)) torn += end - start;
      start = end + 1;
    }
    for (const line of later) {
      refuseNewer(line);
      const frame = (peekFrame(line)?.number ?? 0) > number ? await proveFrame(line, this.#seal) : undefined;
      if (frame !== undefined && frame.number > number + 1) {
        throw corrupt(
          `the log in "${this.#at.name}"`,
          `frame ${number + 1} is missing or damaged, and frame ${frame.number} stands behind it`,
        );
      }
    }
    return { frames, torn };
  }
}

/** @throws {StateError} if a file begins otherwise than a segment of ours: that was durable before anything named it */
function checkHeader(bytes: Uint8Array, name: string): void {
  const what = `the segment "${name}"`;
  const [header = ""] = decoder.decode(bytes.subarray(0, 32)).split("\n");
  const [, mark = "", first] = /^(S\d+)\t(\d{1,16})$/.exec(header) ?? [];
  openEnvelope("S", `${mark}\n`, what);
  if (!(Number(first) > 0)) throw corrupt(what, "it does not begin as one");
}

/** A frame is a line between two newlines: whatever was torn before it ends there. */
function encodeFrame(line: string): Uint8Array {
  return encoder.encode(`\n${line}\n`);
}
