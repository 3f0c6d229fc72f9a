/**
 * The built-in SQLite of Deno, Node and Bun behind one small shape. The only file that knows which of them runs.
 *
 * @module
 */
import { StateError } from "../../src/errors.ts";

/** What SQLite stores and gives back. */
export type Cell = string | number | Uint8Array | null;

/** A prepared statement. There is no way to iterate: Deno's iterator ends quietly where it should report damaged pages. */
export interface Statement {
  get(...cells: Cell[]): Record<string, Cell> | null | undefined;
  all(...cells: Cell[]): Record<string, Cell>[];
  run(...cells: Cell[]): unknown;
}

/** An open connection. All that is asked of it goes through statements: only their errors carry SQLite's number everywhere. */
export interface Connection {
  /** Prepared at the first call with this text and kept. */
  statement(sql: string): Statement;
  close(): void;
}

/** A way to open SQLite files. */
export interface Engine {
  /** For reading and writing. The file must exist: Deno and Node would create it, readable by everyone. */
  open(path: string): Connection;
  /** Only to read the header: takes no lock, creates nothing. Fails on Node before 22.15, which knows no `file:` names. */
  peek(path: string): Connection;
}

interface Database {
  prepare(sql: string): Statement & { finalize?(): void };
  close(): void;
}

interface NodeModule {
  readonly DatabaseSync: new (path: string, options?: { readOnly: boolean }) => Database;
}

interface BunModule {
  readonly Database: new (path: string, flags: number) => Database;
  readonly constants: Record<"SQLITE_OPEN_READONLY" | "SQLITE_OPEN_READWRITE" | "SQLITE_OPEN_URI", number>;
}

function connect(database: Database): Connection {
  const statements = new Map<string, ReturnType<Database["prepare"]>>();
  return {
    statement(sql) {
      let statement = statements.get(sql);
      if (!statement) statements.set(sql, statement = database.prepare(sql));
      return statement;
    },
    close() {
      // Under Bun a connection stays open behind close() for as long as one of its statements lives.
      for (const statement of statements.values()) statement.finalize?.();
      statements.clear();
      database.close();
    },
  };
}

/** `file:` name by which SQLite reads the file as it stands, without locks and without looking for a log beside it. */
function immutable(path: string): string {
  return `file:${encodeURI(path.replaceAll("\\", "/")).replaceAll("?", "%3f").replaceAll("#", "%23")}?mode=ro&immutable=1`;
}

const builtIn = "Bun" in globalThis ? "bun:sqlite" : "node:sqlite";

// Compilers and bundlers that see one of these names would look for the module of a runtime that is not there.
// deno-lint-ignore house/layers
const importBuiltIn = (name: string): Promise<unknown> => import(name);

/**
 * The SQLite that is built into this runtime.
 *
 * @param load imports a built-in module by its name
 * @throws {StateError} STATE_UNSUPPORTED if there is none, as on Node before 22.13
 */
export async function loadEngine(load: (name: string) => Promise<unknown> = importBuiltIn): Promise<Engine> {
  let loaded: unknown;
  try {
    loaded = await load(builtIn);
  } catch (cause) {
    throw new StateError(
      "STATE_UNSUPPORTED",
      "Cannot use SQLite: this runtime has none built in; use Node 22.13 or later, Deno 2.2 or later, or Bun, or another adapter",
      { details: { needs: builtIn }, cause },
    );
  }
  if (builtIn === "bun:sqlite") {
    const { Database, constants: flags } = loaded as BunModule;
    return {
      open: (path) => connect(new Database(path, flags.SQLITE_OPEN_READWRITE)),
      peek: (path) => connect(new Database(immutable(path), flags.SQLITE_OPEN_READONLY | flags.SQLITE_OPEN_URI)),
    };
  }
  const { DatabaseSync } = loaded as NodeModule;
  return {
    open: (path) => connect(new DatabaseSync(path)),
    peek: (path) => connect(new DatabaseSync(immutable(path), { readOnly: true })),
  };
}

/** SQLite's extended result code of something thrown by a statement, if it is one. @see https://www.sqlite.org/rescode.html */
export function resultCode(error: unknown): number | undefined {
  const { errcode, errno, name } = (error ?? {}) as { errcode?: unknown; errno?: unknown; name?: unknown };
  if (typeof errcode === "number") return errcode;
  return name === "SQLiteError" && typeof errno === "number" ? errno : undefined;
}
