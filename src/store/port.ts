/**
 * The driver as the store sees it: four calls, failures as `StateError`.
 *
 * @module
 */
import type { Seal } from "./seal.ts";
import type { Driver, DriverBatch, DriverItem, DriverListOptions, DriverSupports } from "./driver.ts";

/** A stored value. */
export type Stored = string | Uint8Array;

/** The driver as the store sees it. */
export interface Port {
  readonly name: string;
  readonly supports: DriverSupports;
  /**
   * The values of the keys, all as of one moment.
   *
   * @throws {StateError} STATE_DRIVER if the driver fails
   */
  getMany(keys: readonly string[]): Promise<readonly (Stored | undefined)[]>;
  /**
   * A page of keys in bytewise order.
   *
   * @throws {StateError} STATE_DRIVER if the driver fails
   */
  list(options: DriverListOptions): Promise<readonly DriverItem[]>;
  /** All or nothing. A `StateError`: nothing was written; any other error: the outcome is unknown. */
  commit(batch: DriverBatch): Promise<boolean>;
  /**
   * The same for a batch that may be written again, or that its checks keep from being written twice: tried a few times.
   *
   * @throws {StateError} STATE_DRIVER if the driver goes on failing
   */
  repeat(batch: DriverBatch): Promise<boolean>;
  /** A batch proves itself as a whole: what one of its keys says stands, all of it does. */
  readonly isWhole?: boolean;
  /** What stands under a cut key of this prefix without its whole one before it. */
  strays?(prefix: string): Promise<readonly { readonly key: string; readonly value: Stored }[]>;
  /** Objects and ends of logs that opening found damaged or torn, and went on without. */
  readonly setAside?: readonly string[];
  /** Frames of a log that opening read behind the last checkpoint. */
  readonly replayed?: number;
  /** Ends what is at work, and leaves things so that opening is quick. */
  close?(): Promise<void>;
  /** Lets go of it, and leaves what is stored as it is: it did not open. */
  abandon?(): Promise<void>;
  /** After everything was removed: takes away what that left behind. */
  shrink?(): Promise<void>;
}

/** Where only one may write: how long to wait for that, and whether to take it over. */
export interface LockOptions {
  /** @default 15_000 */
  readonly waitMs?: number;
  /** @default false */
  readonly steal?: boolean;
}

/** What a port is opened with. */
export interface PortOptions {
  readonly driver: Driver;
  /** What all keys of the namespace begin with. */
  readonly root: string;
  readonly seal: Seal;
  readonly random: (bytes: number) => Uint8Array;
  readonly now: () => number;
  readonly readOnly: boolean;
  /** Leaves out what stands under a cut key without its whole one before it, which is STATE_CORRUPT else. @default false */
  readonly isLenient?: boolean;
  readonly lock?: LockOptions;
  readonly cacheBytes: number;
  readonly onWarning: (warning: { readonly code: string; readonly message: string }) => void;
}

/** What a failure says of itself. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
