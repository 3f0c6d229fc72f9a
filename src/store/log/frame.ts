/**
 * Frames: what the log of a namespace is made of where the driver cannot commit a batch itself. One frame is one batch, or
 * what the log says about itself. It is one line, so that no value can forge one.
 *
 * ```text
 * F1 ⇥ digest ⇥ [number, prev, writer, token, next] ⇥ op ⇥ line ⇥ line ⇥ op ⇥ …
 * ```
 *
 * The digest is that of everything behind it; the next frame names it as `prev`. `token`: objects of that name are being
 * made for a checkpoint; `next`: the log goes on in that segment. An op is `["+", key, …]` or `["-", key]`: behind the key
 * there is a number for each line of the value, 0 for the next line that follows the op, k for what stands in place k of the
 * frame: a row repeats lines of its record, and costs nothing.
 *
 * @module
 */
import { corrupt, FORMAT, openEnvelope, parseLine, type Seal } from "../seal.ts";
import { isCount, isText, isToken } from "./shape.ts";

/** What a frame says. */
export interface FrameBody {
  /** Dense, from 1. */
  readonly number: number;
  /** Digest of the frame before it. */
  readonly prev: string;
  /** Who wrote it. */
  readonly writer: string;
  /** Keys and what they get; `undefined`: they go. */
  readonly ops: readonly (readonly [key: string, value: string | undefined])[];
  /** Objects under this token are being made. */
  readonly token?: string;
  /** The segment that the log goes on in. */
  readonly next?: string;
}

/** A frame as it stands in the log. */
export interface Frame extends FrameBody {
  readonly digest: string;
  /** The whole line. */
  readonly line: string;
}

/** The digest that the first frame of a namespace names as its predecessor's. */
export function genesisOf(id: string): string {
  return `genesis:${id}`;
}

/** For messages. */
const WHAT = "a frame of the log";
/** Characters in all values of a frame: far more than a batch holds. */
const MOST_LENGTH = 64 * 1024 * 1024;

/** Shorter lines are written again rather than pointed at. */
const WORTH_POINTING_AT = 24;
/** Lines are looked up by so many of their last characters: to hash all of a long one costs more than all else that is done to it. */
const TELLING = 32;

/** Seals a frame. */
export async function formatFrame(body: FrameBody, seal: Seal): Promise<Frame> {
  const { number, prev, writer, token = 0, next = 0, ops } = body;
  const lines = [JSON.stringify([number, prev, writer, token, next])];
  const places = new Map<string, number>();
  for (const [key, value] of ops) {
    if (value === undefined) {
      lines.push(JSON.stringify(["-", key]));
      continue;
    }
    const at = lines.push("") - 1;
    const items: number[] = [];
    for (const line of value.split("\n")) {
      let name = line.slice(-TELLING);
      let place = places.get(name);
      if (place !== undefined && lines[place] !== line) {
        // Another one ends like it: then by the whole of it, with what no line holds before it.
        name = `\n${line}`;
        place = places.get(name);
      }
      items.push(place ?? 0);
      if (place !== undefined) continue;
      if (line.includes("\t")) throw new TypeError(`Cannot write "${key}": its text has a tab`);
      const own = lines.push(line) - 1;
      if (line.length >= WORTH_POINTING_AT) places.set(name, own);
    }
    lines[at] = JSON.stringify(["+", key, ...items]);
  }
  const text = lines.join("\t");
  const [digest] = await seal([text]);
  return { ...body, digest: digest!, line: `F${FORMAT}\t${digest}\t${text}` };
}

/** What can be learnt of a line at no great cost: whether it may be a frame, and which. */
export function peekFrame(line: string): { readonly number: number; readonly prev: string } | undefined {
  const match = /^F\d+\t[^\t]*\t\[(\d+),"([^"\t]*)",/.exec(line);
  return match === null ? undefined : { number: Number(match[1]), prev: match[2]! };
}

/**
 * A frame of a newer format is told by its first letters alone: it may have nothing else in common with ours.
 *
 * @throws {StateError} STATE_NEWER_FORMAT if a line is one
 */
export function refuseNewer(line: string): void {
  const [, version] = /^F([1-9]\d{0,5})\t/.exec(line) ?? [];
  if (Number(version) > FORMAT) openEnvelope("F", `F${version}\n`, WHAT);
}

/** The frame that a line is; undefined if it does not prove itself. */
export async function proveFrame(line: string, seal: Seal): Promise<Frame | undefined> {
  refuseNewer(line);
  // What stands before a frame is no part of it, and not covered by its digest.
  const [head, digest] = /^F[1-9]\d{0,5}\t([^\t]*)\t/.exec(line) ?? [];
  if (head === undefined || digest === undefined) return undefined;
  const text = line.slice(head.length);
  if (!text.isWellFormed() || digest !== (await seal([text]))[0]) return undefined;
  return { ...parseText(text), digest, line };
}

/** @throws {StateError} STATE_CORRUPT if what proved itself is no frame all the same */
function parseText(text: string): FrameBody {
  const lines = text.split("\t");
  const [number, prev, writer, token, next] = parseLine(lines[0], WHAT);
  const isHead = isCount(number) && isText(prev) && isText(writer) && (token === 0 || isToken(token)) && (next === 0 || isText(next));
  if (!isHead) throw corrupt(WHAT, "it is malformed");
  const ops: [string, string | undefined][] = [];
  let length = 0;
  for (let at = 1; at < lines.length;) {
    const [op, key, ...items] = parseLine(lines[at++], WHAT);
    if (!isText(key) || op !== "+" && op !== "-") throw corrupt(WHAT, "an operation of it is malformed");
    if (op === "-") {
      ops.push([key, undefined]);
      continue;
    }
    const value = items.map((item) => {
      const line = isCount(item) ? lines[item === 0 ? at++ : item] : undefined;
      if (line === undefined) throw corrupt(WHAT, "a line of it is missing");
      // Each may be named many times over.
      length += line.length + 1;
      if (length > MOST_LENGTH) throw corrupt(WHAT, "it is larger than any that is written");
      return line;
    });
    ops.push([key, value.join("\n")]);
  }
  return { number, prev, writer, ops, ...(token === 0 ? {} : { token }), ...(next === 0 ? {} : { next }) };
}
