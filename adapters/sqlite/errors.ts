/**
 * What SQLite's failures mean to a state: which are typed errors, which are worth another try, which leave a doubt.
 *
 * @module
 */
import { isStateError, StateError } from "../../src/errors.ts";
import { resultCode } from "./engine.ts";

/** What was being done, for the message. */
export type Doing = "read" | "write to" | "create" | "open";

// Primary result codes. @see https://www.sqlite.org/rescode.html
const BUSY = 5;
const LOCKED = 6;
const READONLY = 8;
const CORRUPT = 11;
const FULL = 13;
const CANTOPEN = 14;
const PROTOCOL = 15;
const NOTADB = 26;

const reasons: ReadonlyMap<number, string> = new Map([
  [READONLY, "it is not writable"],
  [FULL, "the disk is full"],
  [CANTOPEN, "it, its folder, or the log and index that SQLite keeps beside it cannot be opened"],
]);

function primaryCode(error: unknown): number | undefined {
  const code = resultCode(error);
  return code === undefined ? undefined : code & 0xff;
}

/** Whether somebody else holds the lock that was wanted: nothing happened, and the same call may succeed in a moment. */
export function isBusy(error: unknown): boolean {
  const code = primaryCode(error);
  return code === BUSY || code === LOCKED || code === PROTOCOL;
}

/** Whether SQLite says that the file is no SQLite database. */
export function isNoDatabase(error: unknown): boolean {
  return primaryCode(error) === NOTADB;
}

/**
 * Whether a `COMMIT` that failed like this has certainly not committed. After a lost lock or a full disk the last page of
 * the transaction was not written. A failed sync tells nothing: the page may be there after a crash.
 */
export function isKnownNotCommitted(error: unknown): boolean {
  return isBusy(error) || primaryCode(error) === FULL;
}

/** A StateError about the file, with its role and path. */
export function fileError(doing: Doing, file: string, why: string, cause?: unknown): StateError<"STATE_DRIVER"> {
  return new StateError("STATE_DRIVER", `Cannot ${doing} the SQLite file "${file}": ${why}`, { details: {}, cause });
}

/** The StateError for whatever SQLite or the file system threw while nothing can have been committed. */
export function explain(error: unknown, doing: Doing, file: string): StateError {
  if (isStateError(error)) return error;
  const code = primaryCode(error);
  const said = error instanceof Error ? error.message : String(error);
  if (code === CORRUPT || code === NOTADB) {
    return new StateError("STATE_CORRUPT", `Cannot ${doing} the SQLite file "${file}": its pages are damaged (${said})`, {
      details: {},
      cause: error,
    });
  }
  const reason = code === undefined ? undefined : reasons.get(code);
  return fileError(doing, file, reason === undefined ? said : `${reason} (${said})`, error);
}
