/**
 * The file itself: whether it is there, ours, and still the same; and how it is made. SQLite creates nothing before this
 * has said that it may.
 *
 * @module
 */
import { closeSync, fsyncSync, mkdirSync, openSync, readSync, statSync } from "node:fs";
import { dirname } from "node:path";
import type { Engine } from "./engine.ts";
import { type Doing, explain, fileError, isNoDatabase } from "./errors.ts";
import { assertHeader, type Header, readHeader } from "./format.ts";

/** The path as it was given, for messages, and as it is used. */
export interface FilePath {
  readonly given: string;
  readonly absolute: string;
}

interface Stat {
  readonly dev: number;
  readonly ino: number | null;
}

// Under Deno its own call takes a third of the time of the node: one, and each commit makes two.
const stat: (path: string) => Stat = (globalThis as { Deno?: { statSync(path: string): Stat } }).Deno?.statSync ?? statSync;

const codeOf = (error: unknown): unknown => (error as { code?: unknown } | undefined)?.code;

/** Which file stands at the path now; undefined: none. Another file has another identity while this one is open. */
export function identify(path: string): string | undefined {
  try {
    const { dev, ino } = stat(path);
    return `${dev}:${ino}`;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

/**
 * Nothing if the file, or what is beside it, is still the one that it was.
 *
 * @throws {StateError} STATE_DRIVER if it is not
 */
export function assertSame({ given, absolute }: FilePath, identity: string, doing: Doing, beside?: string): void {
  if (identify(beside ?? absolute) === identity) return;
  const what = beside === undefined ? "it" : "the log beside it";
  throw fileError(doing, given, `${what} was removed or replaced while it was open; close the state and open it again`);
}

/**
 * Whether the file holds anything. An empty one is as good as none: it is what remains if the process that made it died.
 *
 * @throws {StateError} STATE_DRIVER if something else stands there, or it cannot be looked at
 */
export function hasContent({ given, absolute }: FilePath): boolean {
  try {
    const found = statSync(absolute);
    if (!found.isFile()) throw fileError("open", given, found.isDirectory() ? "it is a folder" : "it is not a regular file");
    return found.size > 0;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return false;
    throw explain(error, "open", given);
  }
}

/** Makes a file's bytes, or the names in a folder, durable; nothing if it is not there. */
export function sync(path: string, flags: "r" | "r+"): void {
  let descriptor: number;
  try {
    descriptor = openSync(path, flags);
  } catch (error) {
    // Windows opens no folders and keeps their names by itself. What may not be opened was synced by who may.
    if (["ENOENT", "EISDIR", "EPERM", "EACCES", "EROFS"].includes(codeOf(error) as string)) return;
    throw error;
  }
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Creates the file, empty, unless it is there: for its owner alone, as are the folders that were missing. SQLite gives the
 * log and the index beside it the same mode, and syncs the folder that holds it.
 *
 * @throws {StateError} STATE_DRIVER if that fails
 */
export function createFile({ given, absolute }: FilePath): void {
  try {
    const folder = dirname(absolute);
    const outermost = mkdirSync(folder, { recursive: true, mode: 0o700 });
    if (outermost !== undefined) {
      for (let made = folder; made.length >= outermost.length; made = dirname(made)) sync(dirname(made), "r");
    }
    closeSync(openSync(absolute, "wx", 0o600));
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw explain(error, "create", given);
    if (identify(absolute) === undefined) throw fileError("create", given, "it is a link to a file that does not exist", error);
  }
}

// Closing any descriptor of a file drops all locks that the process has on it, those of other connections too: such
// descriptors stay open, one a file. @see https://www.sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_
const kept = new Map<string, number>();

/** The header without SQLite's help, or undefined if it is no SQLite file. */
function readHeaderBytes(absolute: string): Header | undefined {
  const identity = identify(absolute) ?? "";
  const descriptor = kept.get(identity) ?? openSync(absolute, "r");
  kept.set(identity, descriptor);
  const bytes = new Uint8Array(100);
  readSync(descriptor, bytes, 0, 100, 0);
  const view = new DataView(bytes.buffer);
  const magic = new TextDecoder("latin1").decode(bytes.subarray(0, 16));
  return magic === "SQLite format 3\0" ? { application: view.getInt32(68), version: view.getInt32(60) } : undefined;
}

/** The header, read so that nothing is created or locked; undefined if it is no SQLite file. */
function peekHeader(engine: Engine, { given, absolute }: FilePath): Header | undefined {
  try {
    const connection = engine.peek(absolute);
    try {
      return readHeader(connection);
    } finally {
      connection.close();
    }
  } catch (error) {
    if (isNoDatabase(error)) return undefined;
    try {
      return readHeaderBytes(absolute);
    } catch (cause) {
      throw explain(cause, "open", given);
    }
  }
}

/**
 * Looks before SQLite may: opening a database for real can create files beside it, or change it.
 *
 * @throws {StateError} STATE_DRIVER if the file is not ours
 * @throws {StateError} STATE_NEWER_FORMAT if a newer version of this library made it
 */
export function assertOurs(engine: Engine, path: FilePath): void {
  const header = peekHeader(engine, path);
  if (header === undefined) throw fileError("open", path.given, "it is not a SQLite database");
  assertHeader(header, path.given);
}
