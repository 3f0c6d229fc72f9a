/**
 * Transactions: reads of one commit, writes of one commit, and a proof in between that what was read is still so.
 *
 * A transaction runs beside everything else and is validated in its turn in the queue. One that fails runs again, and such
 * runs go one after another, so that they do not keep defeating each other.
 *
 * @module
 */
import { StateError } from "../errors.ts";
import type { StateScope } from "../keys/scopes.ts";
import { shown } from "../shown.ts";
import type { SaveDraft } from "../store/draft_change.ts";
import type { Draft } from "../store/operation.ts";
import { reasonOf } from "../store/port.ts";
import { checkFunction, takeOptions } from "./call_options.ts";
import { checkCommit, type Core, scopeOf, targetOf } from "./core.ts";
import { createCursor, type Cursor } from "./cursor.ts";
import type { Awaitable, EntryOptions, Key, ListOptions, Precondition } from "./entry.ts";
import { type Listing, listingOf } from "./listing_options.ts";
import type { Transaction, TransactionOptions } from "./manager.ts";
import { commitOnce, rememberedAs, resultOf, rowOfRepeat, Unfinished } from "./operation_ids.ts";
import { scopeVerbs } from "./scoped.ts";
import type { Snapshot } from "./snapshot.ts";
import { checkStep, patience, sumOf } from "./update.ts";
import { WorkingCopy, type Write } from "./working_copy.ts";
import { find, originOf, put, remove } from "./writes.ts";

/** What the transaction read is not so any more. */
class Stale extends Unfinished {}

/** Transactions that run again wait for their turn here. */
const lanes: WeakMap<Core, Promise<unknown>> = new WeakMap();

/** Runs a transaction until it commits. */
export async function transaction<R>(fn: (tx: Transaction) => Awaitable<R>, options: TransactionOptions, core: Core): Promise<R> {
  const { attempts = 100 } = options;
  if (!(Number.isSafeInteger(attempts) && attempts > 0)) {
    throw new RangeError(`Cannot run a transaction with attempts ${shown(attempts)}: it must be a whole number above zero`);
  }
  checkCommit(options);
  if (options.operationId !== undefined) {
    // Done before: then the function does not run at all.
    const memory = await rememberedAs(options.operationId, "transaction", core);
    const { slots } = await core.store.read([memory.path]);
    const row = rowOfRepeat(slots.get(memory.path)!, core);
    if (row !== undefined) return await resultOf(row, memory.print, options.operationId, core) as R;
  }
  const first = await attemptOnce(fn, options, core);
  if (!(first instanceof Stale)) return first;
  // A turn is only good manners: whoever waits too long goes ahead, so that a transaction inside a transaction cannot hang.
  const turn = patience(lanes.get(core)).then(async () => {
    for (let attempt = 2; attempt <= attempts; attempt++) {
      checkCommit(options);
      const outcome = await attemptOnce(fn, options, core);
      if (!(outcome instanceof Stale)) return outcome;
    }
    throw new StateError(
      "STATE_CONFLICT",
      `Cannot commit the transaction: what it read was changed by others in each of ${attempts} attempts`,
      { details: {} },
    );
  });
  lanes.set(core, turn.catch(() => {}));
  return await turn;
}

async function attemptOnce<R>(fn: (tx: Transaction) => Awaitable<R>, options: TransactionOptions, core: Core): Promise<R | Stale> {
  const run = new Run(core);
  let result: R;
  try {
    result = await core.guard.run(() => fn(run.verbs()));
    await run.settle();
  } catch (error) {
    // It failed because of what it read: that counts only if that is still so.
    if (run.snapshot.isStale || !await run.snapshot.holds(options.signal)) return new Stale();
    throw error;
  } finally {
    run.end();
  }
  if (run.snapshot.isStale) return new Stale();
  if (!run.hasWrites && options.operationId === undefined) return result;
  return await run.commit(result, options);
}

/** Calls the caller back. What fails there, at once or later, is only being told: the transaction stands. */
async function tellCommit(commit: number, options: TransactionOptions, core: Core): Promise<void> {
  try {
    await options.onCommit?.({ commit });
  } catch (error) {
    core.warn("onCommit", `onCommit failed behind a transaction that is committed: ${reasonOf(error)}`, commit);
  }
}

/** One run of a transaction's function. */
class Run {
  readonly #core: Core;
  readonly #copy: WorkingCopy;
  readonly #calls: Set<Promise<unknown>> = new Set();
  /** Failures of calls whose promise nobody has taken up, the first one first. */
  readonly #untold: Map<Promise<unknown>, unknown> = new Map();
  #isOver = false;

  constructor(core: Core) {
    this.#core = core;
    this.#copy = new WorkingCopy(core, () => this.#enter());
  }

  get snapshot(): Snapshot {
    return this.#copy.snapshot;
  }

  get hasWrites(): boolean {
    return this.#copy.writes.size > 0;
  }

