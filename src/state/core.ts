/**
 * What the verbs share: the store, the rules of this open state, and the checks that come before every verb.
 *
 * @module
 */
import { StateError } from "../errors.ts";
import { checkName } from "../keys/key.ts";
import { checkScope, encodeScope, type StateScope } from "../keys/scopes.ts";
import { encodeSegment } from "../keys/segment.ts";
import { LAST_DATE, type Limits, momentAfter } from "../limits.ts";
import { shown } from "../shown.ts";
import type { Operation, WideOperation } from "../store/operation.ts";
import type { Store } from "../store/store.ts";
import type { ReadingOptions } from "../store/view.ts";
import { checkClass, defaultClass } from "./classes.ts";
import type { CommitOptions, EntryOptions, Key, StateClass, StateContent, TypedKey } from "./entry.ts";
import type { EphemeralEntries, LocalEntry } from "./ephemeral.ts";
import type { Guard } from "./guard.ts";
import { secretRule } from "./secrets.ts";
import type { WriteBehind } from "./write_behind.ts";

/** The schema that governs an entry. */
export interface Governor {
  /** `name@version`, stored with the entry. */
  readonly tag: string;
  /** Fails with SCHEMA_INVALID if a value does not fit; at once, unless the schema itself takes its time. */
  check(value: unknown, target: Target): void | Promise<void>;
  /** The schema's output for a stored value; SCHEMA_INVALID, or MIGRATION_NEWER if `tag` is of a newer version. */
  read(value: unknown, tag: string, target: Target): Promise<unknown>;
}

/** Which schema governs which entry. */
export interface SchemaRules {
  /** TypeError if the key's schema was not given to this state. */
  checkKey(key: TypedKey): void;
  find(scope: StateScope, key: string): Governor | undefined;
}

/** A key in a scope, checked, and where it stands. */
export interface Target {
  readonly scope: StateScope;
  readonly key: string;
  readonly path: string;
}

/** What the verbs share. */
export interface Core {
  readonly store: Store;
  readonly limits: Limits;
  readonly now: () => number;
  readonly reading: ReadingOptions;
  readonly schemas: SchemaRules | undefined;
  readonly classify: ((scope: StateScope, key: string) => StateClass | undefined) | undefined;
  readonly ephemeral: EphemeralEntries;
  /** What operations that share a record in the making do to ephemeral entries: seen by those behind them. `null`: it goes. */
  readonly unsettled: WeakMap<object, Map<string, LocalEntry | null>>;
  readonly behind: WriteBehind;
  /** Gives back what others wait for, before the state closes. */
  readonly leaving: Set<() => Promise<void>>;
  readonly guard: Guard;
  /** Throws STATE_CLOSED after close(), TypeError inside a transaction. */
  enter(): void;
  /** Throws STATE_READ_ONLY where nothing may be written. */
  checkWritable(): void;
  /** Tells the operator. */
  warn(code: string, message: string, commit?: number): void;
  /** Commits; what was written behind before goes first. */
  commit<R>(operation: Operation<R> | WideOperation<R>, signal?: AbortSignal): Promise<R>;
}

/** Checks a scope. */
export function scopeOf(scope: StateScope, core: Core): StateScope {
  return checkScope(scope, core.limits.keyBytes);
}

/** Checks a scope and a key. */
export function targetOf(scope: StateScope, key: Key, core: Core): Target {
  const where = scopeOf(scope, core);
  if (typeof key === "object" && key !== null) {
    if (core.schemas === undefined) {
      throw new TypeError(`Cannot use a typed key: its schema was not given; write openState({ schemas: [⟨schema⟩] })`);
    }
    core.schemas.checkKey(key);
  }
  const name = checkName(typeof key === "object" && key !== null ? key.key : key, "key", core.limits.keyBytes);
  return { scope: where, key: name, path: `${encodeScope(where)}!${encodeSegment(name)}` };
}

