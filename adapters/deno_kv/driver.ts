/**
 * The driver over a database of Deno KV.
 *
 * @module
 */
import { StateError } from "../../src/errors.ts";
import type { Driver, DriverBatch, DriverItem, DriverListOptions, Durability } from "../../src/store/driver.ts";
import type { Kv, KvAtomic, KvEntry } from "./kv.ts";
import { decodeValue, encodeValue } from "./values.ts";

/** What all keys of ours begin with. */
const ROOT = "llmspell";
/** The most keys that Deno KV reads at once. */
const READ_AT_ONCE = 10;
/** The most entries of a list that are of one moment. */
const LIST_AT_ONCE = 1000;
/** Reads of the same keys, of which two must agree. */
const COLLECTS = 50;
/** How long a lock that others hold is waited for, and the rests meanwhile, in milliseconds. */
const PATIENCE_MS = 30_000;
const MOST_REST_MS = 100;

/** A driver over a database that is opened with the first call. `check` throws where what was opened is not there any more. */
export function createDriver(open: () => Promise<Kv>, isOurs: boolean, durability: Durability, check: () => void = () => {}): Driver {
  let opening: Promise<Kv> | undefined;
  const database = () =>
    opening ??= open().catch((error) => {
      opening = undefined;
      throw error;
    });
  const put = async (batch: DriverBatch) => {
    const kv = await database();
    check();
    return await write(kv, batch);
  };
  const getMany = async (keys: readonly string[]) => (await collect(await database(), keys)).map(({ value }) => decodeValue(value));
  const list = async (options: DriverListOptions) => await page(await database(), options);
  return {
    name: "deno-kv",
    supports: {
      commit: true,
      create: false,
      list: "ordered",
      writers: "many",
      durability,
      strongReads: true,
      binary: true,
      // Of Deno KV's 64 KiB, 2 KiB, 1,000 and 819,200: what its own framing needs is left.
      valueBytes: 65_000,
      keyBytes: 2000,
      batchOps: 1000,
      batchBytes: 800_000,
    },
    hasItem: async (key) => (await getMany([key]))[0] !== undefined,
    getItem: async (key) => (await getMany([key]))[0],
    getKeys: async (base) => (await list({ prefix: base, limit: Infinity })).map(({ key }) => key),
    setItem: async (key, value) => void await put({ checks: [], set: [[key, value]], remove: [], durable: false }),
    removeItem: async (key) => void await put({ checks: [], set: [], remove: [key], durable: false }),
    getMany,
    list,
    commit: put,
    dispose: async () => {
      const kv = await opening?.catch(() => undefined);
      opening = undefined;
      if (isOurs) kv?.close();
    },
  };
}

function keyOf(key: string): string[] {
  return [ROOT, key];
}

/** Entries of one moment. Ten are one read; more are read until two reads agree: then they stood like that between them. */
async function collect(kv: Kv, keys: readonly string[]): Promise<readonly KvEntry[]> {
  const read = async () => {
    const parts: Promise<readonly KvEntry[]>[] = [];
    for (let at = 0; at < keys.length; at += READ_AT_ONCE) {
      parts.push(patiently(() => kv.getMany(keys.slice(at, at + READ_AT_ONCE).map(keyOf))));
    }
    return (await Promise.all(parts)).flat();
  };
  let last = await read();
  if (keys.length <= READ_AT_ONCE) return last;
  for (let look = 1; look < COLLECTS; look++) {
    const next = await read();
    if (next.every(({ versionstamp }, i) => versionstamp === last[i]!.versionstamp)) return next;
    last = next;
  }
  throw new StateError("STATE_DRIVER", `Cannot read ${keys.length} keys of Deno KV at one moment: they are written all the time`, {
    details: {},
  });
}

async function page(kv: Kv, { prefix, after, limit, reverse = false, values = false }: DriverListOptions): Promise<DriverItem[]> {
  const past = `${prefix}\u{ffff}`;
  const start = reverse || after === undefined || after < prefix ? prefix : `${after}\0`;
  const end = reverse && after !== undefined && after < past ? after : past;
  if (start >= end || limit <= 0) return [];
  return await patiently(async () => {
    const items: DriverItem[] = [];
    const most = Math.min(limit, Number.MAX_SAFE_INTEGER);
    const options = { reverse, batchSize: Math.min(most, LIST_AT_ONCE), ...Number.isFinite(limit) ? { limit } : {} };
    for await (const entry of kv.list({ start: keyOf(start), end: keyOf(end) }, options)) {
      const key = entry.key[1] as string;
      items.push(values ? { key, value: decodeValue(entry.value)! } : { key });
    }
    return items;
  });
}

/** One atomic operation: what is checked by value is read first, and its version checked in the operation. */
async function write(kv: Kv, { checks, set, remove }: DriverBatch): Promise<boolean> {
  for (;;) {
    const found = checks.length === 0 ? [] : await collect(kv, checks.map(({ key }) => key));
    if (checks.some(({ is }, i) => decodeValue(found[i]!.value) !== is)) return false;
    const isWritten = await patiently(async () => {
      let atomic = kv.atomic() as KvAtomic;
      for (const { key, versionstamp } of found) atomic = atomic.check({ key: key as string[], versionstamp });
      for (const [key, value] of set) atomic = atomic.set(keyOf(key), encodeValue(value));
      for (const key of remove) atomic = atomic.delete(keyOf(key));
      const { ok } = await atomic.commit().catch((error) => {
        throw explain(error);
      });
      return ok;
    });
    // Else something that is checked was written since it was read: whether it still says the same, another look tells.
    if (isWritten) return true;
  }
}

/** What is over a limit of Deno KV was refused as a whole; how else a commit fails says nothing of whether it stands. */
function explain(error: unknown): unknown {
  const said = error instanceof Error ? error.message : String(error);
  if (!/\(max \d+(?: bytes)?\)/.test(said)) return error;
  return new StateError("STATE_DRIVER", `Cannot write to Deno KV: ${said}`, { details: {}, cause: error });
}

/**
 * Waits where other connections have locked the database: Deno KV on a file says so with a bare TypeError, and has done nothing.
 */
async function patiently<T>(act: () => Promise<T>): Promise<T> {
  const begun = performance.now();
  for (let attempt = 1;; attempt++) {
    try {
      return await act();
    } catch (error) {
      const said = error instanceof Error ? error.message : String(error);
      if (!/database is (?:locked|busy)/.test(said)) throw error;
      if (performance.now() - begun > PATIENCE_MS) {
        throw new StateError("STATE_DRIVER", "Cannot use Deno KV: others have kept the database locked for 30 seconds", {
          details: {},
          cause: error,
        });
      }
      const rest = Math.random() * Math.min(MOST_REST_MS, 2 ** attempt);
      await new Promise((resolve) => setTimeout(resolve, rest));
    }
  }
}
