/**
 * The lines of a segment that is read in parts: it may be longer than what can be held at once.
 *
 * @module
 */

/** A line, without the newline behind it. */
export interface Line {
  /** Where it begins, and what follows it. */
  readonly start: number;
  readonly end: number;
  /** Of one that is longer than any of ours the beginning. */
  readonly bytes: Uint8Array;
}

/** No line of ours is so long: a batch has a sixteenth of it. */
const MOST_LINE = 16 * 1024 * 1024;
const NEWLINE = 10;

/** The lines of a file, empty ones too. `read` gives some bytes from a place on; none, or undefined: it ends there. */
export async function* linesOf(
  read: (from: number) => Uint8Array | undefined | Promise<Uint8Array | undefined>,
  mostBytes: number = MOST_LINE,
): AsyncGenerator<Line> {
  let start = 0;
  let begun: Uint8Array = new Uint8Array();
  for (let at = 0;;) {
    const part = await read(at);
    if (part === undefined || part.length === 0) {
      if (at > start) yield { start, end: at, bytes: begun };
      return;
    }
    for (let from = 0; from < part.length;) {
      const newline = part.indexOf(NEWLINE, from);
      const to = newline < 0 ? part.length : newline;
      begun = joined(begun, part.subarray(from, Math.min(to, from + mostBytes - begun.length)));
      from = to + 1;
      if (newline < 0) break;
      yield { start, end: at + from, bytes: begun };
      [start, begun] = [at + from, new Uint8Array()];
    }
    at += part.length;
  }
}

/** Bytes of their own: a part that was read is not kept for a line in it. */
function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  if (b.length === 0) return a;
  const bytes = new Uint8Array(a.length + b.length);
  bytes.set(a);
  bytes.set(b, a.length);
  return bytes;
}
