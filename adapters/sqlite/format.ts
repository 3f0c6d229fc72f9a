/**
 * What makes a SQLite file ours: two numbers in its header and one table.
 *
 * @module
 */
import { StateError } from "../../src/errors.ts";
import type { Connection } from "./engine.ts";
import { fileError } from "./errors.ts";

/** Stored in the header of each of our files: "LSSP". @see https://www.sqlite.org/pragma.html#pragma_application_id */
const applicationId = 0x4c535350;

/** The newest layout that this version reads and writes. */
const formatVersion = 1;

/** What the header of a database says: whom it belongs to, and its layout. */
export interface Header {
  readonly application: number;
  readonly version: number;
}

/** The header as a connection sees it. */
export function readHeader(connection: Connection): Header {
  const pragma = (name: string) => connection.statement(`PRAGMA ${name}`).get()![name] as number;
  return { application: pragma("application_id"), version: pragma("user_version") };
}

/**
 * @throws {StateError} STATE_DRIVER if the database belongs to another application
 * @throws {StateError} STATE_NEWER_FORMAT if a newer version of this library made it
 */
export function assertHeader({ application, version }: Header, file: string): void {
  if (application !== applicationId) {
    throw fileError("open", file, `it is not this library's, but some other database or file (its application_id is ${application})`);
  }
  if (version > formatVersion) {
    throw new StateError(
      "STATE_NEWER_FORMAT",
      `Cannot open the SQLite file "${file}": its format is ${version} and this version of the library knows up to ${formatVersion}`,
      { details: { stored: version, supported: formatVersion } },
    );
  }
}

/** Runs something in a transaction; an error leaves it open, and the connection must be closed. */
function within<T>(connection: Connection, begin: "BEGIN" | "BEGIN IMMEDIATE", step: () => T): T {
  connection.statement(begin).run();
  const result = step();
  connection.statement("COMMIT").run();
  return result;
}

/**
 * Whether the database behind a new connection is set up; with `create` it is afterwards. All of it in one transaction,
 * before the database has a write-ahead log: so its header alone always tells whose it is, whoever dies when.
 *
 * @throws {StateError} as {@linkcode assertHeader}, and STATE_DRIVER if our table is missing
 */
export function setUp(connection: Connection, create: boolean, file: string): boolean {
  return within(connection, create ? "BEGIN IMMEDIATE" : "BEGIN", () => {
    const tables = connection.statement("SELECT name FROM sqlite_master WHERE type = 'table'").all().map(({ name }) => name);
    const header = readHeader(connection);
    if (tables.length === 0 && header.application === 0) {
      if (!create) return false;
      connection.statement(`PRAGMA application_id = ${applicationId}`).run();
      connection.statement(`PRAGMA user_version = ${formatVersion}`).run();
      // A table with rowids in pages of 4 KiB was the fastest on what a commit writes (a head, a record and a row of 300 to
      // 3,000 bytes): 230 to 290 µs, without rowids 240 to 400, with larger pages 280 to 510; reads differ little.
      connection.statement("CREATE TABLE entry (key TEXT NOT NULL PRIMARY KEY, value NOT NULL)").run();
      return true;
    }
    assertHeader(header, file);
    if (!tables.includes("entry")) throw fileError("open", file, "its table is missing");
    return true;
  });
}
