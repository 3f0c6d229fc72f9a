/**
 * The log in append-only files that several processes share. Whoever appends reads what stands before its frame; the first
 * frame that follows the last one wins its number, and every other is dead bytes. Nothing is ever cut off or written over.
 *
 * @module
 */
import { isStateError, StateError } from "../../errors.ts";
import type { DriverSegments } from "../driver.ts";
import { reasonOf } from "../port.ts";
import { corrupt, type Seal } from "../seal.ts";
import { type Frame, peekFrame, proveFrame } from "./frame.ts";
import { type Journal, type Position, Removed, Unknown } from "./journal.ts";

/** Times that frames are appended again where syncing them failed. */
const TRIES = 3;
const NEWLINE = 10;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** What a look at the bytes behind the known end showed. */
interface Scan {
  /** Frames that chain, with where each ends. */
  readonly frames: readonly { readonly frame: Frame; readonly end: number }[];
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
  /** A sync failed: what stands behind the known end may be in no memory but this machine's, whatever a later sync says. */
  #isSuspect = false;
  #torn: { readonly name: string; readonly from: number; readonly bytes: number } | undefined;

  /** Begins to read at a position. */
  constructor(segments: DriverSegments, seal: Seal, at: Position) {
    this.#segments = segments;
    this.#seal = seal;
    this.#at = at;
  }

  get position(): Position {
    return this.#at;
  }

  get torn(): { readonly name: string; readonly from: number; readonly bytes: number } | undefined {
    return this.#torn;
  }

  async read(): Promise<readonly Frame[]> {
    const all: Frame[] = [];
    for (;;) {
      const { name, from } = this.#at;
      const bytes = await this.#segments.read(name, from);
      if (bytes === undefined) throw new Removed(`the segment "${name}" is gone`);
      if (bytes.length === this.#dead) return all;
      const { frames, torn } = await this.#scan(bytes);
      if (frames.length > 0) await this.#sync(frames.map(({ frame }) => frame));
      for (const { frame, end } of frames) this.#advance(frame, from + end);
      all.push(...frames.map(({ frame }) => frame));
      if (this.#at.name !== name) continue;
      this.#dead = bytes.length - (this.#at.from - from);
      this.#torn = torn > 0 ? { name, from: this.#at.from, bytes: torn } : undefined;
      return all;
    }
  }

  async append(frame: Frame): Promise<boolean> {
    try {
      return await this.#append(frame);
    } catch (error) {
      if (error instanceof Removed || isStateError(error)) throw error;
      throw new Unknown(reasonOf(error), { cause: error });
    }
  }

  async #append(frame: Frame): Promise<boolean> {
    const { name, from, number, digest } = this.#at;
    if (frame.number !== number + 1 || frame.prev !== digest) {
      throw new TypeError("Cannot append a frame that does not follow the last one");
    }
    const bytes = encodeFrame(frame.line);
    let end: number;
    try {
      const landed = await this.#segments.append(name, bytes);
      if (landed === undefined) throw new Removed(`the segment "${name}" is gone`);
      end = landed.end;
    } catch (error) {
      if (error instanceof Removed) throw error;
      // Whether any of it was written, reading shows; a write that has failed does not come later.
      const at = await this.#find(frame);
      if (at === false) return false;
      if (at === undefined) {
        throw new StateError("STATE_DRIVER", `Cannot append to "${name}": ${reasonOf(error)}`, { details: {}, cause: error });
      }
      end = at;
    }
    // Where it is not alone behind the known end, another frame may stand before it.
    if (end !== from + bytes.length) {
      if (end < from + bytes.length) throw corrupt(`the segment "${name}"`, `it ends before byte ${from}, where the last frame ended`);
      const at = await this.#find(frame);
      if (at === false) return false;
      if (at === undefined) throw new Error(`"${name}" does not read back what was appended`);
      end = at;
    }
    await this.#sync([frame]);
    this.#advance(frame, end);
    return true;
  }

  /** Where a frame ends that was appended; false: another one has its number; undefined: it is not there. */
  async #find(frame: Frame): Promise<number | false | undefined> {
    const { name, from } = this.#at;
    const bytes = await this.#segments.read(name, from);
    if (bytes === undefined) throw new Removed(`the segment "${name}" is gone`);
    const first = (await this.#scan(bytes)).frames[0];
    return first === undefined ? undefined : first.frame.digest === frame.digest && from + first.end;
  }

  #advance(frame: Frame, from: number): void {
    const name = frame.next ?? this.#at.name;
    this.#at = { name, from: name === this.#at.name ? from : 0, number: frame.number, digest: frame.digest };
    this.#dead = 0;
  }

  /**
   * Makes frames durable, before anybody is told of them. Where that fails, the system may have given up on what was written
   * without saying so again: the same frames are appended once more; the copies are dead bytes where the first ones stand.
   */
  async #sync(frames: readonly Frame[]): Promise<void> {
    for (let attempt = 1;; attempt++) {
      try {
        if (this.#isSuspect) {
          for (const { line } of frames) {
            if (await this.#segments.append(this.#at.name, encodeFrame(line)) === undefined) throw new Removed("the segment is gone");
          }
        }
        await this.#segments.sync(this.#at.name);
        this.#isSuspect = false;
        return;
      } catch (error) {
        if (error instanceof Removed) throw error;
        this.#isSuspect = true;
        if (attempt === TRIES) throw error;
      }
    }
  }

  async #scan(bytes: Uint8Array): Promise<Scan> {
    const frames: { frame: Frame; end: number }[] = [];
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
          frames.push({ frame, end: Math.min(end + 1, bytes.length) });
          torn = 0;
          // What stands behind a seal counts for nothing.
          if (frame.next !== undefined) return { frames, torn: 0 };
        } else if (seen === undefined || seen.number > number) {
          later.push(line);
          torn += end - start;
        }
      } else if (end > start && (start > 0 || this.#at.from > 0)) torn += end - start;
      start = end + 1;
    }
    for (const line of later) {
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

/** A frame is a line between two newlines: whatever was torn before it ends there. */
function encodeFrame(line: string): Uint8Array {
  return encoder.encode(`\n${line}\n`);
}
