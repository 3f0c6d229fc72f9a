/**
 * What the driver asks of Deno KV; `Deno.Kv` is assignable to it. Said here because the types of a package must not need Deno's.
 *
 * @module
 */

/** An entry, or that there is none. */
export interface KvEntry {
  readonly key: readonly unknown[];
  readonly value: unknown;
  /** `null`: nothing stands there. */
  readonly versionstamp: string | null;
}

/** An atomic operation in the making. */
export interface KvAtomic {
  check(check: { readonly key: string[]; readonly versionstamp: string | null }): KvAtomic;
  set(key: string[], value: unknown): KvAtomic;
  delete(key: string[]): KvAtomic;
  commit(): Promise<{ readonly ok: boolean }>;
}

/** A database. */
export interface Kv {
  // deno-lint-ignore no-explicit-any
  getMany(keys: any): Promise<readonly KvEntry[]>;
  // deno-lint-ignore no-explicit-any
  list(selector: any, options?: any): AsyncIterable<KvEntry>;
  // deno-lint-ignore no-explicit-any
  atomic(): any;
  close(): void;
}