/** The class and the content of an entry, from what the writer says, or from what it was, or from its name. */
export function kindOf(
  target: Target,
  options: EntryOptions,
  core: Core,
  was?: { class: StateClass; content: StateContent },
): { class: StateClass; content: StateContent } {
  const given = options.class ?? was?.class ?? core.classify?.(target.scope, target.key);
  const chosen = given === undefined ? defaultClass(target.key) : checkClass(given);
  const { durability } = core.store.supports;
  if (chosen === "critical" && durability !== "fsync" && durability !== "relaxed") {
    throw new StateError(
      "STATE_UNSUPPORTED",
      `Cannot save "${target.key}" as critical: the driver's durability is "${durability}", and it takes "fsync"`,
      { details: { needs: "durability: fsync" }, scope: target.scope, key: target.key },
    );
  }
  // What was stored as plain stays so: somebody has said it.
  return { class: chosen, content: contentOf(target, options.content ?? was?.content) };
}

function contentOf({ scope, key }: Target, given: StateContent | undefined): StateContent {
  if (given === "plain") return "plain";
  const rule = given === "sensitive" ? "content" : secretRule(key);
  if (rule === undefined) return "plain";
  throw new StateError(
    "STATE_SECRET",
    rule === "content"
      ? `Cannot save "${key}": it is marked sensitive, and there is nothing to seal it with`
      : `Cannot save "${key}": by its name it holds a secret (${rule}), and there is nothing to seal it with; content: "plain" says that it holds none`,
    { details: { found: [{ path: "$", rule }] }, scope, key },
  );
}

/** When an entry expires; 0: never. */
export function expiryOf(options: EntryOptions, now: number): number {
  const { expiresInMs } = options;
  if (expiresInMs === undefined) return 0;
  if (!leadsToDate(expiresInMs, now)) {
    throw new RangeError(
      `Cannot use expiresInMs ${shown(expiresInMs)}: it must be a number above zero that leads to a date; leave it out for never`,
    );
  }
  return momentAfter(now, expiresInMs);
}

/**
 * How long a lease lasts, from the caller.
 *
 * @throws {RangeError} if it is no number above zero that leads to a date
 */
export function checkLease(leaseMs: unknown, now: number): number {
  if (leadsToDate(leaseMs, now)) return leaseMs;
  throw new RangeError(`Cannot use leaseMs ${shown(leaseMs)}: it must be a number above zero that leads to a date`);
}

function leadsToDate(ms: unknown, now: number): ms is number {
  return typeof ms === "number" && ms > 0 && now + ms <= LAST_DATE;
}

/** The longest reason, in UTF-16 units: it stands in each change of the commit. */
const REASON = 1000;

/** Rethrows the reason of a signal that was aborted; refuses a reason that is too long. */
export function checkCommit({ signal, reason }: CommitOptions): void {
  signal?.throwIfAborted();
  if (reason !== undefined && reason.length > REASON) {
    throw new RangeError(`Cannot commit with a reason of ${reason.length} characters: the limit is ${REASON}`);
  }
}

/** STATE_CONFLICT about a revision. */
export function conflict(target: Target, expected: number | null, actual: number | null): StateError<"STATE_CONFLICT"> {
  const wanted = expected === null ? "it to be absent" : `revision ${expected}`;
  const found = actual === null ? "it is absent" : `it is at revision ${actual}`;
  return new StateError("STATE_CONFLICT", `Cannot write "${target.key}": expected ${wanted}, and ${found}`, {
    details: { expected, actual },
    scope: target.scope,
    key: target.key,
  });
}

/**
 * A revision to be met, from the caller.
 *
 * @throws {TypeError} if it is no whole number from 1, nor null
 */
export function checkRevision(ifRevision: number | null | undefined): number | null | undefined {
  if (ifRevision === undefined || ifRevision === null || (Number.isSafeInteger(ifRevision) && ifRevision > 0)) return ifRevision;
  throw new TypeError(`Cannot use ifRevision ${shown(ifRevision)}: it must be null or a whole number above zero`);
}
