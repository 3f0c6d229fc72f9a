/**
 * The open state: every verb checks that it may run, and hands on.
 *
 * @module
 */
import { StateError } from "../errors.ts";
import type { StateScope } from "../keys/scopes.ts";
import type { Limits } from "../limits.ts";
import { shown } from "../shown.ts";
import type { Operation, WideOperation } from "../store/operation.ts";
import type { Store } from "../store/store.ts";
import { checkFunction, takeOptions, type Verb } from "./call_options.ts";
import { checkCommit, type Core, type SchemaRules, scopeOf, targetOf } from "./core.ts";
import { createCursor, type Cursor } from "./cursor.ts";
import type { Key, ListOptions, StateClass } from "./entry.ts";
import { EphemeralEntries } from "./ephemeral.ts";
import { Guard } from "./guard.ts";
import { type Listing, listingOf } from "./listing_options.ts";
import type { Consistency, Inspection, StateManager } from "./manager.ts";
import { has, load, loadEntry, loadMany } from "./reads.ts";
import { scopedState } from "./scoped.ts";
import { increment, update, type UpdateOptions } from "./update.ts";
import { WriteBehind } from "./write_behind.ts";
import { deleteKey, save } from "./writes.ts";

/** What a state is made of. */
export interface StateParts {
  readonly store: Store;
  readonly limits: Limits;
  readonly now: () => number;
  readonly consistency: Consistency;
  readonly readOnly: boolean;
  readonly schemas: SchemaRules | undefined;
  readonly classify: ((scope: StateScope, key: string) => StateClass | undefined) | undefined;
  readonly onWarning: (warning: { readonly code: string; readonly message: string; readonly commit?: number }) => void;
  /** Closes what is below. */
  readonly release: () => Promise<void>;
}

