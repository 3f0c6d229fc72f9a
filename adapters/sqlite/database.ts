/**
 * An open database: its connection, settings and one transaction.
 *
 * @module
 */
import { realpathSync } from "node:fs";
import type { DriverBatch } from "../../src/store/driver.ts";
import type { Connection, Engine } from "./engine.ts";
import { change, type Changes, holds } from "./entries.ts";
import { explain, fileError, isBusy, isKnownNotCommitted } from "./errors.ts";
import { assertOurs, assertSame, createFile, type FilePath, hasContent, identify, sync } from "./file.ts";
import { setUp } from "./format.ts";

/** A database that is open. */
export interface Database {
  readonly path: FilePath;
  readonly connection: Connection;
  /** Which file it is. */
  readonly identity: string;
  /** Where its log is. */
  readonly log: string;
  /** Which file the log is, from the first write on. */
  logIdentity?: string;
}

/**
 * Opens a connection as all of them should be.
 *
 * @throws an error of which `isBusy` is true if somebody holds the lock
 * @throws {StateError} if it cannot be opened
 */
export function connect(engine: Engine, { given, absolute }: FilePath): Connection {
  let connection: Connection | undefined;
  try {
    connection = engine.open(absolute);
    // FULL with a write-ahead log: each commit syncs it. On macOS that alone would stop at the drive's own cache.
    for (const setting of ["busy_timeout = 0", "synchronous = FULL", "fullfsync = 1", "checkpoint_fullfsync = 1", "cache_size = -16000"]) {
      connection.statement(`PRAGMA ${setting}`).get();
    }
    return connection;
  } catch (error) {
    connection?.close();
    throw isBusy(error) ? error : explain(error, "open", given);
  }
}

/**
 * Opens the database, or gives undefined if there is none; with `create` there is one afterwards.
 *
 * @throws an error of which `isBusy` is true if somebody holds its lock
 * @throws {StateError} if it cannot be opened, or is not ours
 */
export function openDatabase(engine: Engine, path: FilePath, create: boolean): Database | undefined {
  if (hasContent(path)) assertOurs(engine, path);
  else if (create) createFile(path);
  else return undefined;
  const identity = identify(path.absolute) ?? "none";
  const connection = connect(engine, path);
  try {
    if (setUp(connection, create, path.given)) {
      // SQLite puts the log beside the file that a link leads to.
      const log = `${realpathSync(path.absolute)}-wal`;
      // A commit whose process died before it was synced may have been recovered; whoever reads it can rely on it.
      sync(log, "r+");
      return { path, connection, identity, log };
    }
  } catch (error) {
    connection.close();
    throw isBusy(error) ? error : explain(error, "open", path.given);
  }
  connection.close();
  return undefined;
}

/** Before the first write through a connection; gives which file the log is. */
function prepareWrites({ connection, log, path }: Database): string {
  const mode = connection.statement("PRAGMA journal_mode = WAL").get()?.journal_mode;
  if (mode !== "wal") throw fileError("write to", path.given, `its journal mode cannot be changed from ${mode} to wal`);
  // It exists from the first look into the database to the end of the last connection.
  connection.statement("SELECT 1 FROM entry LIMIT 1").get();
  return identify(log) ?? "none";
}

/** Whether the transaction is gone; if not, the connection must go. */
function rollBack(connection: Connection): boolean {
  try {
    connection.statement("ROLLBACK").run();
    return true;
  } catch {
    // After some errors SQLite has rolled back by itself; what else it may be is not worth telling apart.
    return false;
  }
}

/**
 * One transaction: false if a check fails. `discard` is called if the connection cannot be used any more.
 *
 * @throws an error of which `isBusy` is true if somebody holds the lock; nothing was written then
 * @throws {StateError} if nothing was written
 * @throws {Error} any other if that is not known
 */
export function transact(database: Database, checks: DriverBatch["checks"], changes: Changes, discard: () => void): boolean {
  const { connection, path: { given } } = database;
  let stage: "before" | "within" | "committing" = "before";
  try {
    const logIdentity = database.logIdentity ??= prepareWrites(database);
    connection.statement("BEGIN IMMEDIATE").run();
    stage = "within";
    if (holds(connection, checks)) {
      change(connection, changes);
      // What is written to files that have lost their names is lost, and SQLite does not notice.
      assertSame(database.path, database.identity, "write to");
      assertSame(database.path, logIdentity, "write to", database.log);
      stage = "committing";
      connection.statement("COMMIT").run();
      return true;
    }
    if (!rollBack(connection)) discard();
    return false;
  } catch (error) {
    if (stage !== "before" && !rollBack(connection)) discard();
    if (isBusy(error)) throw error;
    if (stage === "committing" && !isKnownNotCommitted(error)) {
      throw new Error(`Cannot tell whether the SQLite file "${given}" took a commit: ${(error as Error).message}`, { cause: error });
    }
    throw explain(error, "write to", given);
  }
}
