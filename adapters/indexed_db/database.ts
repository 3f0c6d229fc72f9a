/**
 * One connection to a database, opened when it is needed and let go when somebody else needs that.
 *
 * @module
 */
import type { UseStore } from "idb-keyval";
import { StateError } from "../../src/errors.ts";

/** The object store that holds everything. */
const STORE = "entries";
/** The database's own version: that of the object stores in it. */
const VERSION = 1;
/** How long others may keep the database from being opened, in milliseconds: by deleting it, say, while a third one has it open. */
const PATIENCE_MS = 30_000;

/** A database. */
export interface Database {
  /** Runs something in a transaction of its own, as `idb-keyval` wants it: nothing but the engine's requests may be awaited inside. */
  readonly use: UseStore;
  close(): Promise<void>;
}

/**
 * Chromium throws away a database that it finds damaged, makes an empty one, and says so here, once. It damages them itself: LevelDB
 * goes on behind a record that a kill left half written, and takes that for corruption the next time (google/leveldb#1287).
 */
interface LossyVersionChange extends IDBVersionChangeEvent {
  readonly dataLoss?: "none" | "total";
  readonly dataLossMessage?: string;
}

/** The database of a name; nothing is opened yet. Opening is given up after `patienceMs`. */
export function database(name: string, patienceMs: number = PATIENCE_MS): Database {
  let opening: Promise<IDBDatabase> | undefined;
  const forget = () => opening = undefined;
  const connect = () =>
    opening ??= open(name, patienceMs, forget).catch((error) => {
      forget();
      throw error;
    });
  return {
    use: async (mode, act) => {
      for (let attempt = 1;; attempt++) {
        const db = await connect();
        let transaction: IDBTransaction;
        try {
          transaction = db.transaction(STORE, mode, { durability: "strict" });
        } catch (error) {
          // Closed meanwhile, because another tab deletes or changes it, or the browser cleared it.
          if (attempt > 1 || (error as Error).name !== "InvalidStateError") throw explain(error, name);
          forget();
          continue;
        }
        return await act(transaction.objectStore(STORE));
      }
    },
    close: async () => {
      const db = await opening?.catch(() => undefined);
      forget();
      db?.close();
    },
  };
}

function open(name: string, patienceMs: number, forget: () => void): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const factory = globalThis.indexedDB as IDBFactory | undefined;
    if (factory === undefined) {
      return reject(unsupported("there is none here; it is in browsers and their workers, and not in all private windows"));
    }
    let request: IDBOpenDBRequest;
    try {
      request = factory.open(name, VERSION);
    } catch (error) {
      return reject(explainOpening(error, name));
    }
    let isLate = false;
    // An engine tells nobody that it waits for others to close the database before they can delete it, and may wait for ever.
    const timer = setTimeout(() => {
      isLate = true;
      reject(failed(name, `others have kept it from being opened for ${patienceMs / 1000} seconds; close the other tabs of this site`));
    }, patienceMs);
    let loss: StateError | undefined;
    request.onupgradeneeded = (event: LossyVersionChange) => {
      if (event.dataLoss === "total") {
        loss = lost(name, event.dataLossMessage);
        return request.transaction!.abort();
      }
      if (event.oldVersion === 0) request.result.createObjectStore(STORE);
    };
    request.onerror = () => {
      clearTimeout(timer);
      reject(loss ?? explainOpening(request.error, name));
    };
    request.onsuccess = () => {
      clearTimeout(timer);
      const db = request.result;
      // Nobody waits for it any more.
      if (isLate) return db.close();
      if (!db.objectStoreNames.contains(STORE)) {
        db.close();
        return reject(failed(name, "it is another program's: it holds other object stores"));
      }
      db.onversionchange = () => {
        forget();
        db.close();
      };
      db.onclose = forget;
      resolve(db);
    };
  });
}

function unsupported(why: string): StateError {
  return new StateError("STATE_UNSUPPORTED", `Cannot open IndexedDB: ${why}`, { details: { needs: "indexedDB" } });
}

function lost(name: string, why = ""): StateError {
  const message =
    `The browser found the database "${name}" damaged, and threw away what was in it (${why}). Whoever opens it again gets an empty one`;
  return new StateError("STATE_CORRUPT", message, { details: { object: name } });
}

function failed(name: string, why: string, cause?: unknown): StateError {
  return new StateError("STATE_DRIVER", `Cannot use the database "${name}": ${why}`, { details: {}, cause });
}

function explainOpening(error: unknown, name: string): StateError {
  const { name: kind, message } = (error ?? {}) as Partial<Error>;
  if (kind === "VersionError") {
    return new StateError("STATE_NEWER_FORMAT", `Cannot open the database "${name}": a newer version of this library has made it`, {
      details: { stored: VERSION + 1, supported: VERSION },
      cause: error,
    });
  }
  if (kind === "SecurityError" || kind === "InvalidStateError") {
    return unsupported(`it is closed to this page, as in some private windows, or by the user's settings (${message})`);
  }
  return explain(error, name);
}

/** What an engine's failure means: a transaction that failed has written nothing. */
export function explain(error: unknown, name: string): StateError {
  const { name: kind, message } = (error ?? {}) as Partial<Error>;
  return failed(
    name,
    kind === "QuotaExceededError" ? "the quota of this site is used up" : `${message || kind || "the engine failed"}`,
    error,
  );
}
