/**
 * The open state, as callers see it.
 *
 * @module
 */
import type { ScopeType } from "../scope.ts";
import type { StateScope } from "../keys/scopes.ts";
import type { Durability } from "../store/driver.ts";
import type { Cursor } from "./cursor.ts";
import type {
  Awaitable,
  CommitOptions,
  DELETE,
  Entry,
  EntryOptions,
  InputOf,
  Key,
  ListOptions,
  OutputOf,
  Precondition,
  Receipt,
  SaveOptions,
  TypedKey,
  Value,
  WriteOptions,
} from "./entry.ts";

/** What a read sees: every commit acknowledged anywhere before the call, or own writes and others' at most so old. */
export type Consistency = "strong" | { readonly maxStaleMs: number };

/** What the open state can promise: never more than its driver gives. */
export interface Supports {
  /** How a commit becomes one: in one batch of the engine. */
  readonly atomicCommit: "native" | "log";
  /** Who may write one namespace at a time. */
  readonly writers: "many" | "one";
  /** What an acknowledged write survives. */
  readonly durability: Durability;
  /** A read can see every writer's last commit at no more than one round trip. */
  readonly strongReads: boolean;
}

/** Figures for an operator. */
export interface Inspection {
  /** The newest commit. */
  readonly commit: number;
  /** The oldest commit whose record is kept. */
  readonly oldest: number;
  /** Stored entries, among them those that have expired but are not removed yet. */
  readonly entries: number;
  /** Bytes of what is stored, without the driver's own overhead. */
  readonly bytes: { readonly log: number; readonly values: number; readonly objects: number; readonly setAside: number };
  /** Known writers: on a driver that allows many, this one. */
  readonly writers: readonly { readonly id: string; readonly since: Date }[];
}

/** What a transaction may be told. */
export interface TransactionOptions extends CommitOptions {
  /** Runs of the function before STATE_CONFLICT. @default 100 */
  readonly attempts?: number;
  /** Called once, after the commit; not called if nothing was written. `openState({ onWarning })` hears if it fails. */
  readonly onCommit?: (receipt: { readonly commit: number }) => void;
}

/** One attempt at something that is to happen once. */
export interface OnceAttempt {
  /** The same in every attempt: the idempotency key for the outside world. */
  readonly id: string;
  /** From 1. */
  readonly number: number;
  /** Aborts when the lease is lost, or the state is closed. */
  readonly signal: AbortSignal;
}

/** What `once` may be told. */
export interface OnceOptions extends CommitOptions, EntryOptions {
  /** After this without a renewal another process may try. In milliseconds, rounded up to whole ones; it must lead to a date. @default 60_000 */
  readonly leaseMs?: number;
  /** False: STATE_LOCKED at once while another runs it. @default true */
  readonly wait?: boolean;
}

/** Which scopes. */
export interface ScopesOptions {
  /** Only of this type. @default all */
  readonly type?: ScopeType;
  /** Exclusive; in the order of the listing. */
  readonly after?: StateScope;
  /** The most of them. @default all */
  readonly limit?: number;
  /** Last first. @default false */
  readonly reverse?: boolean;
}

/**
 * An open state: one namespace of one store.
 *
 * Each method rejects with STATE_CLOSED after `close()`, with STATE_DRIVER if the driver failed and nothing was written, with
 * STATE_CORRUPT if stored bytes do not prove themselves; each write also with STATE_READ_ONLY, and with STATE_UNCERTAIN if
 * its outcome could not be learnt.
 */
