/**
 * The seam: what a storage engine must give, and what it may declare that it gives.
 *
 * A driver is an unstorage 1.17 driver, used as it is. What lets it commit a batch atomically is optional and declared in
 * `supports`; nothing is found out by trying.
 *
 * @module
 */

/** How far an acknowledged write can be trusted. */
export type Durability = "fsync" | "relaxed" | "remote" | "eventual" | "memory";

/** What a driver declares. Code and tests branch on this record alone. */
export interface DriverSupports {
  /** `commit` exists and is all or nothing. */
  readonly commit: boolean;
  /** `create` exists and is exclusive. */
  readonly create: boolean;
  /** `list` gives bytewise order, page by page; or keys can only be scanned. */
  readonly list: "ordered" | "scan";
  /** Who may write one namespace at a time. */
  readonly writers: "many" | "one";
  /** What an acknowledged write survives. */
  readonly durability: Durability;
  /** A read sees every commit acknowledged anywhere before it began. */
  readonly strongReads: boolean;
  /** Values may be `Uint8Array`; else text only. */
  readonly binary: boolean;
  /** The largest value, in bytes (of UTF-8 for text). */
  readonly valueBytes: number;
  /** The longest key, in bytes. */
  readonly keyBytes: number;
  /** The most keys that one batch may check, set and remove together; of them no more than 64 are checked. */
  readonly batchOps: number;
  /** The most bytes of keys and values in one batch. */
  readonly batchBytes: number;
}

/** One atomic step: if every check holds, everything is set and removed; else nothing is. */
export interface DriverBatch {
  /** Keys whose value must be exactly this text; `undefined`: nothing may stand there. */
  readonly checks: readonly { readonly key: string; readonly is: string | undefined }[];
  /** Keys and what they get, in this order. */
  readonly set: readonly (readonly [key: string, value: string | Uint8Array])[];
  /** Keys that go; one that is not there is fine. */
  readonly remove: readonly string[];
  /** Ask the engine for its strongest durability, whatever its default. */
  readonly durable: boolean;
}

/** A page of keys under a prefix, in bytewise order. */
export interface DriverListOptions {
  /** Keys that begin with it; empty: all. */
  readonly prefix: string;
  /** Exclusive: keys above it, or below it with `reverse`. */
  readonly after?: string;
  /** The most items of the page. */
  readonly limit: number;
  /** Highest first. @default false */
  readonly reverse?: boolean;
  /** With the values. @default false */
  readonly values?: boolean;
}

/** A stored key and, if asked for, its value. */
export interface DriverItem {
  /** The whole key, prefix included. */
  readonly key: string;
  /** Only where values were asked for. */
  readonly value?: string | Uint8Array;
}

/**
 * Append-only files: system calls, nothing more. What makes a log of them is in `store/log/`.
 *
 * Names are keys like all others. A file that was removed, or whose folder was, or was moved, is missing, also to whoever has it open.
 */
export interface DriverSegments {
  /** Exclusively, with its first bytes, durable with its folder. False: it exists. */
  create(name: string, header: Uint8Array): Promise<boolean>;
  /**
   * One write call at the end of the file, whoever else appends; not yet durable. Where it landed, which may be behind what
   * others appended meanwhile. Undefined: nothing was written, as the file is missing, or does not end at the byte `at`, where
   * that is given: others have appended, or it was cut.
   *
   * @throws if not all of it was written, or the file was removed meanwhile; some or all of it may stand there all the same
   */
  append(name: string, frame: Uint8Array, at?: number): Promise<{ readonly start: number; readonly end: number } | undefined>;
  /**
   * What stands in the file from this byte on, durable or not; empty if it ends there. Undefined: it is missing, or ends before. With
   * `most` so many bytes of it are enough, and a file that is too long to be read at once can be read all the same.
   */
  read(name: string, from: number, most?: number): Promise<Uint8Array | undefined>;
  /**
   * Makes durable these bytes, which stand in the file from that byte on, whoever wrote them. Where a sync of them has failed, the
   * system may have given up on them and say nothing of it when it is asked again: so they are written once more, in their place.
   */
  sync(name: string, from: number, bytes: Uint8Array): Promise<void>;
  /** Takes a file away; one that is missing is fine. */
  remove(name: string): Promise<void>;
}

/**
 * An unstorage 1.17 driver as it is, which may also carry what lets it commit natively. A `Storage` made by
 * `createStorage()` is not a driver.
 *
 * Keys that the library passes are lower-case ASCII without `:`, `/` or white space; values are text that is never valid
 * JSON, or bytes where `supports.binary`. A `StateError` thrown by a driver is passed on as it is and says that nothing
 * was written; any other error leaves the outcome of a `commit` unknown, and the library looks for it in the log.
 */
export interface Driver {
  /** For messages. */
  readonly name?: string;
  /** Whether something stands under a key. */
  // deno-lint-ignore no-explicit-any
  hasItem(key: string, options?: any): boolean | Promise<boolean>;
  /** What stands under a key; `null` or `undefined` if nothing does. */
  // deno-lint-ignore no-explicit-any
  getItem(key: string, options?: any): unknown;
  /** All keys that begin with a base. */
  // deno-lint-ignore no-explicit-any
  getKeys(base: string, options?: any): string[] | Promise<string[]>;
  /** Puts text under a key. */
  // deno-lint-ignore no-explicit-any
  setItem?(key: string, value: string, options?: any): void | Promise<void>;
  /** Takes away what stands under a key. */
  // deno-lint-ignore no-explicit-any
  removeItem?(key: string, options?: any): void | Promise<void>;
  /** Lets go of what it holds open. */
  dispose?(): void | Promise<void>;
  /** A `Storage` has one; a driver never does. */
  readonly mount?: never;
  /** Declared, never sniffed. Absent: a plain driver. */
  readonly supports?: DriverSupports;
  /** The values of the keys, in their order, all as of one moment. */
  getMany?(keys: readonly string[]): Promise<readonly (string | Uint8Array | undefined)[]>;
  /** Writes only if nothing stands there; atomically, durably. False: something does. */
  create?(key: string, value: string | Uint8Array): Promise<boolean>;
  /** A page in bytewise order, as of one moment. */
  list?(options: DriverListOptions): Promise<readonly DriverItem[]>;
  /** All or nothing; false if a check fails, and then nothing was written. */
  commit?(batch: DriverBatch): Promise<boolean>;
  /** Makes durable what was written. */
  sync?(): Promise<void>;
  /** Where a person finds what stands under a key, as in `app/ckpt/0000000000000001`. @default the key itself */
  placeOf?(key: string): string;
  /** What an operator should hear of the place; asked once after a state has opened on the driver, and not waited for. */
  caveat?(): Promise<{ readonly code: string; readonly message: string } | undefined>;
  /** Append-only files that several processes share: where they exist, they are the log. */
  readonly segments?: DriverSegments;
}
