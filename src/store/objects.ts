/**
 * Large bytes that stand in objects of their own, cut to what the driver takes. An object is written once, under a name that
 * holds the digest of all its bytes and that is never used again.
 *
 * @module
 */
import { type Digester, fromBase64url, toBase64url, toHex } from "../digest.ts";
import type { ObjectRef } from "./change.ts";
import type { Paths } from "./paths.ts";
import type { Port, Stored } from "./port.ts";
import { corrupt } from "./seal.ts";

/** An object that is still to be written. */
export interface ObjectDraft {
  readonly ref: ObjectRef;
  readonly pieces: readonly Stored[];
}

/** Where the pieces of objects are read. */
export interface ObjectParts {
  readonly port: Pick<Port, "getMany">;
  readonly paths: Paths;
  readonly digester: Digester;
}

/** How many pieces are asked for in one call. */
const PIECES_A_CALL = 16;

/** Cuts bytes to pieces that the driver takes. `token`: random, so that the name is new. */
export async function draftObject(bytes: Uint8Array, token: string, port: Port, digester: Digester): Promise<ObjectDraft> {
  const { binary, valueBytes } = port.supports;
  // As text: a letter, then base64url, four characters for three bytes.
  const room = binary ? valueBytes : Math.floor((valueBytes - 1) / 4) * 3;
  const pieces: Stored[] = [];
  for (let at = 0; at < bytes.length || pieces.length === 0; at += room) {
    const piece = bytes.subarray(at, at + room);
    pieces.push(binary ? piece : `B${toBase64url(piece)}`);
  }
  const digest = toHex(await digester.digest(bytes));
  return { ref: { name: `${token}-${digest}`, pieces: pieces.length, bytes: bytes.length }, pieces };
}

/** The driver's keys of an object. */
export function objectKeys(ref: ObjectRef, paths: Paths): string[] {
  return Array.from({ length: ref.pieces }, (_, piece) => paths.object(ref.name, piece));
}

/**
 * The bytes of an object, or `undefined` where a piece is gone: then what named it is older than the horizon, or damaged.
 *
 * @throws {StateError} STATE_CORRUPT if the bytes do not fit the digest in its name
 */
export async function loadObject(
  ref: ObjectRef,
  port: Pick<Port, "getMany">,
  paths: Paths,
  digester: Digester,
): Promise<Uint8Array | undefined> {
  const what = `the object "${ref.name}"`;
  const keys = objectKeys(ref, paths);
  const parts: Uint8Array[] = [];
  for (let i = 0; i < keys.length; i += PIECES_A_CALL) {
    for (const value of await port.getMany(keys.slice(i, i + PIECES_A_CALL))) {
      if (value === undefined) return undefined;
      const part = typeof value === "string" ? (value[0] === "B" ? fromBase64url(value.slice(1)) : undefined) : value;
      if (part === undefined) throw corrupt(what, "a piece of it does not begin as one", undefined, ref.name);
      parts.push(part);
    }
  }
  const bytes = join(parts);
  if (bytes.length !== ref.bytes || toHex(await digester.digest(bytes)) !== ref.name.slice(ref.name.indexOf("-") + 1)) {
    throw corrupt(what, "its digest does not fit", undefined, ref.name);
  }
  return bytes;
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0]!;
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
