/**
 * Which names can be stored, and their order.
 *
 * @module
 */
import { StateError } from "../errors.ts";
import { typeName } from "../shown.ts";

/** Why a name cannot be stored: `details.rule` of STATE_INVALID_KEY. */
export type NameRule = "empty" | "control-character" | "unpaired-surrogate" | "too-long";

const encoder = new TextEncoder();

/**
 * A key or an id as it is stored: NFC-normalised.
 *
 * @param maxBytes the most bytes of UTF-8, after normalisation; any number if absent
 * @throws {TypeError} if it is no string
 * @throws {StateError} STATE_INVALID_KEY if it is empty, has a control character (Unicode category Cc) or an unpaired
 * surrogate, or is too long; `details.rule` is a {@linkcode NameRule}
 */
export function checkName(text: unknown, part: "key" | "id", maxBytes: number = Infinity): string {
  if (typeof text !== "string") throw new TypeError(`Cannot use ${typeName(text)} as ${spoken[part]}: it must be a string`);
  if (/^[ -~]+$/.test(text) && text.length <= maxBytes) return text;
  const name = text.normalize("NFC");
  const bytes = encoder.encode(name).length;
  const why: readonly [NameRule, string] | undefined = !name
    ? ["empty", "it is empty"]
    : /\p{Cc}/u.test(name)
    ? ["control-character", "it has a control character"]
    // Of the text as it was given: some engines normalise an unpaired surrogate to U+FFFD.
    : !text.isWellFormed()
    ? ["unpaired-surrogate", "it has an unpaired surrogate"]
    : bytes > maxBytes
    ? ["too-long", `it takes ${bytes} bytes, the limit is ${maxBytes}`]
    : undefined;
  if (!why) return name;
  throw new StateError("STATE_INVALID_KEY", `Cannot use this text as ${spoken[part]}: ${why[1]}`, { details: { part, rule: why[0] } });
}

const spoken = { key: "a key", id: "an id" } as const;

/**
 * The order of two names by code point: below zero if `a` comes first, zero if they are equal. It is the bytewise order
 * of their UTF-8 and of their segments, which JavaScript's own `<` is not.
 */
export function compareNames(a: string, b: string): number {
  if (a === b) return 0;
  const shorter = Math.min(a.length, b.length);
  for (let at = 0; at < shorter; at++) {
    const x = a.charCodeAt(at);
    const y = b.charCodeAt(at);
    if (x !== y) return codePointRank(x) - codePointRank(y);
  }
  return a.length - b.length;
}

/** Surrogates stand for code points above every other code unit, so that U+E000 and what follows it goes below them. */
function codePointRank(unit: number): number {
  return unit < 0xd800 ? unit : unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}
