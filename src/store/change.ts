/**
 * One change of one entry: the two lines that stand for it in a record, in a row, and in a piece of a large change set.
 *
 * The first line, the header, holds what must stay when a value is erased; the second, the payload, holds the names, who
 * and why, and the value. The header carries a salted digest of the payload, so the chain of records stays verifiable
 * without it, and a record that lost its number is chained anew without hashing the values again.
 *
 * @module
 */
import { corrupt, parseLine } from "./seal.ts";

/** Large bytes that stand in objects of their own. */
export interface ObjectRef {
  readonly name: string;
  /** How many pieces it was cut into. */
  readonly pieces: number;
  /** Bytes of all pieces together. */
  readonly bytes: number;
}

/** `save`, `delete`, or `expire`: the removal of what had expired. */
export type ChangeOp = "s" | "d" | "x";

/** A change, its payload still text. */
export interface Change {
  /** Scope path and encoded key. */
  readonly path: string;
  readonly op: ChangeOp;
  readonly revision: number;
  /** The commit that changed this entry before; 0 for none. */
  readonly previous: number;
  /** Milliseconds since the epoch; 0: when this commit was made. */
  readonly createdAt: number;
  readonly class: string;
  readonly content: string;
  /** Milliseconds since the epoch; 0: never. */
  readonly expiresAt: number;
  /** `name@version`, or empty. */
  readonly schema: string;
  /** What `expiresAt` was before, so that the expiry index can be kept without reading the old row. */
  readonly expiredAt: number;
  /** Objects that nothing names any more once this change stands. */
  readonly drops: readonly ObjectRef[];
  /** The object that the payload names. */
  readonly object: ObjectRef | undefined;
  readonly salt: string;
  /** JSON: `[path, actor, reason, codec, value]`, the last two for a save. */
  readonly payload: string;
}

/** A change together with its header line, which holds the payload's digest. */
export interface SealedChange extends Change {
  readonly header: string;
}

/** What a payload's digest is taken of. */
export function payloadSeal(change: Change): string {
  return `${change.salt}\n${change.payload}`;
}

/** The header line of a change, given the digest of its payload. What has its default is left off at the end. */
export function formatHeader(change: Change, digest: string): string {
  const fields: unknown[] = [
    change.op,
    change.revision,
    change.previous,
    change.salt,
    digest,
    change.createdAt,
    change.class === "standard" ? 0 : change.class,
    change.content === "plain" ? 0 : change.content,
    change.expiresAt,
    change.schema === "" ? 0 : change.schema,
    change.expiredAt,
    change.object === undefined ? 0 : formatRef(change.object),
    ...change.drops.map(formatRef),
  ];
  while (fields.at(-1) === 0) fields.pop();
  return JSON.stringify(fields);
}

/**
 * A change whose numbers can be read back: one that cannot would be STATE_CORRUPT for all who read the record or the row, for ever.
 *
 * @throws {RangeError} if one of them cannot
 */
export function checkChange<C extends Change>(change: C): C {
  for (const name of numbers) {
    const value = change[name];
    if (!isWhole(value)) throw new RangeError(`Cannot write "${change.path}": its ${name} ${String(value)} is no whole number from 0`);
  }
  return change;
}

const numbers = ["revision", "previous", "createdAt", "expiresAt", "expiredAt"] as const;

/** The change in two stored lines, and the digest that its payload must have. */
export function parseChange(header: string, payload: string, what: string): { readonly change: SealedChange; readonly digest: string } {
  const [op, revision, previous, salt, digest, createdAt, cls, content, expiresAt, schema, expiredAt, object, ...drops] = parseLine(
    header,
    what,
  );
  if ((op !== "s" && op !== "d" && op !== "x") || typeof digest !== "string") throw corrupt(what, "a change in it is malformed");
  const change = {
    path: pathOf(payload, what),
    op: op as ChangeOp,
    revision: whole(revision, what),
    previous: whole(previous, what),
    createdAt: whole(createdAt ?? 0, what),
    class: typeof cls === "string" ? cls : "standard",
    content: typeof content === "string" ? content : "plain",
    expiresAt: whole(expiresAt ?? 0, what),
    schema: typeof schema === "string" ? schema : "",
    expiredAt: whole(expiredAt ?? 0, what),
    object: object === undefined || object === 0 ? undefined : parseRef(object, what),
    drops: drops.map((drop) => parseRef(drop, what)),
    salt: String(salt),
    payload,
    header,
  };
  return { change, digest };
}

/** The path that a payload begins with: `["path",…`. Paths need no escapes in JSON. */
function pathOf(payload: string, what: string): string {
  const end = payload.indexOf('"', 2);
  if (!payload.startsWith('["') || end < 0) throw corrupt(what, "a payload in it is malformed");
  return payload.slice(2, end);
}

function formatRef(ref: ObjectRef): readonly unknown[] {
  return [ref.name, ref.pieces, ref.bytes];
}

function parseRef(value: unknown, what: string): ObjectRef {
  if (!Array.isArray(value) || typeof value[0] !== "string") throw corrupt(what, "a reference in it is malformed");
  return { name: value[0], pieces: whole(value[1], what), bytes: whole(value[2], what) };
}

function whole(value: unknown, what: string): number {
  if (!isWhole(value)) throw corrupt(what, "a number in it is malformed");
  return value;
}

function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