/** An open state on an open store. */
export function createState(parts: StateParts): StateManager {
  const { store, limits, now, consistency, readOnly } = parts;
  const since = new Date(now());
  let isClosed = false;
  let closing: Promise<void> | undefined;
  const commit = async <R>(operation: Operation<R> | WideOperation<R>, signal?: AbortSignal): Promise<R> => {
    if (isClosed) throw closed();
    // What was written behind before this goes first; if it cannot, this must not either, or it would come back later.
    const isLocal = "local" in operation && operation.local === true;
    const first: { failure?: unknown } = {};
    if (!isLocal && behind.isPending) {
      store.commit(behind.operation()).catch((error) => {
        first.failure = error;
        onFailure(error);
      });
    }
    return await store.commit(after(first, operation, signal));
  };
  const onFailure = (error: unknown) => {
    parts.onWarning({ code: "bulk", message: `Bulk writes could not be committed and are kept in memory: ${(error as Error).message}` });
  };
  const behind = new WriteBehind({
    commit: (operation) => store.commit(operation),
    salt: () => store.salt(),
    now,
    queueBytes: limits.queueBytes,
    onFailure,
  });
  const guard = new Guard();
  const core: Core = {
    store,
    limits,
    now,
    reading: consistency === "strong" ? {} : { maxStaleMs: consistency.maxStaleMs },
    schemas: parts.schemas,
    classify: parts.classify,
    ephemeral: new EphemeralEntries(limits.ephemeralBytes),
    unsettled: new WeakMap(),
    behind,
    leaving: new Set(),
    guard,
    enter() {
      if (isClosed) throw closed();
      if (guard.isInside) throw new TypeError("Cannot use the state inside a transaction: use the transaction that the function was given");
    },
    checkWritable() {
      if (readOnly) throw new StateError("STATE_READ_ONLY", "Cannot write: the state was opened with readOnly", { details: {} });
    },
    warn: (code, message, at) => parts.onWarning({ code, message, ...(at === undefined ? {} : { commit: at }) }),
    commit,
  };
  /** What every write begins with. */
  const begin = <T extends object>(verb: Verb, options: T): T => {
    core.enter();
    core.checkWritable();
    return takeOptions(verb, options);
  };
  const at = (scope: StateScope, key: Key) => targetOf(scope, key, core);
  const cursor = <T>(
    verb: "keys" | "entries",
    scope: StateScope,
    options: ListOptions,
    list: (rooms: typeof import("./listing.ts"), listing: Listing) => AsyncGenerator<T>,
  ): Cursor<T> => {
    const asked = takeNow(() => {
      const taken = takeOptions(verb, options);
      return listingOf(scopeOf(scope, core), taken);
    });
    return createCursor((limit = Infinity) =>
      entered(core, (rooms) => {
        const listing = asked();
        return list(rooms, { ...listing, limit: Math.min(listing.limit, limit) });
      })
    );
  };

  const state = {
    save: async (scope, key, value, options = {}) => {
      const asked = begin("save", options);
      return await save(at(scope, key), value, asked, core);
    },
    load: async (scope: StateScope, key: Key) => {
      core.enter();
      return await load(at(scope, key), core);
    },
    loadMany: async (scope, keys) => {
      core.enter();
      if (!Array.isArray(keys)) throw new TypeError(`Cannot load many with keys ${shown(keys)}: they must be an array`);
      // Not `map`, which leaves holes out.
      return await loadMany(new Map(Array.from(keys, (key) => [key, at(scope, key)])), core);
    },
    entry: async (scope: StateScope, key: Key) => {
      core.enter();
      return await loadEntry(at(scope, key), core);
    },
    has: async (scope, key) => {
      core.enter();
      return await has(at(scope, key), core);
    },
    delete: async (scope, key, options = {}) => {
      const asked = begin("delete", options);
      return await deleteKey(at(scope, key), asked, core);
    },
    keys: (scope, options = {}) => cursor("keys", scope, options, ({ listKeys }, listing) => listKeys(listing, core)),
    entries: (scope, options = {}) => cursor("entries", scope, options, ({ listEntries }, listing) => listEntries(listing, core)),
    scopes: (options = {}) => {
      const asked = takeNow(() => {
        const taken = takeOptions("scopes", options);
        return taken.after === undefined ? taken : { ...taken, after: scopeOf(taken.after, core) };
      });
      return createCursor((limit = Infinity) =>
        entered(core, ({ listScopes }) => {
          const given = asked();
          return listScopes({ ...given, limit: Math.min(given.limit ?? Infinity, limit) }, core);
        })
      );
    },
    clear: async (scope, options = {}) => {
      const asked = begin("clear", options);
      const where = scopeOf(scope, core);
      const { clear } = await import("./scope_verbs.ts");
      return await clear(where, asked.prefix, asked, core);
    },
    copy: async (from, to, options = {}) => {
      const asked = begin("copy", options);
      const [source, target] = [scopeOf(from, core), scopeOf(to, core)];
      const { copy } = await import("./scope_verbs.ts");
      return await copy(source, target, false, asked, core);
    },
    move: async (from, to, options = {}) => {
      const asked = begin("move", options);
      const [source, target] = [scopeOf(from, core), scopeOf(to, core)];
      const { copy } = await import("./scope_verbs.ts");
      return await copy(source, target, true, asked, core);
    },
    update: async (scope: StateScope, key: Key, fn: (current: never) => unknown, options: UpdateOptions = {}) => {
      const asked = begin("update", options);
      checkFunction("update", fn);
      checkCommit(asked);
      return await update("update", at(scope, key), fn as (current: unknown) => unknown, asked, core);
    },
    increment: async (scope, key, by = 1, options = {}) => {
      const asked = begin("increment", options);
      checkCommit(asked);
      return await increment(at(scope, key), by, asked, core);
    },
    once: async (scope, key, fn, options = {}) => {
      const asked = begin("once", options);
      checkFunction("once", fn);
      const target = at(scope, key);
      const { once } = await import("./once.ts");
      return await once(target, fn, asked, core);
    },
    transaction: async (fn, options = {}) => {
      core.enter();
      const asked = takeOptions("transaction", options);
      checkFunction("transaction", fn);
      const { transaction } = await import("./transaction.ts");
      return await transaction(fn, asked, core);
    },
    in: (scope) => {
      core.enter();
      return scopedState(state, scopeOf(scope, core));
    },
    supports: {
      atomicCommit: store.atomicCommit,
      writers: store.supports.writers,
      durability: store.supports.durability,
      strongReads: store.supports.strongReads,
    },
    recovered: { replayed: store.replayed, setAside: store.setAside },
    inspect: async (): Promise<Inspection> => {
      core.enter();
      const head = await store.view.look();
      return {
        commit: head.commit,
        oldest: Math.min(head.commit, head.horizon + 1),
        entries: head.entries,
        bytes: { log: head.logBytes, values: head.valueBytes, objects: head.objectBytes, setAside: head.setAside ?? 0 },
        writers: readOnly ? [] : [{ id: store.writer, since }],
      };
    },
    flush: async () => {
      core.enter();
      await behind.flush();
      await store.drain();
    },
    close: () => {
      if (guard.isInside) return Promise.reject(new TypeError("Cannot close the state inside a transaction"));
      isClosed = true;
      return closing ??= close();
    },
    [Symbol.asyncDispose]: () => state.close(),
  } as StateManager;

  async function close(): Promise<void> {
    behind.stop();
    try {
      if (!readOnly) {
        await behind.flush();
        await store.expire();
      }
    } finally {
      await leave();
      await store.close().finally(parts.release);
    }
  }

  /** Nobody begins anything any more: what is handed in already may still take a lease. */
  async function leave(): Promise<void> {
    await store.drain().catch(() => {/* Whoever handed it in is told. */});
    await Promise.allSettled([...core.leaving].map((giveBack) => giveBack()));
  }

  return state;
}

/** What a call asks for, taken now; what is wrong with it is told where it is awaited, as by every other verb. */
function takeNow<T>(take: () => T): () => T {
  try {
    const taken = take();
    return () => taken;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}

/** A listing, its code loaded when it begins; it goes on only while the state may be used. */
async function* entered<T>(core: Core, start: (rooms: typeof import("./listing.ts")) => AsyncGenerator<T>): AsyncGenerator<T> {
  core.enter();
  for await (const item of start(await import("./listing.ts"))) {
    yield item;
    core.enter();
  }
}

/** An operation that does not begin once its signal is aborted, or what had to go first has failed. */
function after<R>(
  first: { readonly failure?: unknown },
  operation: Operation<R> | WideOperation<R>,
  signal: AbortSignal | undefined,
): Operation<R> | WideOperation<R> {
  const check = () => {
    signal?.throwIfAborted();
    if (first.failure !== undefined) throw first.failure;
  };
  if ("scan" in operation) {
    return {
      ...operation,
      async *scan(scan) {
        check();
        return yield* operation.scan(scan);
      },
    };
  }
  return {
    ...operation,
    run(draft) {
      check();
      return operation.run(draft);
    },
  };
}

function closed(): StateError<"STATE_CLOSED"> {
  return new StateError("STATE_CLOSED", "Cannot use the state: it was closed", { details: {} });
}
