/**
 * The driver as the store sees it: four calls, failures as `StateError`.
 *
 * @module
 */
import { isStateError, StateError } from "../errors.ts";
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
  /** Objects and ends of logs that opening found damaged or torn, and went on without. */
  readonly setAside?: readonly string[];
  /** Frames of a log that opening read behind the last checkpoint. */
  readonly replayed?: number;
  /** Ends what is at work, and leaves things so that opening is quick. */
  close?(): Promise<void>;
  /** After everything was removed: takes away what that left behind. */
  shrink?(): Promise<void>;
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
  readonly cacheBytes: number;
  readonly onWarning: (warning: { readonly code: string; readonly message: string }) => void;
}

/** Tries of a batch that may be written again, and the rest between them in milliseconds. */
const TRIES = 5;
const REST_MS = 5;

/** STATE_UNSUPPORTED: the driver declares too little. */
export function unsupported(name: string): StateError {
  return new StateError(
    "STATE_UNSUPPORTED",
    `Cannot open state on driver "${name}": it declares neither an atomic commit (supports.commit, list "ordered", getMany) nor ` +
      `an exclusive log (supports.create, list "ordered", segments); use memory(), fs(directory) or sqlite(file)`,
    { details: { needs: "commit" } },
  );
}

/**
 * A namespace on a driver: as it is where it can commit a batch, on a log where it cannot.
 *
 * @throws {StateError} STATE_UNSUPPORTED if the driver can carry neither
 */
export async function openPort(options: PortOptions): Promise<Port> {
  const { driver } = options;
  const { supports } = driver;
  if (supports?.commit && supports.list === "ordered" && driver.commit && driver.list && driver.getMany) {
    return nativePort(driver, supports);
  }
  if (!supports?.create || supports.list !== "ordered" || !driver.create || !driver.list || !driver.removeItem || !driver.segments) {
    throw unsupported(driver.name ?? "unnamed");
  }
  const { LogPort } = await import("./log/log_port.ts");
  return new LogPort(options);
}

function nativePort(driver: Driver, supports: DriverSupports): Port {
  const name = driver.name ?? "unnamed";
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
