/**
 * The driver over one SQLite file, with the SQLite that is built into Deno, Node (22.13 and later) and Bun.
 *
 * @module
 */
import { resolve } from "node:path";
import type { Driver } from "../src/store/driver.ts";
import { createDriver } from "./sqlite/driver.ts";

/** How long a call waits for a lock that another process holds. */
const lockedMs = 30_000;

/**
 * A driver over one SQLite file. It commits natively and durably (write-ahead log, synced at each commit), for any number of
 * processes at once on one machine.
 *
 * Nothing is opened before the first call. Reads create nothing; the first write creates the file (mode 0600) and missing
 * folders (0700). SQLite keeps a log and an index beside it, `-wal` and `-shm`, which the last one to close removes. A driver
 * that was disposed opens the file again at the next call. The file must be on a local file system, and its folder writable,
 * for readers too. If it, or its log, is removed or replaced while it is open, the next write says so.
 *
 * SQLite before 3.51.3, as in Node 22.13, has a rare bug that can damage a file that several processes write; the newest
 * Node 22 has none.
 *
 * The driver's methods reject with a `StateError`:
 *
 * - `STATE_UNSUPPORTED` if this runtime has no SQLite, as Node 20;
 * - `STATE_DRIVER` if the file cannot be opened, read or written, belongs to another application, was removed, or another
 *   process has kept it locked for 30 seconds; nothing was written then;
 * - `STATE_NEWER_FORMAT` if a newer version of this library made the file;
 * - `STATE_CORRUPT` if SQLite finds its pages damaged.
 *
 * @param file the path, as it is: no `file:` URL
 * @throws {TypeError} if it is not a path
 *
 * @see https://www.sqlite.org/wal.html#walresetbug
 *
 * @example
 * ```ts
 * import { openState, StateScope } from "@llmspell/state-persistence";
 * import { sqlite } from "@llmspell/state-persistence/adapters/sqlite";
 *
 * await using state = await openState({ driver: sqlite("./agents.db") });
 * await state.increment(StateScope.global, "starts");
 * ```
 */
export function sqlite(file: string): Driver {
  const problem = typeof file !== "string"
    ? `it must be a string, not ${file === null ? "null" : typeof file}`
    : file === ""
    ? "it is empty"
    : file === ":memory:"
    ? "nothing would outlive the connection; use memory() instead"
    : /^file:/i.test(file)
    ? 'URLs are not taken; write a path such as "./agents.db"'
    : file.includes("\0")
    ? "it contains a NUL character"
    : !file.isWellFormed()
    ? "it has an unpaired surrogate, which no file system keeps"
    : undefined;
  if (problem !== undefined) {
    throw new TypeError(`Cannot use ${JSON.stringify(file) ?? String(file)} as the path of a SQLite file: ${problem}`);
  }
  return createDriver({ given: file, absolute: resolve(file) }, lockedMs);
}
