/**
 * Any unstorage driver, as it is.
 *
 * @module
 */
import type { Driver } from "../src/store/driver.ts";
import { describePlain } from "../src/store/plain.ts";

/**
 * A driver of unstorage 1.17, with what can be counted on. `openState` takes a plain driver as it is and does the same; this
 * is how to look at what is promised before anything is opened: `unstorage(driver).supports`.
 *
 * Plain drivers know no exclusive creation, no transactions and no sync. So one writer at a time writes a namespace, under a
 * lease of 15 seconds that it renews; another one is STATE_LOCKED after `lock.waitMs`. A second writer that stood still for
 * longer than its lease is usually noticed, not prevented. What a driver tears is found, and the state before it serves. What
 * was acknowledged survives as much as the driver's own writes do: `supports.durability`.
 *
 * Only `getItem`, `setItem` and `removeItem` are called, with text, and `getKeys` by `listNamespaces`.
 *
 * @param driver what a driver of `unstorage/drivers/…` returns; no `Storage`
 * @throws {TypeError} if it is something else
 *
 * @example
 * ```ts
 * import { openState, StateScope } from "@llmspell/state-persistence";
 * import { unstorage } from "@llmspell/state-persistence/adapters/unstorage";
 * import memoryDriver from "unstorage/drivers/memory";
 *
 * await using state = await openState({ driver: unstorage(memoryDriver()) });
 * await state.increment(StateScope.global, "starts");
 * ```
 */
export function unstorage(driver: Driver): Driver {
  const what = typeof driver === "function"
    ? "it is a function; call it, as in unstorage(memoryDriver())"
    : typeof driver !== "object" || driver === null
    ? `it is ${driver === null ? "null" : `a ${typeof driver}`}`
    : "mount" in driver && driver.mount !== undefined
    ? "it is a Storage; give the driver that was given to createStorage()"
    : typeof (driver as Driver).getItem !== "function" || typeof (driver as Driver).getKeys !== "function"
    ? "it has no getItem or no getKeys"
    : undefined;
  if (what !== undefined) throw new TypeError(`Cannot use this as an unstorage driver: ${what}`);
  return driver.supports === undefined ? describePlain(driver) : driver;
}
