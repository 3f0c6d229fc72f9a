/**
 * What the fault tests share: a state whose time and chance are its own, and all that can be seen of a store.
 *
 * @module
 */
import { openState, type OpenStateOptions, type StateManager, StateScope } from "../../mod.ts";
import { memory } from "../../adapters/memory.ts";
import type { Driver } from "../../src/store/driver.ts";

/** When the tests happen. */
export const noon: number = Date.UTC(2030, 0, 1, 12);

/** Chance whose pauses are short: they grow with the first byte. A seed gives the same bytes again. */
export function quickRandom(seed: number = crypto.getRandomValues(new Uint32Array(1))[0]!): (bytes: number) => Uint8Array {
  let state = seed | 0;
  return (bytes) =>
    Uint8Array.from({ length: bytes }, () => {
      state = Math.imul(state ^ (state >>> 13), 0x5bd1e995) + 0x9e3779b9 | 0;
      return (state >>> 20) & 3;
    });
}

/** A driver of memory that says it is on disk, so that critical entries can be tested on it. */
export function durableMemory(): Driver {
  const driver = memory();
  return { ...driver, supports: { ...driver.supports!, durability: "fsync" } };
}

/** Opens a state whose time stands and whose pauses are short. */
export function open(driver: Driver, options: OpenStateOptions = {}): Promise<StateManager> {
  return openState({ driver, now: () => noon, random: quickRandom(), ...options });
}

/** All that a fresh open sees: entries and operation ids, without the numbers of commits. */
export async function snapshot(driver: Driver, options: OpenStateOptions = {}): Promise<string> {
  const state = await open(driver, options);
  try {
    return await contents(state);
  } finally {
    await state.close();
  }
}

/** All that an open state sees. */
export async function contents(state: StateManager): Promise<string> {
  const lines: string[] = [];
  for await (const scope of state.scopes()) {
    for await (const { key, value, revision, class: name, expiresAt } of state.entries(scope)) {
      const text = Deno.inspect(value, { depth: 20, strAbbreviateSize: 60, breakLength: Infinity });
      lines.push(`${StateScope.format(scope)} ${key} ${revision} ${name} ${expiresAt?.getTime() ?? 0} ${text}`);
    }
  }
  return lines.join("\n");
}

/** A copy of everything in a driver of memory. */
export async function copyDriver(driver: Driver): Promise<Driver> {
  const copy = durableMemory();
  for (const key of await driver.getKeys("")) copy.setItem!(key, await driver.getItem(key) as string);
  return { ...copy, supports: driver.supports! };
}
