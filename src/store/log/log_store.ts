/**
 * What a log asks of a driver: whole objects, created once; and, where there are any, ordered lists and append-only files.
 *
 * @module
 */
import { StateError } from "../../errors.ts";
import type { Driver, DriverItem, DriverListOptions, DriverSegments } from "../driver.ts";

/** Where a log keeps its objects. */
export interface LogStore {
  /** What stands under a key. */
  getItem(key: string): Promise<unknown>;
  /** Writes only if nothing stands there; durable. False: something does. */
  create(key: string, text: string): Promise<boolean>;
  /** Takes away what stands under a key; nothing is fine. */
  removeItem(key: string): Promise<void>;
  /** A page of keys in bytewise order; without it nothing is ever scanned. */
  readonly list?: (options: DriverListOptions) => Promise<readonly DriverItem[]>;
  readonly segments?: DriverSegments;
  /**
   * Writes over what stands there, and reads it back. Only where there is one writer. False: an earlier write of something else,
   * which might have come later, was completed first.
   */
  readonly replace?: (key: string, text: string) => Promise<boolean>;
  /** Whether this process has seen a frame written under a key: it stands there, or was removed, or the store has lost it. */
  readonly wasWritten?: (key: string) => boolean;
  /** Nobody else writes: what is known need not be looked at again. */
  isAlone(): boolean;
  /** Before the first read of somebody who will write. */
  open(): Promise<void>;
  /** After the last write. */
  close(): Promise<void>;
}

/** A driver that creates exclusively, as it is. */
export function exclusiveStore(driver: Driver): LogStore {
  if (!driver.create || !driver.list || !driver.removeItem) throw needs("create", driver);
  const list = driver.list.bind(driver);
  return {
    getItem: async (key) => answered(await driver.getItem(key)),
    create: (key, text) => driver.create!(key, text),
    removeItem: async (key) => await driver.removeItem!(key),
    list,
    ...driver.segments === undefined ? {} : { segments: driver.segments },
    isAlone: () => false,
    open: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}

/** What a driver answered. unstorage's `fs` and `fs-lite` give the error of a read that failed, as if it stood there. */
export function answered(found: unknown): unknown {
  if (found instanceof Error || Object.prototype.toString.call(found) === "[object Error]") throw found;
  return found;
}

/** STATE_UNSUPPORTED: the driver cannot do what it would have to. */
export function needs(what: string, { name = "unnamed" }: Driver): StateError {
  return new StateError("STATE_UNSUPPORTED", `Cannot open state on driver "${name}": it has no ${what}`, { details: { needs: what } });
}
