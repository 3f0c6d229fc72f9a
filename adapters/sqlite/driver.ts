/**
 * The driver over one SQLite file: when it opens and closes, and who waits for whom.
 *
 * @module
 */
import type { Driver, DriverBatch } from "../../src/store/driver.ts";
import { connect, type Database, openDatabase, transact } from "./database.ts";
import { type Connection, type Engine, loadEngine } from "./engine.ts";
import { has, readMany, readOne, readPage, toChanges, type Value } from "./entries.ts";
import { explain, isBusy } from "./errors.ts";
import { assertSame, type FilePath } from "./file.ts";
import { type Patience, pause, untilFree } from "./lock.ts";

/** The most keys read before others in this process have their turn: about 1 to 3 ms. */
const turnKeys = 500;

const MiB = 1024 * 1024;

/** A driver over the file. It waits so long for a lock, and loads its engine at the first call. */
export function createDriver(path: FilePath, lockedMs: number, load: () => Promise<Engine> = loadEngine): Driver {
  let engine: Engine | undefined;
  let database: Database | undefined;
  // The file in use since the driver was made or disposed, through however many connections.
  let identity: string | undefined;
  let writes: Promise<unknown> = Promise.resolve();

  const patience = (doing: Patience["doing"]): Patience => ({ file: path.given, doing, until: performance.now() + lockedMs, lockedMs });

  async function open(create: boolean, limits: Patience): Promise<Database | undefined> {
    const loaded = engine ??= await load();
    return database ?? await untilFree(() => {
      if (identity !== undefined) assertSame(path, identity, "open");
      database ??= openDatabase(loaded, path, create);
      identity = database?.identity;
      return database;
    }, limits);
  }

  function discard(): void {
    const { connection } = database!;
    database = undefined;
    connection.close();
  }

  /** Reads at once; `none` if there is no database. */
  async function read<T>(attempt: (connection: Connection) => T, none: T): Promise<T> {
    const limits = patience("read");
    const { connection } = database ?? await open(false, limits) ?? {};
    if (connection === undefined) return none;
    return await untilFree(() => {
      try {
        return attempt(connection);
      } catch (error) {
        throw isBusy(error) ? error : explain(error, "read", path.given);
      }
    }, limits);
  }

  /** As of one moment, in turns: on a connection of its own, as this one's commits go on meanwhile. */
  async function readLong(keys: readonly string[]): Promise<(Value | undefined)[]> {
    const limits = patience("read");
    const found = database ?? await open(false, limits);
    if (found === undefined) return keys.map(() => undefined);
    const connection = await untilFree(() => connect(engine!, path), limits);
    try {
      assertSame(path, found.identity, "read");
      connection.statement("BEGIN").run();
      const values: (Value | undefined)[] = [];
      for (let at = 0; at < keys.length; at += turnKeys) {
        const turn = keys.slice(at, at + turnKeys);
        values.push(...await untilFree(() => turn.map((key) => readOne(connection, key)), limits));
        await pause(0);
      }
      return values;
    } catch (error) {
      throw explain(error, "read", path.given);
    } finally {
      connection.close();
    }
  }

  /** One after the other, in the order of the calls. */
  function queue<T>(work: () => Promise<T>): Promise<T> {
    const done = writes.then(work);
    writes = done.catch(() => undefined);
    return done;
  }

  async function commit(batch: DriverBatch): Promise<boolean> {
    const changes = toChanges(batch);
    const limits = patience("write to");
    return await queue(async () => {
      const creates = changes.set.length > 0;
      const found = database ?? await open(creates, limits);
      if (found === undefined) return batch.checks.every(({ is }) => is === undefined);
      return await untilFree(() => transact(found, batch.checks, changes, discard), limits);
    });
  }

  const batch = (part: Partial<DriverBatch>): DriverBatch => ({ checks: [], set: [], remove: [], durable: true, ...part });

  return {
    name: "sqlite",
    supports: {
      commit: true,
      create: true,
      list: "ordered",
      writers: "many",
      durability: "fsync",
      strongReads: true,
      binary: true,
      // SQLite takes 1 GB; but a write stops the process while it lasts, at some 200 MB/s.
      valueBytes: 32 * MiB,
      keyBytes: 64 * 1024,
      batchOps: 2000,
      batchBytes: 64 * MiB,
    },
    hasItem: (key) => read((connection) => has(connection, key), false),
    getItem: (key) => read((connection) => readOne(connection, key) ?? null, null),
    async getKeys(base = "") {
      const keys: string[] = [];
      while (true) {
        const after = keys.at(-1);
        const options = { prefix: base, limit: turnKeys, ...(after === undefined ? {} : { after }) };
        const page = await read((connection) => readPage(connection, options), []);
        for (const { key } of page) keys.push(key);
        if (page.length < turnKeys) return keys;
        await pause(0);
      }
    },
    setItem: async (key, value) => void await commit(batch({ set: [[key, value]] })),
    removeItem: async (key) => void await commit(batch({ remove: [key] })),
    dispose: () =>
      // deno-lint-ignore require-await
      queue(async () => {
        identity = undefined;
        if (database) discard();
      }),
    getMany: (keys) =>
      keys.length > turnKeys ? readLong(keys) : read((connection) => readMany(connection, keys), keys.map(() => undefined)),
    create: (key, value) => commit(batch({ checks: [{ key, is: undefined }], set: [[key, value]] })),
    list: (options) => read((connection) => readPage(connection, options), []),
    commit,
  };
}
