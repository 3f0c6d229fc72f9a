/// <reference lib="deno.unstable" />
/**
 * Who is measured: this library, and what one would write without it.
 *
 * @module
 */
import { openState, StateScope } from "@llmspell/state-persistence";
import { memory } from "@llmspell/state-persistence/adapters/memory";
import { denoKv } from "@llmspell/state-persistence/adapters/deno-kv";
import { fs } from "@llmspell/state-persistence/adapters/fs";
import { sqlite } from "@llmspell/state-persistence/adapters/sqlite";
import { closeSync, fdatasync, openSync, writeSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { promisify } from "node:util";
import { createStorage } from "unstorage";
import fsLiteDriver from "unstorage/drivers/fs-lite";
import memoryDriver from "unstorage/drivers/memory";

/** What an operation promises once it has returned. */
export interface Guarantees {
  readonly save: string;
  readonly load: string;
}

/** A store of JSON values by key. */
export interface Contender {
  readonly name: string;
  readonly guarantees: Guarantees;
  save(key: string, value: unknown): unknown;
  load(key: string): unknown;
  close(): Promise<void>;
}

/** This library in memory; a map of JSON texts; unstorage's memory driver. */
export async function openInMemory(): Promise<readonly [Contender, ...Contender[]]> {
  const state = (await openState({ driver: memory() })).in(StateScope.agent("bench"));
  const texts = new Map<string, string>();
  const storage = createStorage({ driver: memoryDriver() });
  return [{
    name: "memory()",
    guarantees: { save: "atomic, chained; in memory", load: "newest, verified" },
    save: (key, value) => state.save(key, value),
    load: (key) => state.load(key),
    close: () => Promise.resolve(),
  }, {
    name: "Map + JSON",
    guarantees: { save: "none", load: "newest" },
    save: (key, value) => texts.set(key, JSON.stringify(value)),
    load: (key) => JSON.parse(texts.get(key)!),
    close: () => Promise.resolve(),
  }, {
    name: "unstorage memory",
    guarantees: { save: "none", load: "newest" },
    save: (key, value) => storage.setItem(key, value as string),
    load: (key) => storage.getItem(key),
    close: () => storage.dispose(),
  }];
}

/** This library on SQLite; bare prepared statements with the same settings, one commit an upsert. */
export async function openOnSqlite(folder: string): Promise<readonly [Contender, ...Contender[]]> {
  const state = await openState({ driver: sqlite(`${folder}/ours.db`) });
  const agent = state.in(StateScope.agent("bench"));
  const database = new DatabaseSync(`${folder}/bare.db`);
  for (const setting of ["journal_mode = WAL", "synchronous = FULL", "fullfsync = 1", "checkpoint_fullfsync = 1", "cache_size = -16000"]) {
    database.exec(`PRAGMA ${setting}`);
  }
  database.exec("CREATE TABLE entry (key TEXT NOT NULL PRIMARY KEY, value NOT NULL)");
  const upsert = database.prepare("INSERT INTO entry VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value");
  const select = database.prepare("SELECT value FROM entry WHERE key = ?");
  return [{
    name: "sqlite()",
    guarantees: { save: "fsync, atomic, chained", load: "newest, verified" },
    save: (key, value) => agent.save(key, value),
    load: (key) => agent.load(key),
    close: () => state.close(),
  }, {
    name: "bare SQLite",
    guarantees: { save: "fsync, atomic", load: "newest" },
    save: (key, value) => upsert.run(key, JSON.stringify(value)),
    load: (key) => JSON.parse((select.get(key) as { value: string }).value),
    close: () => {
      database.close();
      return Promise.resolve();
    },
  }];
}

/** This library in a file of Deno KV; an atomic operation of Deno KV that sets one key. */
export async function openOnDenoKv(folder: string): Promise<readonly [Contender, ...Contender[]]> {
  const state = await openState({ driver: denoKv(`${folder}/ours.kv`) });
  const agent = state.in(StateScope.agent("bench"));
  const kv = await Deno.openKv(`${folder}/bare.kv`);
  return [{
    name: "denoKv()",
    guarantees: { save: "as Deno KV's, chained", load: "newest, verified" },
    save: (key, value) => agent.save(key, value),
    load: (key) => agent.load(key),
    close: () => state.close(),
  }, {
    name: "bare kv.atomic()",
    guarantees: { save: "atomic", load: "newest" },
    save: (key, value) => kv.atomic().set(["bench", key], value).commit(),
    load: async (key) => (await kv.get(["bench", key])).value,
    close: () => Promise.resolve(kv.close()),
  }];
}

/** This library in a folder; a line appended to a file and synced, nothing else; unstorage's fs-lite; SQLite as it is. */
export async function openOnFiles(folder: string): Promise<readonly [Contender, ...Contender[]]> {
  const state = await openState({ driver: fs(`${folder}/ours`) });
  const agent = state.in(StateScope.agent("bench"));
  const storage = createStorage({ driver: fsLiteDriver({ base: `${folder}/lite` }) });
  const [, bare] = await openOnSqlite(folder);
  return [
    {
      name: "fs()",
      guarantees: { save: "fsync, atomic, chained", load: "newest, verified" },
      save: (key, value) => agent.save(key, value),
      load: (key) => agent.load(key),
      close: () => state.close(),
    },
    appender(`${folder}/raw`),
    {
      name: "unstorage fs-lite",
      guarantees: { save: "none: torn by a kill", load: "newest, or torn" },
      save: (key, value) => storage.setItem(key, value as string),
      load: (key) => storage.getItem(key),
      close: () => storage.dispose(),
    },
    bare!,
  ];
}

/** The least that is durable: the value's JSON appended by one write, then synced. What it loads it has kept in memory. */
function appender(path: string): Contender {
  const file = openSync(path, "a");
  const sync = promisify(fdatasync);
  const texts = new Map<string, string>();
  return {
    name: "append + fdatasync",
    guarantees: { save: "fsync", load: "none: a Map" },
    save: async (key, value) => {
      const text = JSON.stringify(value);
      writeSync(file, `${key} ${text}\n`);
      await sync(file);
      texts.set(key, text);
    },
    load: (key) => JSON.parse(texts.get(key)!),
    close: () => Promise.resolve(closeSync(file)),
  };
}
