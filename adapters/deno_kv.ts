/**
 * The driver over Deno KV.
 *
 * @module
 */
import type { Driver } from "../src/store/driver.ts";
import { createDriver } from "./deno_kv/driver.ts";
import type { Kv } from "./deno_kv/kv.ts";
import { fileOf, openKv } from "./deno_kv/open.ts";

/**
 * A driver over Deno KV: a commit is one atomic operation, and what does not fit into one (1,000 keys, 800 KB, values of 64 KiB)
 * is brought in step by step. Several processes may use one database.
 *
 * Everything is kept under keys that begin with `"llmspell"`; others in the same database are left alone. Nothing is opened
 * before the first call. A database that the driver opened itself is closed with it, and opened again at the next call; one
 * that was handed in is the caller's to close.
 *
 * What an acknowledged commit survives (`supports.durability`) is known where it is named: `"fsync"` for a file, `"memory"` for
 * `":memory:"`; `"remote"` for a URL, for the default database, and for one that was handed in.
 *
 * The driver's methods reject with a `StateError`:
 *
 * - `STATE_UNSUPPORTED` where there is no Deno KV: in other runtimes, and without `--unstable-kv`;
 * - `STATE_DRIVER` if the database cannot be opened, a batch is over a limit of Deno KV's (a state never makes such), or other processes keep
 *   it locked for 30 seconds.
 *
 * @param kvOrPath what `Deno.openKv()` gave; or what to open: a path, `":memory:"`, a URL. @default Deno's default database
 * @throws {TypeError} if it is something else
 *
 * @example
 * ```ts
 * import { openState, StateScope } from "@llmspell/state-persistence";
 * import { denoKv } from "@llmspell/state-persistence/adapters/deno-kv";
 *
 * await using state = await openState({ driver: denoKv(":memory:") });
 * await state.increment(StateScope.global, "starts");
 * ```
 */
export function denoKv(kvOrPath?: Kv | string): Driver {
  if (kvOrPath === undefined || typeof kvOrPath === "string") {
    if (kvOrPath === "") throw new TypeError('Cannot use "" as a Deno KV database: it is empty; leave it out for the default one');
    const durability = kvOrPath === ":memory:" ? "memory" : kvOrPath === undefined || /^https?:/i.test(kvOrPath) ? "remote" : "fsync";
    if (durability !== "fsync") return createDriver(() => openKv(kvOrPath), true, durability);
    const file = fileOf(kvOrPath!);
    return createDriver(() => file.open(), true, durability, () => file.check());
  }
  if (typeof kvOrPath !== "object" || kvOrPath === null || typeof kvOrPath.atomic !== "function") {
    throw new TypeError("Cannot use this as a Deno KV database: pass what await Deno.openKv() gave, or a path");
  }
  return createDriver(() => Promise.resolve(kvOrPath), false, "remote");
}

export type { Kv, KvAtomic, KvEntry } from "./deno_kv/kv.ts";