export interface StateManager extends AsyncDisposable {
  /**
   * Stores a deep copy; resolves once it is as durable as `supports` says and the class asks.
   *
   * @throws {StateError} STATE_INVALID_KEY, STATE_INVALID_VALUE, STATE_CIRCULAR, STATE_TOO_LARGE for what cannot be stored
   * @throws {StateError} STATE_CONFLICT if `ifRevision` does not hold, or the operation id wrote something else
   * @throws {StateError} STATE_SECRET for a sensitive entry
   * @throws {StateError} STATE_UNSUPPORTED for class "critical" on a driver that is not durable
   * @throws {StateError} SCHEMA_INVALID if the schema of the key does not take the value
   */
  save<K extends Key>(scope: StateScope, key: K, value: InputOf<K>, options?: SaveOptions): Promise<Receipt>;
  /**
   * A fresh deep copy, validated by the schema of the key; `undefined` when absent or expired. Under a plain string, `T` is
   * the caller's claim.
   *
   * @throws {StateError} SCHEMA_INVALID, MIGRATION_NEWER if the stored value does not fit the schema of the key
   */
  load<K extends TypedKey>(scope: StateScope, key: K): Promise<OutputOf<K> | undefined>;
  /** The same under a plain string. */
  load<T = unknown>(scope: StateScope, key: string): Promise<T | undefined>;
  /** The values of those keys that have one, all of one commit, in one round trip where the engine can. */
  loadMany<T = unknown>(scope: StateScope, keys: readonly string[]): Promise<Map<string, T>>;
  /** The value and what is known of it; `undefined` when absent or expired. */
  entry<K extends TypedKey>(scope: StateScope, key: K): Promise<Entry<OutputOf<K>> | undefined>;
  /** The same under a plain string. */
  entry<T = unknown>(scope: StateScope, key: string): Promise<Entry<T> | undefined>;
  /** Whether there is a value. */
  has(scope: StateScope, key: Key): Promise<boolean>;
  /** True if it was there. */
  delete(scope: StateScope, key: Key, options?: WriteOptions): Promise<boolean>;
  /** Keys of exactly this scope, in code-point order, on every driver. A page is of one commit. */
  keys(scope: StateScope, options?: ListOptions): Cursor<string>;
  /** Entries of exactly this scope, in code-point order of their keys. */
  entries<T = unknown>(scope: StateScope, options?: ListOptions): Cursor<Entry<T>>;
  /** Scopes that hold an entry, ordered by type, then id. */
  scopes(options?: ScopesOptions): Cursor<StateScope>;
  /** Deletes all keys of a scope, or those that begin with a prefix, in one atomic commit. How many. */
  clear(scope: StateScope, options?: CommitOptions & { readonly prefix?: string }): Promise<number>;
  /**
   * Copies all entries into another scope in one atomic commit: overwrites equal keys, leaves others. Class, content, schema
   * and expiry go along; revisions are the target's own. How many.
   */
  copy(from: StateScope, to: StateScope, options?: CommitOptions): Promise<number>;
  /** Copies, and deletes the source, in one atomic commit. How many. */
  move(from: StateScope, to: StateScope, options?: CommitOptions): Promise<number>;
  /**
   * Atomic read-modify-write; resolves with what was stored. `fn` gets a copy of its own and may run again after a conflict.
   * Returning `DELETE` deletes.
   *
   * @throws {TypeError} if `fn` returns undefined
   */
  update<K extends TypedKey>(
    scope: StateScope,
    key: K,
    fn: (current: OutputOf<K> | undefined) => Awaitable<InputOf<K> | typeof DELETE>,
    options?: SaveOptions,
  ): Promise<OutputOf<K> | undefined>;
  /** The same under a plain string. */
  update<T extends Value>(
    scope: StateScope,
    key: string,
    fn: (current: T) => Awaitable<T | typeof DELETE>,
    options: SaveOptions & {
      /** What `fn` gets when the key is absent. */
      readonly initial: T;
    },
  ): Promise<T | undefined>;
  /** The same under a plain string. */
  update<T extends Value>(
    scope: StateScope,
    key: string,
    fn: (current: T | undefined) => Awaitable<T | typeof DELETE>,
    options?: SaveOptions,
  ): Promise<T | undefined>;
  /**
   * Adds to a number, atomically; a missing key counts as 0. Resolves with the sum.
   *
   * @throws {StateError} STATE_INVALID_VALUE if what is stored is not a number, or the sum is beyond what a number holds exactly
   */
  increment(scope: StateScope, key: string, by?: number, options?: WriteOptions): Promise<number>;
  /**
   * Runs `fn` and stores what it returns; every later call, in any process, gets the stored value without running it. While
   * another process runs it, waits for its lease. `fn` may run again after a crash, its result is stored once: pass
   * `attempt.id` on to whatever it calls.
   *
   * @throws {StateError} STATE_LOCKED with `wait: false` while another runs it
   */
  once<T>(scope: StateScope, key: string, fn: (attempt: OnceAttempt) => Awaitable<T>, options?: OnceOptions): Promise<T>;
  /**
   * All or nothing, serialisable within the namespace; `fn` may run again after a conflict. With `operationId`, what it
   * returned is stored and returned again.
   *
   * @throws {StateError} STATE_CONFLICT once `attempts` are used up
   */
  transaction<R>(fn: (tx: Transaction) => Awaitable<R>, options?: TransactionOptions): Promise<R>;
  /** The same state with the scope filled in. */
  in(scope: StateScope): ScopedState;
  /** What this open state can promise. */
  readonly supports: Supports;
  /**
   * What opening found and did. `setAside`: where what was damaged, or never whole, stands: of a folder the paths of files below it,
   * of other drivers their keys.
   */
  readonly recovered: { readonly replayed: number; readonly setAside: readonly string[] };
  /** Figures for an operator. */
  inspect(): Promise<Inspection>;
  /** Resolves when all that was accepted so far is durable. */
  flush(): Promise<void>;
  /** Makes durable what was accepted, then closes the driver too, unless another open state shares it. Idempotent. */
  close(): Promise<void>;
}

