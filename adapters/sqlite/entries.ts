/**
 * The one table: what is asked of it, each in one go and never across an await.
 *
 * @module
 */
import type { DriverBatch, DriverItem, DriverListOptions } from "../../src/store/driver.ts";
import type { Cell, Connection } from "./engine.ts";

/** A value as it crosses the seam. */
export type Value = string | Uint8Array;

// The last byte of a blob says what it is.
const isBytes = 0;
const isUtf16 = 1;

/**
 * Text is stored as text, except what SQLite or an engine would change: Deno and older Nodes cut text at a NUL, and a lone
 * surrogate has no UTF-8.
 */
function toCell(value: Value): string | Uint8Array {
  if (typeof value === "string") {
    if (value.isWellFormed() && !value.includes("\0")) return value;
    const units = new Uint8Array(value.length * 2 + 1);
    for (let i = 0; i < value.length; i++) {
      const unit = value.charCodeAt(i);
      units[2 * i] = unit;
      units[2 * i + 1] = unit >> 8;
    }
    units[units.length - 1] = isUtf16;
    return units;
  }
  if (!(value instanceof Uint8Array)) throw new TypeError(`Cannot store a value of type ${typeof value}: pass text or a Uint8Array`);
  const tagged = new Uint8Array(value.length + 1);
  tagged.set(value);
  tagged[value.length] = isBytes;
  return tagged;
}

function fromCell(cell: Cell | undefined): Value | undefined {
  if (cell === undefined) return undefined;
  if (typeof cell === "string") return cell;
  // Another program may have put anything there; what no value can be reads as bytes that prove nothing.
  if (!(cell instanceof Uint8Array)) return new Uint8Array();
  if (cell.at(-1) !== isUtf16) return cell.subarray(0, -1);
  // Not by a TextDecoder: it replaces lone surrogates.
  const units: string[] = [];
  for (let i = 0; i + 1 < cell.length; i += 2) units.push(String.fromCharCode(cell[i]! | cell[i + 1]! << 8));
  return units.join("");
}

/** The value of a key. */
export function readOne(connection: Connection, key: string): Value | undefined {
  return fromCell(connection.statement("SELECT value FROM entry WHERE key = ?").get(key)?.value);
}

/** The values of keys, as of one moment. */
export function readMany(connection: Connection, keys: readonly string[]): (Value | undefined)[] {
  // A statement is a snapshot by itself. For several, a transaction around the plain one is faster than lists or JSON in SQL.
  if (keys.length <= 1) return keys.map((key) => readOne(connection, key));
  connection.statement("BEGIN").run();
  try {
    return keys.map((key) => readOne(connection, key));
  } finally {
    connection.statement("COMMIT").run();
  }
}

/** Whether a key is there. */
export function has(connection: Connection, key: string): boolean {
  return connection.statement("SELECT 1 FROM entry WHERE key = ?").all(key).length > 0;
}

/** A page of keys under a prefix. */
export function readPage(connection: Connection, { prefix, after, limit, reverse, values }: DriverListOptions): DriverItem[] {
  // Above all keys that begin with the prefix, in UTF-8 too.
  let end = prefix + "\u{10ffff}";
  let from = prefix;
  let fromIsIn = true;
  if (after !== undefined && reverse && after < end) end = after;
  if (after !== undefined && !reverse && after >= prefix) [from, fromIsIn] = [after, false];
  const rows = connection.statement(
    `SELECT key${values ? ", value" : ""} FROM entry WHERE key ${fromIsIn ? ">=" : ">"} ? AND key < ? ORDER BY key ${
      reverse ? "DESC" : "ASC"
    } LIMIT ?`,
  ).all(from, end, limit);
  return rows.map((row) => values ? { key: row.key as string, value: fromCell(row.value)! } : { key: row.key as string });
}

/** Whether the checks of a batch hold. */
export function holds(connection: Connection, checks: DriverBatch["checks"]): boolean {
  return checks.every(({ key, is }) => readOne(connection, key) === is);
}

/** What a batch writes, ready for SQLite. */
export interface Changes {
  readonly set: readonly (readonly [key: string, cell: string | Uint8Array])[];
  readonly remove: readonly string[];
}

/**
 * All that is to be worked out before the transaction opens and others have to wait.
 *
 * @throws {TypeError} if a key or value cannot be stored as it is
 */
export function toChanges({ set, remove }: DriverBatch): Changes {
  return {
    set: set.map(([key, value]) => {
      if (key.includes("\0") || !key.isWellFormed()) {
        throw new TypeError(`Cannot store the key ${JSON.stringify(key)}: SQLite would change it`);
      }
      return [key, toCell(value)];
    }),
    remove,
  };
}

/** Sets and removes, in the transaction that is open. */
export function change(connection: Connection, { set, remove }: Changes): void {
  const put = connection.statement("INSERT INTO entry VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value");
  for (const [key, cell] of set) put.run(key, cell);
  const drop = connection.statement("DELETE FROM entry WHERE key = ?");
  for (const key of remove) drop.run(key);
}
