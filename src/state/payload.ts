/**
 * Values in changes: in the payload itself where they are small, in an object of their own where they are not.
 *
 * @module
 */
import { encodeValue, isUndefined } from "../codec/encode.ts";
import { reviveValue } from "../codec/revive.ts";
import { compress, decompress } from "../compress.ts";
import { fromBase64url, toBase64url } from "../digest.ts";
import { StateError } from "../errors.ts";
import type { SaveDraft } from "../store/draft_change.ts";
import type { Row } from "../store/row.ts";
import { corrupt } from "../store/seal.ts";
import type { Core, Target } from "./core.ts";
import type { Encoded } from "./encoded.ts";
import type { StateClass } from "./entry.ts";

/** Characters of a value that stand in its row and its record; more go to an object, which both name. */
const INLINE = 4096;
/** Below this, compressing an archived value gains nothing. */
const COMPRESSIBLE = 256;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/** A deep copy of a value, as text, at once. */
export function encode(value: unknown, target: Target, core: Core): Encoded {
  const { depth, valueBytes } = core.limits;
  try {
    const encoded = encodeValue(value, { depth, valueBytes });
    const { text } = encoded;
    // A UTF-16 unit is at most three bytes of UTF-8.
    const bytes = text.length * 3 <= valueBytes ? 0 : text.length > valueBytes ? text.length : encoder.encode(text).length;
    if (bytes > valueBytes) {
      throw new StateError("STATE_TOO_LARGE", `Cannot save "${target.key}": its value has ${bytes} bytes, the limit is ${valueBytes}`, {
        details: { limit: "valueBytes", actual: bytes, max: valueBytes },
      });
    }
    return encoded;
  } catch (error) {
    throw located(error, target);
  }
}

/**
 * The same for a value that an entry is to have: what is loaded as `undefined` would look absent.
 *
 * @throws {TypeError} if it is undefined, or its `toJSON` says so
 */
export function encodePresent(value: unknown, target: Target, core: Core): Encoded {
  const encoded = encode(value, target, core);
  if (!isUndefined(encoded)) return encoded;
  const what = value === undefined ? "the value is undefined" : "its toJSON() gave undefined";
  throw new TypeError(`Cannot save "${target.key}": ${what}; delete() removes an entry`);
}

/** The same error, saying where. */
export function located(error: unknown, { scope, key }: Target): unknown {
  if (!(error instanceof StateError) || error.key !== undefined) return error;
  return new StateError(error.code, error.message, { details: error.details, scope, key, cause: error.cause });
}

/** The value of a text. */
export function decode({ codec, text }: Encoded): unknown {
  return reviveValue(codec, JSON.parse(text));
}

/** Whether a value can be put into a payload as it is, at once. */
export function isInline(encoded: Encoded, name: StateClass, core: Core): boolean {
  return encoded.text.length <= inlineRoom(core) && (name !== "archive" || encoded.text.length < COMPRESSIBLE);
}

function inlineRoom(core: Core): number {
  return Math.min(INLINE, Math.max(64, Math.floor((core.store.supports.valueBytes - 1536) / 3)));
}

/** The form that a value takes in a payload. */
export async function draftValue(encoded: Encoded, name: StateClass, core: Core): Promise<Pick<SaveDraft, "codec" | "value" | "body">> {
  if (isInline(encoded, name, core)) return { codec: encoded.codec, value: encoded.text };
  let bytes = encoder.encode(encoded.text);
  const length = bytes.length;
  let isCompressed = false;
  if (name === "archive") {
    const smaller = await compress(bytes);
    isCompressed = smaller.length < length;
    if (isCompressed) bytes = smaller as typeof bytes;
    if (isCompressed && bytes.length * 4 / 3 <= inlineRoom(core) - 32) {
      return { codec: "z", value: JSON.stringify([encoded.codec, length, toBase64url(bytes)]) };
    }
    if (!isCompressed && encoded.text.length <= inlineRoom(core)) return { codec: encoded.codec, value: encoded.text };
  }
  const body = await core.store.draftObject(bytes);
  if (name !== "archive") core.store.texts.set(body.ref.name, encoded.text);
  return { codec: "o", value: JSON.stringify([encoded.codec, length, isCompressed ? 1 : 0]), body };
}

/** The object that a row names is gone: the row is not the newest any more, or the object is damaged. */
export const GONE: unique symbol = Symbol("gone");

/** The value of a row, as text; {@linkcode GONE} if its object is. */
export async function textOf(row: Row, core: Core): Promise<Encoded | typeof GONE> {
  const [path, actor, reason, codec, value] = JSON.parse(row.payload) as readonly [string, unknown, unknown, string, unknown];
  if (codec === "z" || codec === "o") return await expand(row, codec, value, core);
  // Cut out of the payload as it was written: writing it again could not be done for any depth.
  return { codec, text: row.payload.slice(JSON.stringify([path, actor, reason, codec]).length, -1) };
}

/** Whether the value of a row stands in its payload as it is. Only what is archived can stand there compressed. */
export function isAtHand(row: Row): boolean {
  return row.object === undefined && (row.class !== "archive" || (JSON.parse(row.payload) as readonly unknown[])[3] !== "z");
}

/** A fresh copy of the value of a row whose value is at hand. */
export function valueAtHand(row: Row): unknown {
  const [, , , codec, value] = JSON.parse(row.payload) as readonly [string, unknown, unknown, string, unknown];
  return reviveValue(codec, value);
}

/** A fresh copy of the value of a row; {@linkcode GONE} if its object is. */
export async function valueOf(row: Row, core: Core): Promise<unknown> {
  const [, , , codec, value] = JSON.parse(row.payload) as readonly [string, unknown, unknown, string, unknown];
  if (codec === "j") return value;
  if (codec === "x") return reviveValue(codec, value);
  const expanded = await expand(row, codec, value, core);
  return expanded === GONE ? GONE : decode(expanded);
}

async function expand(row: Row, codec: string, value: unknown, core: Core): Promise<Encoded | typeof GONE> {
  const what = `the value of "${row.path}"`;
  const [inner, length, third] = Array.isArray(value) ? value as [string, number, unknown] : [];
  if (inner === undefined || length === undefined || !Number.isSafeInteger(length)) {
    throw corrupt(what, "its form is unknown", row.commit, row.path);
  }
  const cached = row.object === undefined ? undefined : core.store.texts.get(row.object.name);
  if (cached !== undefined) return { codec: inner, text: cached };
  let bytes: Uint8Array | undefined;
  if (codec === "z") bytes = fromBase64url(String(third));
  else if (row.object !== undefined) {
    bytes = await core.store.object(row.object);
    if (bytes === undefined) return GONE;
  }
  if (bytes === undefined) throw corrupt(what, "its form is unknown", row.commit, row.path);
  if (codec === "z" || third === 1) bytes = await decompress(bytes, length);
  const text = decoder.decode(bytes);
  if (row.object !== undefined && row.class !== "archive") core.store.texts.set(row.object.name, text);
  return { codec: inner, text };
}
