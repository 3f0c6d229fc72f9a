/**
 * Digests as text, many at a time: in one go where the digester is synchronous, side by side where it is not.
 *
 * @module
 */
import { type Digester, toBase64url } from "../digest.ts";
import { StateError } from "../errors.ts";

/** SHA-256 of each text (as UTF-8), in base64url. */
export type Seal = (texts: readonly string[]) => readonly string[] | Promise<readonly string[]>;

/** A seal over a digester. */
export function createSeal(digester: Digester): Seal {
  return (texts) => {
    const digests = texts.map((text) => digester.digest(text));
    return digests.some((digest) => digest instanceof Promise)
      ? Promise.all(digests).then((all) => all.map(toBase64url))
      : (digests as Uint8Array[]).map(toBase64url);
  };
}

/** The version of every stored object of ours. */
export const FORMAT = 1;

/**
 * The body of a stored text that must begin with this letter and a format version, as in `R1\n…`.
 *
 * @throws {StateError} STATE_NEWER_FORMAT if the version is above ours
 * @throws {StateError} STATE_CORRUPT if it is not ours at all
 */
export function openEnvelope(letter: string, text: string | Uint8Array | undefined, what: string, commit?: number): string {
  const match = typeof text === "string" && text[0] === letter ? /^.([1-9]\d{0,5})\n/.exec(text) : null;
  if (match === null) throw corrupt(what, text === undefined ? "it is missing" : "it does not begin as one", commit);
  const stored = Number(match[1]);
  if (stored > FORMAT) {
    throw new StateError(
      "STATE_NEWER_FORMAT",
      `Cannot read ${what}: it has format ${stored}, and this version of the library knows up to ${FORMAT}`,
      { details: { stored, supported: FORMAT } },
    );
  }
  return (text as string).slice(match[0].length);
}

/** STATE_CORRUPT about one stored object. */
export function corrupt(what: string, why: string, commit?: number, object?: string): StateError<"STATE_CORRUPT"> {
  return new StateError("STATE_CORRUPT", `Cannot trust ${what}: ${why}`, {
    details: { ...(commit === undefined ? {} : { commit }), ...(object === undefined ? {} : { object }) },
  });
}

/**
 * A line of JSON that must be an array.
 *
 * @throws {StateError} STATE_CORRUPT if it is not
 */
export function parseLine(line: string | undefined, what: string): readonly unknown[] {
  try {
    const value: unknown = JSON.parse(line ?? "");
    if (Array.isArray(value)) return value;
  } catch { /* told below, with the name of what was read */ }
  throw corrupt(what, "a line of it is no JSON array");
}
