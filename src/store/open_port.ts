/**
 * A namespace on a driver: as it is where it can commit a batch, on a log where it cannot.
 *
 * @module
 */
import { isStateError, StateError } from "../errors.ts";
import type { Driver, DriverSupports } from "./driver.ts";
import { type Port, type PortOptions, reasonOf } from "./port.ts";
import type { KeyedCalls } from "./short_keys.ts";

/** The longest key that the library makes: a driver that takes it needs no cut ones. */
const KEY_BYTES = 8 * 1024;

/** Tries of a batch that may be written again, and the rest between them in milliseconds. */
const TRIES = 5;
const REST_MS = 5;

/**
 * A namespace on a driver: as it is where it can commit a batch, on a log where it cannot.
 *
 * @throws {StateError} STATE_UNSUPPORTED if the driver can carry neither
 * @throws {StateError} STATE_LOCKED if somebody else writes, and only one may
 */
export async function openPort(options: PortOptions): Promise<Port> {
  const { driver } = options;
  const { supports } = driver;
  if (supports?.commit) {
    if (supports.list !== "ordered" || !driver.commit || !driver.list || !driver.getMany) throw lacks(driver);
    const calls = { getMany: driver.getMany.bind(driver), list: driver.list.bind(driver), commit: driver.commit.bind(driver) };
    if (supports.keyBytes >= KEY_BYTES) return nativePort(driver.name, supports, calls);
    const { withShortKeys, WRAPPING_BYTES } = await import("./short_keys.ts");
    const less = { ...supports, keyBytes: KEY_BYTES, valueBytes: supports.valueBytes - WRAPPING_BYTES };
    const short = withShortKeys(calls, supports.keyBytes, options.seal, options.isLenient);
    return { ...nativePort(driver.name, less, short), strays: short.strays };
  }
  const { openLog } = await import("./log/open_log.ts");
  return await openLog(options);
}

function lacks({ name = "unnamed" }: Driver): StateError {
  return new StateError(
    "STATE_UNSUPPORTED",
    `Cannot open state on driver "${name}": it declares supports.commit, and lacks list "ordered", commit, list or getMany`,
    { details: { needs: "commit" } },
  );
}

function nativePort(name = "unnamed", supports: DriverSupports, driver: KeyedCalls): Port {
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
        const values = await driver.getMany(keys);
        if (values.length !== keys.length) throw new Error(`it gave ${values.length} values for ${keys.length} keys`);
        return values;
      }),
    list: (options) => reading(() => driver.list(options)),
    commit: (batch) => driver.commit(batch),
    repeat: async (batch) => {
      for (let attempt = 1;; attempt++) {
        try {
          return await driver.commit(batch);
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
