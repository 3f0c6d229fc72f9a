/** What the tests of the SQLite adapter share. */
import { readFileSync, rmSync } from "node:fs";
import { resolve } from "node:path";
import { createDriver } from "../../../adapters/sqlite/driver.ts";
import { type Connection, type Engine, loadEngine, type Statement } from "../../../adapters/sqlite/engine.ts";
import type { Driver, DriverBatch } from "../../../src/store/driver.ts";

/** A batch with what is not given empty. */
export const batch = (part: Partial<DriverBatch>): DriverBatch => ({ checks: [], set: [], remove: [], durable: false, ...part });

/** Runs something with a folder of its own. */
export async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = Deno.makeTempDirSync({ prefix: "sqlite_test_" });
  try {
    await run(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Every file below a folder and its bytes. */
export function snapshot(folder: string): Record<string, string> {
  const files: Record<string, string> = {};
  for (const { name, isDirectory, isFile } of Deno.readDirSync(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) Object.assign(files, snapshot(path));
    else files[path] = isFile ? readFileSync(path, "latin1") : "no file";
  }
  return files;
}

/**
 * A driver whose every run of a statement first goes through `before`, which may look through the same connection, or throw
 * as SQLite would. The engine is the real one.
 */
export function watchedDriver(
  file: string,
  before: (sql: string, connection: Connection) => void,
  lockedMs = 30_000,
): Driver {
  const watch = (connection: Connection): Connection => ({
    close: () => connection.close(),
    statement(sql) {
      const statement = connection.statement(sql);
      const watched = <K extends keyof Statement>(name: K) =>
        ((...cells: Parameters<Statement[K]>) => {
          before(sql, connection);
          return statement[name](...cells);
        }) as Statement[K];
      return { get: watched("get"), all: watched("all"), run: watched("run") };
    },
  });
  const load = async (): Promise<Engine> => {
    const engine = await loadEngine();
    return { peek: engine.peek, open: (path) => watch(engine.open(path)) };
  };
  return createDriver({ given: file, absolute: resolve(file) }, lockedMs, load);
}
