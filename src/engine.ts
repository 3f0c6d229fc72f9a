/**
 * What `openState` loads: the store on a driver, and the state on the store.
 *
 * @module
 */
import type { DigestCrypto } from "./digest.ts";
import type { StateScope } from "./keys/scopes.ts";
import type { Limits } from "./limits.ts";
import type { SchemaDefinition } from "./schema/define.ts";
import type { StateClass } from "./state/entry.ts";
import type { Consistency, StateManager } from "./state/manager.ts";
import { createState } from "./state/state.ts";
import type { Driver } from "./store/driver.ts";
import type { LockOptions } from "./store/port.ts";
import { openStore } from "./store/store.ts";

/** What `openState` was told, checked, with its defaults. */
export interface EngineOptions {
  readonly driver: Driver;
  readonly namespace: string;
  readonly readOnly: boolean;
  readonly lock: LockOptions;
  readonly schemas: readonly SchemaDefinition[];
  readonly consistency: Consistency;
  readonly classify: ((scope: StateScope, key: string) => StateClass | undefined) | undefined;
  readonly crypto: DigestCrypto | undefined;
  readonly now: () => number;
  readonly random: (bytes: number) => Uint8Array;
  readonly limits: Limits;
  readonly onWarning: (warning: { readonly code: string; readonly message: string; readonly commit?: number }) => void;
}

/** How many open states use a driver: the last one closes it. */
const users: WeakMap<Driver, number> = new WeakMap();

/** Drivers that were asked for what an operator should hear. */
const warned: WeakSet<Driver> = new WeakSet();

/** Opens the namespace and puts a state on it. */
export async function openEngine(options: EngineOptions): Promise<StateManager> {
  const { driver, limits, schemas } = options;
  const rules = schemas.length === 0 ? undefined : (await import("./schema/rules.ts")).createSchemaRules(schemas);
  users.set(driver, (users.get(driver) ?? 0) + 1);
  const release = async () => {
    const left = users.get(driver)! - 1;
    users.set(driver, left);
    if (left === 0) await driver.dispose?.();
  };
  try {
    const store = await openStore({ ...options, cacheBytes: limits.cacheBytes });
    if (!options.readOnly && !warned.has(driver)) {
      warned.add(driver);
      driver.caveat?.().then((caveat) => caveat && options.onWarning(caveat), () => {});
    }
    return createState({ ...options, store, schemas: rules, release });
  } catch (error) {
    await release();
    throw error;
  }
}
