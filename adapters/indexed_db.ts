/**
 * The driver over IndexedDB, for browsers and their workers.
 *
 * @module
 */
import type { Driver } from "../src/store/driver.ts";
import { createDriver } from "./indexed_db/driver.ts";

/**
 * A driver over one database of IndexedDB. A commit is one transaction with durability "strict": it is handed to the disk, not only to the
 * operating system, before it is acknowledged. Any number of tabs and workers of one origin may use it, and see each other's commits at once.
 *
 * Nothing is opened before the first call. A database that another tab deletes, or wants to change, is let go; the next call opens it again.
 * Browsers may take away what a site stored when space is short, unless they were asked not to: the first state on a driver
 * asks `navigator.storage.persist()`, and `onWarning` hears it (`code: "evictable"`) if the answer is no.
 *
 * The driver's methods reject with a `StateError`:
 *
 * - `STATE_UNSUPPORTED` where there is no IndexedDB, or it is closed to this page, as in some private windows;
 * - `STATE_CORRUPT`, once, if the browser found the database damaged and threw it away; only Chromium tells. The next call finds an empty one;
 * - `STATE_NEWER_FORMAT` if a newer version of this library has made the database, or makes it newer while it is open;
 * - `STATE_DRIVER` if the quota is used up, the database is not ours, others keep it from being opened for 30 seconds, or the engine fails.
 *
 * @param name of the database
 * @throws {TypeError} if it is no text, or empty
 *
 * @example
 * ```ts ignore
 * import { openState, StateScope } from "@llmspell/state-persistence";
 * import { indexedDb } from "@llmspell/state-persistence/adapters/indexed-db";
 *
 * await using state = await openState({ driver: indexedDb("my-agent") });
 * await state.increment(StateScope.global, "starts");
 * ```
 */
export function indexedDb(name: string): Driver {
  if (typeof name !== "string" || name === "") {
    throw new TypeError(`Cannot use ${name === "" ? "an empty text" : String(name)} as the name of a database: it must be a text`);
  }
  return createDriver(name);
}
