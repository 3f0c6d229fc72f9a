/**
 * What is stored under a key, as callers see it, and what a write may be told.
 *
 * @module
 */
import type { StateScope } from "../keys/scopes.ts";

/** Anything but undefined. */
export type Value = NonNullable<unknown> | null;
/** At once, or later. */
export type Awaitable<T> = T | Promise<T>;

/** A key that carries the type of its values, made by `defineSchema`. */
// deno-lint-ignore no-explicit-any
export interface TypedKey<In = any, Out = any> {
  /** The key itself. */
  readonly key: string;
  /** Never there at run time: carries the types. */
  readonly types?: { readonly input: In; readonly output: Out };
}
/** Plain, or typed by a schema. */
export type Key = string | TypedKey;
/** What `save` takes under a key: its schema's input. */
// deno-lint-ignore no-explicit-any
export type InputOf<K> = K extends TypedKey<infer In, any> ? In : unknown;
/** What `load` gives under a key: its schema's output. */
// deno-lint-ignore no-explicit-any
export type OutputOf<K> = K extends TypedKey<any, infer Out> ? Out : unknown;

/**
 * What a write costs and promises.
 *
 * - `critical`: on disk when acknowledged, and read back
 * - `standard`: as durable as the driver says
 * - `bulk`: written behind, coalesced; the last moments may be lost, nothing is ever torn
 * - `archive`: compressed at rest, not cached
 * - `ephemeral`: in this process's memory only, bounded
 */
export type StateClass = "critical" | "standard" | "bulk" | "archive" | "ephemeral";

/** What the value is, apart from how durable it is. */
export type StateContent = "plain" | "sensitive";

/** What every commit may be told. */
export interface CommitOptions {
  /**
   * Makes a retry safe, per namespace: seen before, nothing is written and the first result is returned; seen with another
   * value to write, STATE_CONFLICT. Remembered for `limits.operationIdMs`.
   */
  readonly operationId?: string;
  /** Recorded with the commit. */
  readonly reason?: string;
  /** Aborting before the write is handed to the driver rejects with the signal's reason, and nothing is written. */
  readonly signal?: AbortSignal;
}

/** A condition on what is stored. */
export interface Precondition {
  /** The write happens only if the stored revision is this; `null`: only if absent. Else STATE_CONFLICT. */
  readonly ifRevision?: number | null;
}

/** What a write of one key may be told. */
export interface WriteOptions extends CommitOptions, Precondition {}

/** What an entry may be. */
export interface EntryOptions {
  /**
   * What the write costs and promises.
   *
   * @default what `openState({ classify })` says, else by the key's name
   */
  readonly class?: StateClass;
  /**
   * A sensitive entry is refused with STATE_SECRET, because nothing here could seal it; `"plain"` is the caller's word that
   * a key with such a name holds no secret.
   *
   * @default by the words of the key
   */
  readonly content?: StateContent;
  /**
   * Milliseconds until the entry counts as absent, judged by `now` when read; rounded up to whole ones, and it must lead to a
   * date. A `save` without it clears it; `update` and `increment` keep it.
   */
  readonly expiresInMs?: number;
}

/** What `save` may be told. */
export interface SaveOptions extends WriteOptions, EntryOptions {}

/** What a write came to. */
export interface Receipt {
  /** 1 at first; grows by one a write; never goes back, through delete and expiry. */
  readonly revision: number;
  /** Number of the commit in this namespace, from 1; 0 for ephemeral, and for bulk until it is flushed. */
  readonly commit: number;
}

/** An entry: the value and what is known of it. */
export interface Entry<T = unknown> {
  /** Where it is. */
  readonly scope: StateScope;
  /** Its key, NFC-normalised. */
  readonly key: string;
  /** A fresh deep copy. */
  readonly value: T;
  /** How often it was written, deletions counted. */
  readonly revision: number;
  /** The commit that wrote it; 0 while it is in this process's memory only. */
  readonly commit: number;
  /** When it was written first since it was last absent. */
  readonly createdAt: Date;
  /** When it was written last. */
  readonly updatedAt: Date;
  /** When it counts as absent. */
  readonly expiresAt?: Date;
  /** What its writes cost and promise. */
  readonly class: StateClass;
  /** What it is. */
  readonly content: StateContent;
  /** `"name@1.2.0"` when a schema applies. */
  readonly schema?: string;
}

/** Which keys of a scope. */
export interface ListOptions {
  /** Keys that begin with it. */
  readonly prefix?: string;
  /** Exclusive; in the order of the listing. */
  readonly after?: string;
  /**
   * The most of them.
   *
   * @default all
   */
  readonly limit?: number;
  /**
   * Last first.
   *
   * @default false
   */
  readonly reverse?: boolean;
}

/** Returned from `update`: delete the entry. */
export const DELETE: unique symbol = Symbol.for("@llmspell/state-persistence.DELETE") as never;
