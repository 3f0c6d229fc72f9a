/// <reference lib="deno.unstable" />
import unstorageMemory from "unstorage/drivers/memory";
import { denoKv } from "../adapters/deno_kv.ts";
import "fake-indexeddb/auto";
import { indexedDb } from "../adapters/indexed_db.ts";
import { fs } from "../adapters/fs.ts";
import { memory } from "../adapters/memory.ts";
import { sqlite } from "../adapters/sqlite.ts";
import { unstorage } from "../adapters/unstorage.ts";
import type { Driver, DriverSupports } from "../src/store/driver.ts";
import { conformance, type Subject } from "./conformance/mod.ts";
import { limitDriver } from "./conformance/small_limits.ts";
import { createLogDriver } from "./faults/log_driver.ts";

/** Deno's runner knows no groups: their names go in front. */
const groups: string[] = [];
const runner = {
  describe(name: string, body: () => void): void {
    groups.push(name);
    body();
    groups.pop();
  },
  it(name: string, body: () => Promise<void>): void {
    Deno.test([...groups, name].join(" › "), body);
  },
};

/** The same map under a driver object of its own each time, so that nothing but the map is shared. */
function inMemory(name: string, wrap: (driver: Driver) => Driver): Subject {
  return {
    name,
    create() {
      const shared = memory();
      return Promise.resolve({ open: () => Promise.resolve(wrap({ ...shared })), destroy: () => Promise.resolve() });
    },
  };
}

conformance(runner, inMemory("memory", (driver) => driver));
conformance(runner, inMemory("memory with small limits", (driver) => limitDriver(driver)));
/** The same for what stands in maps, with what limits. */
function onLog(name: string, limits: Partial<DriverSupports>): Subject {
  return {
    name,
    create() {
      const shared = [new Map(), new Map()] as const;
      const open = () => {
        const driver = createLogDriver(...shared);
        return Promise.resolve({ ...driver, supports: { ...driver.supports!, ...limits } });
      };
      return Promise.resolve({ open, destroy: () => Promise.resolve() });
    },
  };
}

conformance(runner, onLog("a log", {}));
conformance(runner, onLog("a log with small limits", { valueBytes: 1024, batchOps: 24, batchBytes: 8192 }));
conformance(runner, {
  name: "fs",
  async create() {
    const folder = await Deno.makeTempDir({ prefix: "state-" });
    return {
      open: () => Promise.resolve(fs(`${folder}/state`)),
      destroy: () => Deno.remove(folder, { recursive: true }),
    };
  },
});
conformance(runner, {
  name: "deno-kv",
  async create() {
    const folder = await Deno.makeTempDir({ prefix: "state-" });
    return {
      open: () => Promise.resolve(denoKv(`${folder}/state.kv`)),
      destroy: () => Deno.remove(folder, { recursive: true }),
    };
  },
});
conformance(runner, {
  name: "deno-kv in memory",
  async create() {
    const kv = await Deno.openKv(":memory:");
    return { open: () => Promise.resolve(denoKv(kv)), destroy: () => Promise.resolve(kv.close()) };
  },
});
// Beside the real engines, which test/runtime/browser/ runs.
conformance(runner, {
  name: "indexed-db (fake-indexeddb)",
  create() {
    const name = `state-${crypto.randomUUID()}`;
    return Promise.resolve({
      open: () => Promise.resolve(indexedDb(name)),
      destroy: () => Promise.resolve(void indexedDB.deleteDatabase(name)),
    });
  },
});
conformance(runner, {
  name: "sqlite",
  async create() {
    const folder = await Deno.makeTempDir({ prefix: "state-" });
    return {
      open: () => Promise.resolve(sqlite(`${folder}/state.db`)),
      destroy: () => Deno.remove(folder, { recursive: true }),
    };
  },
});
conformance(runner, {
  name: "unstorage (memory)",
  create() {
    // Disposing it would take away what it holds, and what one state has written is the next one's.
    const driver = unstorage({ ...unstorageMemory(), dispose: () => {} });
    return Promise.resolve({ open: () => Promise.resolve(driver), destroy: () => Promise.resolve() });
  },
});
