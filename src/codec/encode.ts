/**
 * Values to text.
 *
 * @module
 */
import { copyPlainJson } from "./plain.ts";
import { type EncodeOptions, writeTagged } from "./write.ts";

export type { EncodeOptions };

/** A value as text, and how to read it: "j" is JSON as it is, "x" is JSON with tags. */
export interface EncodedValue {
  /** What `reviveValue` has to be told. */
  readonly codec: "j" | "x";
  /** JSON, well-formed Unicode. */
  readonly text: string;
}

/** Whether this is the text of `undefined` itself, which stands for what is absent. */
export function isUndefined({ codec, text }: { readonly codec: string; readonly text: string }): boolean {
  return codec === "x" && text === '{"$":"undefined"}';
}

/** `JSON.stringify` calls itself and overflows an untouched stack at about 5,000 levels. */
const nativeDepth = 1000;

/**
 * A value as JSON text that `reviveValue` makes an equal value of, sharing nothing with the caller's.
 *
 * What can be stored: `null`, `undefined`, booleans, numbers, strings, BigInt, dense arrays, plain objects (their own
 * enumerable properties; of any realm, or without a prototype), Date, Map, Set, ArrayBuffer, DataView, typed arrays (a
 * view comes out over a buffer of its own; a Buffer as Uint8Array), and any array, plain object or other object that has a
 * `toJSON` function, enumerable or not, as what that gives. What is met twice comes out as one object.
 *
 * @throws {StateError} STATE_INVALID_VALUE if anything else is in it, or reading it throws; `details.path` says where
 * @throws {StateError} STATE_CIRCULAR if it contains itself
 * @throws {StateError} STATE_TOO_LARGE if it is nested too deeply, or its text is too long
 */
export function encodeValue(value: unknown, options: EncodeOptions): EncodedValue {
  try {
    const plain = copyPlainJson(value, Math.min(options.depth, nativeDepth));
    if (plain !== undefined) return { codec: "j", text: JSON.stringify(plain) };
  } catch {
    // An accessor or a proxy threw, or the caller left too little stack: the writer needs none, and says what is wrong.
  }
  return { codec: "x", text: writeTagged(value, options) };
}