  /** Calls that the function did not await are part of the transaction all the same, and so are their failures. */
  async settle(): Promise<void> {
    while (this.#calls.size > 0) await Promise.allSettled(this.#calls);
    for (const [, failure] of this.#untold) throw failure;
  }

  end(): void {
    this.#isOver = true;
  }

  /** What the function gets. Every promise of it marks what awaits it as the transaction's. */
  verbs(): Transaction {
    const copy = this.#copy;
    const guarded = <A extends unknown[], V>(verb: (...args: A) => Promise<V>) => (...args: A): Promise<V> => {
      const begin = async () => {
        this.#enter();
        return await verb(...args);
      };
      return this.#give(begin());
    };
    const cursor = <T>(
      verb: "keys" | "entries",
      scope: StateScope,
      options: ListOptions,
      list: (listing: Listing) => AsyncGenerator<T>,
    ): Cursor<T> => {
      this.#enter();
      const listing = listingOf(scopeOf(scope, this.#core), takeOptions(verb, options));
      const start = (limit = Infinity) => list({ ...listing, limit: Math.min(listing.limit, limit) });
      return createCursor(start, (promise) => this.#core.guard.watch(promise));
    };
    const at = (scope: StateScope, key: Key) => targetOf(scope, key, this.#core);
    const verbs = {
      save: guarded(async (scope: StateScope, key: Key, value: unknown, options: Precondition & EntryOptions = {}) => {
        const asked = takeOptions("save", options, true);
        await copy.save(at(scope, key), value, asked);
      }),
      load: guarded(async (scope: StateScope, key: Key) => (await copy.entry(at(scope, key)))?.value),
      entry: guarded(async (scope: StateScope, key: Key) => await copy.entry(at(scope, key))),
      has: guarded(async (scope: StateScope, key: Key) => await copy.entry(at(scope, key)) !== undefined),
      delete: guarded(async (scope: StateScope, key: Key, options: Precondition = {}) => {
        const asked = takeOptions("delete", options, true);
        return await copy.delete(at(scope, key), asked);
      }),
      keys: (scope: StateScope, options: ListOptions = {}) => cursor("keys", scope, options, (listing) => copy.keys(listing)),
      entries: (scope: StateScope, options: ListOptions = {}) => cursor("entries", scope, options, (listing) => copy.entries(listing)),
      clear: guarded(async (scope: StateScope, options: { readonly prefix?: string } = {}) => {
        const asked = takeOptions("clear", options, true);
        return await copy.clear(listingOf(scopeOf(scope, this.#core), asked));
      }),
      update: guarded(async (
        scope: StateScope,
        key: Key,
        fn: (current: unknown) => unknown,
        options: Precondition & EntryOptions & { initial?: unknown } = {},
      ) => {
        const asked = takeOptions("update", options, true);
        checkFunction("update", fn);
        return await copy.update(at(scope, key), fn, asked);
      }),
      increment: guarded(async (scope: StateScope, key: Key, by: number = 1, options: Precondition = {}) => {
        const asked = takeOptions("increment", options, true);
        const target = at(scope, key);
        checkStep(target, by);
        return await copy.update(target, (current) => sumOf(target, current, by), { ...asked, initial: 0 }) as number;
      }),
    };
    return {
      ...verbs,
      in: (scope: StateScope) => scopeVerbs<Precondition, void>(verbs as never, scopeOf(scope, this.#core)),
    } as Transaction;
  }

  /** A call's promise for the function, which may take it up or not. */
  #give<V>(call: Promise<V>): Promise<V> {
    // Nobody waits any more for what was called too late.
    if (this.#isOver) return this.#core.guard.watch(call);
    let isTaken = false;
    this.#calls.add(call);
    call.catch((failure) => isTaken || this.#untold.set(call, failure)).finally(() => this.#calls.delete(call));
    return this.#core.guard.watch(call, () => {
      isTaken = true;
      this.#untold.delete(call);
    });
  }

  /** Validates in the queue, and writes. */
  async commit<R>(answer: R, options: TransactionOptions): Promise<R | Stale> {
    const core = this.#core;
    const writes = [...this.#copy.writes.values()];
    const left = writes.map(({ target }) => core.ephemeral.leave(target.path));
    try {
      const drafts = new Map<Write, SaveDraft>();
      for (const write of writes) if (write.saving !== undefined) drafts.set(write, await write.saving.draft);
      let commit = 0;
      const outcome = await commitOnce<R, Stale>(core, options, "transaction", {
        verb: "transaction",
        paths: writes.map(({ target }) => target.path),
        bytes: writes.reduce((sum, { saving }) => sum + (saving?.encoded.text.length ?? 0), 0),
        run: (draft) => {
          if (!this.snapshot.isCurrent(draft)) return new Stale();
          let isEmpty = true;
          const counting: Draft = {
            ...draft,
            put(change) {
              isEmpty = false;
              draft.put(change);
            },
          };
          const effects = writes.map((write) => {
            const found = find(write.target.path, counting, core);
            return write.saving === undefined
              ? remove(write.target, found, originOf(options), counting, core).effect
              : put(write.target, found, write.saving, drafts.get(write)!, originOf(options), counting, core).effect;
          });
          commit = isEmpty ? 0 : draft.commit;
          return { answer, effect: () => effects.forEach((effect) => effect?.()) };
        },
      }, options.operationId === undefined ? undefined : { answer });
      if (!(outcome instanceof Stale) && commit > 0) void tellCommit(commit, options, core);
      return outcome;
    } finally {
      left.forEach((leave) => leave());
    }
  }

  #enter(): void {
    if (this.#isOver) throw new TypeError("Cannot use the transaction: its function has returned; await every call inside it");
  }
}