/** The verbs of one scope. `O`: what a single write may be told; `R`: its receipt. In a transaction both belong to the transaction. */
export interface ScopeVerbs<O, R = Receipt> {
  /** As `StateManager.save`. */
  save<K extends Key>(key: K, value: InputOf<K>, options?: O & EntryOptions): Promise<R>;
  /** As `StateManager.load`. */
  load<K extends TypedKey>(key: K): Promise<OutputOf<K> | undefined>;
  /** As `StateManager.load`. */
  load<T = unknown>(key: string): Promise<T | undefined>;
  /** As `StateManager.entry`. */
  entry<K extends TypedKey>(key: K): Promise<Entry<OutputOf<K>> | undefined>;
  /** As `StateManager.entry`. */
  entry<T = unknown>(key: string): Promise<Entry<T> | undefined>;
  /** As `StateManager.has`. */
  has(key: Key): Promise<boolean>;
  /** As `StateManager.delete`. */
  delete(key: Key, options?: O): Promise<boolean>;
  /** As `StateManager.keys`. */
  keys(options?: ListOptions): Cursor<string>;
  /** As `StateManager.entries`. */
  entries<T = unknown>(options?: ListOptions): Cursor<Entry<T>>;
  /** As `StateManager.clear`. */
  clear(options?: Omit<O, "ifRevision"> & { readonly prefix?: string }): Promise<number>;
  /** As `StateManager.update`. */
  update<K extends TypedKey>(
    key: K,
    fn: (current: OutputOf<K> | undefined) => Awaitable<InputOf<K> | typeof DELETE>,
    options?: O & EntryOptions,
  ): Promise<OutputOf<K> | undefined>;
  /** As `StateManager.update`. */
  update<T extends Value>(
    key: string,
    fn: (current: T) => Awaitable<T | typeof DELETE>,
    options: O & EntryOptions & { readonly initial: T },
  ): Promise<T | undefined>;
  /** As `StateManager.update`. */
  update<T extends Value>(
    key: string,
    fn: (current: T | undefined) => Awaitable<T | typeof DELETE>,
    options?: O & EntryOptions,
  ): Promise<T | undefined>;
  /** As `StateManager.increment`. */
  increment(key: string, by?: number, options?: O): Promise<number>;
}

/** A state with its scope filled in. */
export interface ScopedState extends ScopeVerbs<WriteOptions> {
  /** The scope that is filled in. */
  readonly scope: StateScope;
  /** As `StateManager.loadMany`. */
  loadMany<T = unknown>(keys: readonly string[]): Promise<Map<string, T>>;
  /** As `StateManager.once`. */
  once<T>(key: string, fn: (attempt: OnceAttempt) => Awaitable<T>, options?: OnceOptions): Promise<T>;
  /** As `StateManager.transaction`. */
  transaction<R>(fn: (tx: ScopeVerbs<Precondition, void>) => Awaitable<R>, options?: TransactionOptions): Promise<R>;
}

/**
 * The same verbs, inside one commit; reads are of one commit and see the transaction's own writes. Using the outer state
 * inside is a TypeError, never a deadlock. A call that fails, and whose promise the function has not taken up by its end, fails
 * the transaction; a failure that it caught does not.
 */
export interface Transaction {
  /** As `StateManager.save`. */
  save<K extends Key>(scope: StateScope, key: K, value: InputOf<K>, options?: Precondition & EntryOptions): Promise<void>;
  /** As `StateManager.load`. */
  load<K extends TypedKey>(scope: StateScope, key: K): Promise<OutputOf<K> | undefined>;
  /** As `StateManager.load`. */
  load<T = unknown>(scope: StateScope, key: string): Promise<T | undefined>;
  /** As `StateManager.entry`. */
  entry<K extends TypedKey>(scope: StateScope, key: K): Promise<Entry<OutputOf<K>> | undefined>;
  /** As `StateManager.entry`. */
  entry<T = unknown>(scope: StateScope, key: string): Promise<Entry<T> | undefined>;
  /** As `StateManager.has`. */
  has(scope: StateScope, key: Key): Promise<boolean>;
  /** As `StateManager.delete`. */
  delete(scope: StateScope, key: Key, options?: Precondition): Promise<boolean>;
  /** As `StateManager.keys`. */
  keys(scope: StateScope, options?: ListOptions): Cursor<string>;
  /** As `StateManager.entries`. */
  entries<T = unknown>(scope: StateScope, options?: ListOptions): Cursor<Entry<T>>;
  /** As `StateManager.clear`. */
  clear(scope: StateScope, options?: { readonly prefix?: string }): Promise<number>;
  /** As `StateManager.update`. */
  update<T extends Value>(
    scope: StateScope,
    key: string,
    fn: (current: T | undefined) => Awaitable<T | typeof DELETE>,
    options?: Precondition & EntryOptions,
  ): Promise<T | undefined>;
  /** As `StateManager.increment`. */
  increment(scope: StateScope, key: string, by?: number, options?: Precondition): Promise<number>;
  /** The same transaction with the scope filled in. */
  in(scope: StateScope): ScopeVerbs<Precondition, void>;
}
