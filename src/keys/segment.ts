/**
 * Names as segments of a physical key: lower-case ASCII that keeps their order on every engine.
 *
 * @module
 */

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** What a byte is written as. The marks stand where the bytes they mark do: `-` below `0`, `_` between `9` and `a`, `~` above `z`. */
function encodeByte(byte: number): string {
  const mark = byte < 0x30 ? "-" : byte < 0x3a ? "" : byte < 0x61 ? "_" : byte < 0x7b ? "" : "~";
  return mark === "" ? String.fromCharCode(byte) : mark + byte.toString(16).padStart(2, "0");
}

const encodedBytes: readonly string[] = Array.from({ length: 256 }, (_, byte) => encodeByte(byte));

/**
 * A name as one segment: its UTF-8, byte by byte, `0-9a-z` as they are, any other byte as a mark and two hex digits.
 * Injective and reversible, and the bytewise order of segments is the code-point order of names.
 *
 * @throws {TypeError} if the text has an unpaired surrogate, which UTF-8 cannot say
 */
export function encodeSegment(text: string): string {
  if (!text.isWellFormed()) throw new TypeError("Cannot encode a name: it has an unpaired surrogate");
  return text.replace(/[^0-9a-z]+/g, encodeRun);
}

function encodeRun(run: string): string {
  if (run.length === 1 && run < "\x80") return encodedBytes[run.charCodeAt(0)]!;
  let segment = "";
  for (const byte of encoder.encode(run)) segment += encodedBytes[byte];
  return segment;
}

/** The name that {@linkcode encodeSegment} made this segment of; `undefined` if there is none. */
export function decodeSegment(segment: string): string | undefined {
  if (!/[^0-9a-z]/.test(segment)) return segment;
  const bytes = new Uint8Array(segment.length);
  let count = 0;
  let ascii = "";
  for (let at = 0; at < segment.length;) {
    const code = segment.charCodeAt(at);
    const marked = code === 0x2d || code === 0x5f || code === 0x7e;
    const byte = marked ? Number.parseInt(segment.slice(at + 1, at + 3), 16) : code;
    const width = marked ? 3 : 1;
    // One spelling a byte: whatever the digits parsed to, writing it again must give what stands here.
    if (encodedBytes[byte] !== segment.slice(at, at + width)) return undefined;
    bytes[count++] = byte;
    ascii += String.fromCharCode(byte);
    at += width;
  }
  // A decoder takes longer to begin than most names to read.
  if (!/[^\0-\x7f]/.test(ascii)) return ascii;
  try {
    return decoder.decode(bytes.subarray(0, count));
  } catch {
    return undefined;
  }
}
