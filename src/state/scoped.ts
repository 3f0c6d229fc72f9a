/**
 * The verbs with the scope filled in.
 *
 * @module
 */
import type { StateScope } from "../keys/scopes.ts";
import type { ScopedState, ScopeVerbs, StateManager } from "./manager.ts";

/** What has the verbs, with a scope in front. */
type Verbs = Pick<StateManager, "save" | "load" | "entry" | "has" | "delete" | "keys" | "entries" | "clear" | "update" | "increment">;

/** The verbs of one scope. */
export function scopeVerbs<O, R>(verbs: Verbs, scope: StateScope): ScopeVerbs<O, R> {
  const all = {
    save: (key: string, value: unknown, options?: object) => verbs.save(scope, key, value, options),
    load: (key: string) => verbs.load(scope, key),
    entry: (key: string) => verbs.entry(scope, key),
    has: (key: string) => verbs.has(scope, key),
    delete: (key: string, options?: object) => verbs.delete(scope, key, options),
    keys: (options?: object) => verbs.keys(scope, options),
    entries: (options?: object) => verbs.entries(scope, options),
    clear: (options?: object) => verbs.clear(scope, options),
    update: (key: string, fn: never, options?: object) => verbs.update(scope, key, fn, options),
    increment: (key: string, by?: number, options?: object) => verbs.increment(scope, key, by, options),
  };
  return all as unknown as ScopeVerbs<O, R>;
}

/** A state with its scope filled in. */
export function scopedState(state: StateManager, scope: StateScope): ScopedState {
  return {
    ...scopeVerbs(state, scope),
    scope,
    loadMany: (keys) => state.loadMany(scope, keys),
    once: (key, fn, options) => state.once(scope, key, fn, options),
    transaction: (fn, options) => state.transaction((tx) => fn(tx.in(scope)), options),
  } as ScopedState;
}
