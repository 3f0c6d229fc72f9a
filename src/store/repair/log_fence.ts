/**
 * Stopping whoever has a log open before it is made anew: a frame that marks the head goes behind the last one that proves
 * itself. Whoever has read to there goes on to it. Whoever has read further, frames that are lost by now, meets another frame that
 * says so.
 *
 * @module
 */
import { toHex } from "../../digest.ts";
import { formatFrame } from "../log/frame.ts";
import type { Position } from "../log/journal.ts";
import type { Log } from "../log/log.ts";
import { nameOf } from "../log/record_journal.ts";
import { headerOf } from "../log/segment_journal.ts";
import { FAR, REPAIRER } from "./log_frames.ts";
import type { Remains } from "./log_remains.ts";

const NEWLINE = 10;

/**
 * Puts a marked head behind the last frame. Undefined: it may stand there now; look again. Else nobody can go on with the log,
 * and this is where it begins anew.
 */
export async function fence(
  log: Log,
  remains: Remains,
  ops: readonly (readonly [key: string, text: string])[],
): Promise<Position | undefined> {
  const { store, paths, options: { seal, random } } = log;
  const { segments } = store;
  const { base, chain: { end, frames }, names, lengths, free } = remains;
  const number = Math.max(0, end.number);
  const of = { writer: REPAIRER, prev: end.digest };
  const far = await formatFrame({ ...of, number: FAR, ops: [] }, seal);
  const isKnown = base !== undefined || frames.length > 0;
  if (segments === undefined) {
    const mark = await formatFrame({ ...of, number: number + 1, ops }, seal);
    const isAlone = await store.create(nameOf(paths.frames, free), far.line) &&
      await store.create(nameOf(paths.frames, free + 1), mark.line);
    if (isKnown || !isAlone) return undefined;
    return { name: paths.frames, from: free + 2, number: mark.number, digest: mark.digest };
  }
  const name = paths.segment(number + 1, toHex(random(8)));
  const last = await formatFrame({ ...of, number: number + 1, ops: [], next: name }, seal);
  const mark = await formatFrame({ writer: REPAIRER, prev: last.digest, number: number + 2, ops }, seal);
  // The mark stands in the next segment from the beginning: whoever follows the seal meets it.
  const begun = joined(headerOf(number + 1), lineOf(mark.line));
  if (!await segments.create(name, begun)) return undefined;
  const open = isKnown ? end.name : names.findLast((name) => name.startsWith(paths.segments));
  // A segment that was cut is filled up first: whoever has read more of it looks behind that.
  const cut = Math.max(0, (isKnown ? end.from : 0) - (lengths.get(open ?? "") ?? 0));
  const bytes = joined(new Uint8Array(cut).fill(NEWLINE), joined(lineOf(far.line), lineOf(last.line)));
  const landed = open === undefined ? undefined : await segments.append(open, bytes);
  if (landed !== undefined) await segments.sync(open!, landed.start, bytes);
  if (landed !== undefined && isKnown) return undefined;
  return { name, from: begun.length, number: mark.number, digest: mark.digest };
}

function lineOf(line: string): Uint8Array {
  return new TextEncoder().encode(`\n${line}\n`);
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(a.length + b.length);
  bytes.set(a);
  bytes.set(b, a.length);
  return bytes;
}
