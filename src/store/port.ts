/**
 * The driver as the store sees it: four calls, failures as `StateError`.
 *
 * @module
 */
import { isStateError, StateError } from "../errors.ts";
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
}

/** Tries of a batch that may be written again, and the rest between them in milliseconds. */
const TRIES = 5;
const REST_MS = 5;

/** A bound that this driver needs, because it declares no native commit. */
function unsupported(name: string): StateError {
  return new StateError(
    "STATE_UNSUPPORTED",
    `Cannot open state on driver "${name}": it declares no atomic commit (supports.commit, list "ordered", getMany); use memory() or sqlite(file)`,
    { details: { needs: "commit" } },
  );
}

/**
 * Wraps a driver.
 *
 * @throws {StateError} STATE_UNSUPPORTED if the driver cannot commit a batch
 */
export function openPort(driver: Driver): Port {
  const { supports } = driver;
  const name = driver.name ?? "unnamed";
  if (!supports?.commit || supports.list !== "ordered" || !driver.commit || !driver.list || !driver.getMany) throw unsupported(name);
  const reading = async <T>(call: () => Promise<T>): Promise<T> => {
    try {
      return await call();
    } catch (error) {
      if (isStateError(error)) throw error;
      throw new StateError("STATE_DRIVER", `Cannot read from driver "${name}": ${reasonOf(error)}`, { details: {}, cause: error });
    }
  };
  return {
    name,
    supports,
    getMany: (keys) =>
      reading(async () => {
        const values = await driver.getMany!(keys);
        if (values.length !== keys.length) throw new Error(`it gave ${values.length} values for ${keys.length} keys`);
        return values;
      }),
    list: (options) => reading(() => driver.list!(options)),
    commit: (batch) => driver.commit!(batch),
    repeat: async (batch) => {
      for (let attempt = 1;; attempt++) {
        try {
          return await driver.commit!(batch);
        } catch (error) {
          if (isStateError(error)) throw error;
          if (attempt >= TRIES) {
            throw new StateError("STATE_DRIVER", `Cannot write to driver "${name}": ${reasonOf(error)}`, { details: {}, cause: error });
          }
          await new Promise((resolve) => setTimeout(resolve, REST_MS * attempt));
        }
      }
    },
  };
}

/** What a failure says of itself. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
