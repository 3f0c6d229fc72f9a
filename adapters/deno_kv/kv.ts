/**
 * What the driver asks of Deno KV; `Deno.Kv` is assignable to it. Said here because the types of a package must not need Deno's.
 *
 * @module
 */

/** An entry, or that there is none. */
export interface KvEntry {
  /** Its parts. */
  readonly key: readonly unknown[];
  /** What stands there. */
  readonly value: unknown;
  /** `null`: nothing stands there. */
  readonly versionstamp: string | null;
}

/** An atomic operation in the making. */
export interface KvAtomic {
  /** It fails unless the entry has this version. */
  check(check: { readonly key: string[]; readonly versionstamp: string | null }): KvAtomic;
  /** Sets an entry. */
  set(key: string[], value: unknown): KvAtomic;
  /** Takes one away. */
  delete(key: string[]): KvAtomic;
  /** Does it; not `ok`: a check failed. */
  commit(): Promise<{ readonly ok: boolean }>;
}

/** A database. */
export interface Kv {
  /** At most ten entries, of one moment. */
  // deno-lint-ignore no-explicit-any
  getMany(keys: any): Promise<readonly KvEntry[]>;
  /** Entries of a range, in order. */
  // deno-lint-ignore no-explicit-any
  list(selector: any, options?: any): AsyncIterable<KvEntry>;
  /** A new atomic operation. */
  // deno-lint-ignore no-explicit-any
  atomic(): any;
  /** Lets go of it. */
  close(): void;
}
