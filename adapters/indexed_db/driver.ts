/**
 * The driver over a database of IndexedDB.
 *
 * @module
 */
import { promisifyRequest } from "idb-keyval";
import { isStateError } from "../../src/errors.ts";
import type { Driver, DriverBatch, DriverItem, DriverListOptions } from "../../src/store/driver.ts";
import { type Database, database, explain } from "./database.ts";

/** Sorts above every key that begins as the text before it. */
const PAST = "\u{ffff}";

/** A driver over the database of this name. */
export function createDriver(name: string): Driver {
  const db = database(name);
  const telling = async <T>(act: () => Promise<T>): Promise<T> => {
    try {
      return await act();
    } catch (error) {
      throw isStateError(error) ? error : explain(error, name);
    }
  };
  const getMany = (keys: readonly string[]) => telling(() => read(db, keys));
  const list = (options: DriverListOptions) => telling(() => page(db, options));
  const commit = (batch: DriverBatch) => telling(() => write(db, batch));
  return {
    name: `indexed-db ${name}`,
    supports: {
      commit: true,
      create: false,
      list: "ordered",
      writers: "many",
      durability: "fsync",
      strongReads: true,
      binary: true,
      valueBytes: 16 * 1024 * 1024,
      keyBytes: 64 * 1024,
      batchOps: 4000,
      batchBytes: 32 * 1024 * 1024,
    },
    hasItem: async (key) => (await getMany([key]))[0] !== undefined,
    getItem: async (key) => (await getMany([key]))[0],
    getKeys: async (base) => (await list({ prefix: base, limit: Infinity })).map(({ key }) => key),
    setItem: async (key, value) => void await commit({ checks: [], set: [[key, value]], remove: [], durable: true }),
    removeItem: async (key) => void await commit({ checks: [], set: [], remove: [key], durable: true }),
    getMany,
    list,
    commit,
    caveat: async () => {
      const isKept = await globalThis.navigator?.storage?.persist?.().catch(() => false);
      return isKept === false
        ? {
          code: "evictable",
          message: `The browser may take the database "${name}" away when space is short: it was asked not to, and declined`,
        }
        : undefined;
    },
    dispose: () => db.close(),
  };
}

/** Values of one moment: all in one transaction. */
function read(db: Database, keys: readonly string[]): Promise<(string | Uint8Array | undefined)[]> {
  return db.use("readonly", (store) => Promise.all(keys.map((key) => promisifyRequest<string | Uint8Array | undefined>(store.get(key)))));
}

function page(db: Database, { prefix, after, limit, reverse = false, values = false }: DriverListOptions): Promise<DriverItem[]> {
  const past = prefix + PAST;
  const isAfter = after !== undefined && (reverse ? after < past : after >= prefix);
  const [from, to] = reverse ? [prefix, isAfter ? after : past] : [isAfter ? after : prefix, past];
  if (from >= to || limit <= 0) return Promise.resolve([]);
  const range = IDBKeyRange.bound(from, to, !reverse && isAfter, true);
  return db.use("readonly", async (store) => {
    if (reverse) return await backwards(store, range, limit, values);
    const most = Number.isFinite(limit) ? limit : undefined;
    const [keys, all] = await Promise.all([
      promisifyRequest(store.getAllKeys(range, most)),
      values ? promisifyRequest<(string | Uint8Array)[]>(store.getAll(range, most)) : undefined,
    ]);
    return keys.map((key, i) => all === undefined ? { key: key as string } : { key: key as string, value: all[i]! });
  });
}

/** IndexedDB gives many entries at once upwards only. */
function backwards(store: IDBObjectStore, range: IDBKeyRange, limit: number, values: boolean): Promise<DriverItem[]> {
  return new Promise((resolve, reject) => {
    const items: DriverItem[] = [];
    const request = (values ? store.openCursor(range, "prev") : store.openKeyCursor(range, "prev")) as IDBRequest<IDBCursor | null>;
    request.onerror = () => reject(request.error);
    request.onsuccess = () => {
      const cursor = request.result;
      if (cursor === null || items.length === limit) return resolve(items);
      const key = cursor.key as string;
      items.push(values ? { key, value: (cursor as IDBCursorWithValue).value } : { key });
      cursor.continue();
    };
  });
}

/** One transaction: the checks are read in it, and everything is written in the same turn as the last of their answers comes. */
function write(db: Database, { checks, set, remove }: DriverBatch): Promise<boolean> {
  return db.use("readwrite", (store) =>
    new Promise((resolve, reject) => {
      const { transaction } = store;
      let holds = true;
      let left = checks.length;
      transaction.oncomplete = () => resolve(holds);
      transaction.onabort = () => holds ? reject(transaction.error ?? new Error("the transaction was aborted")) : resolve(false);
      const put = () => {
        for (const [key, value] of set) store.put(value, key);
        for (const key of remove) store.delete(key);
        transaction.commit?.();
      };
      for (const { key, is } of checks) {
        const request = store.get(key);
        request.onsuccess = () => {
          if (!holds) return;
          if (request.result !== is) {
            holds = false;
            transaction.abort();
          } else if (--left === 0) put();
        };
      }
      if (checks.length === 0) put();
    }));
}
