/**
 * Values as Deno KV holds them. Text of one byte a character is text there; other text would take two bytes a character, so it is
 * UTF-8 behind a byte 1; bytes stand behind a byte 0.
 *
 * @module
 */

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const BYTES = 0;
const TEXT = 1;

/** What is stored for a value. */
export function encodeValue(value: string | Uint8Array): string | Uint8Array {
  if (typeof value !== "string") return marked(BYTES, value);
  return /^[\0-\xff]*$/.test(value) || !value.isWellFormed() ? value : marked(TEXT, encoder.encode(value));
}

/** The value of what is stored; `undefined`: there is none. */
export function decodeValue(stored: unknown): string | Uint8Array | undefined {
  if (typeof stored === "string") return stored;
  if (!(stored instanceof Uint8Array)) return undefined;
  const rest = stored.subarray(1);
  return stored[0] === TEXT ? decoder.decode(rest) : rest.slice();
}

function marked(mark: number, bytes: Uint8Array): Uint8Array {
  const whole = new Uint8Array(bytes.length + 1);
  whole[0] = mark;
  whole.set(bytes, 1);
  return whole;
}
