/**
 * What a plain unstorage driver can be counted on for, by the name that it gives itself.
 *
 * @module
 */
import type { Driver, DriverSupports } from "./driver.ts";

/** What any driver has: values under keys, one writer at a time. */
const plain: DriverSupports = {
  commit: false,
  create: false,
  list: "scan",
  writers: "one",
  durability: "eventual",
  strongReads: false,
  binary: false,
  valueBytes: 64 * 1024,
  keyBytes: 512,
  batchOps: 2048,
  batchBytes: 256 * 1024,
};

/** Those that keep what they are given in this process, or hand it to the operating system before they answer. */
const byName: Readonly<Record<string, Partial<DriverSupports>>> = {
  memory: { durability: "memory", strongReads: true },
  "lru-cache": { durability: "memory", strongReads: true },
  "session-storage": { durability: "memory", strongReads: true },
  localstorage: { durability: "relaxed", strongReads: true },
  fs: { durability: "relaxed", strongReads: true },
  "fs-lite": { durability: "relaxed", strongReads: true },
  redis: { durability: "remote" },
  mongodb: { durability: "remote" },
  db0: { durability: "remote" },
  // Its values are of 64 KiB, two bytes a character.
  "deno-kv": { durability: "remote", valueBytes: 8 * 1024, batchBytes: 24 * 1024, batchOps: 256 },
};

/** Drivers that drop what they hold to make room: what is missing there later is STATE_CORRUPT. */
const evicting: ReadonlySet<string> = new Set(["lru-cache"]);

/** Whether a driver may drop what it holds. */
export function evicts({ name }: Driver): boolean {
  return evicting.has(name ?? "");
}

/** What a driver supports: what it declares, or what is known of it. */
export function supportsOf(driver: Driver): DriverSupports {
  const { name = "unnamed", supports } = driver;
  return supports ?? { ...plain, ...Object.hasOwn(byName, name) ? byName[name] : undefined };
}

/** One for each driver, so that all states on it in one process are one writer. */
const described: WeakMap<Driver, Driver> = new WeakMap();

/** A plain driver with what it supports, as its name says. The same one for the same driver. */
export function describePlain(driver: Driver): Driver {
  const known = described.get(driver) ?? describe(driver);
  described.set(driver, known);
  described.set(known, known);
  return known;
}

function describe(driver: Driver): Driver {
  const { name = "unnamed" } = driver;
  return {
    name,
    supports: supportsOf(driver),
    hasItem: (key) => driver.hasItem(key, {}),
    getItem: (key) => driver.getItem(key, {}),
    getKeys: (base) => driver.getKeys(base, {}),
    ...driver.setItem && { setItem: (key: string, value: string) => driver.setItem!(key, value, {}) },
    ...driver.removeItem && { removeItem: (key: string) => driver.removeItem!(key, {}) },
    ...driver.dispose && { dispose: () => driver.dispose!() },
  };
}
