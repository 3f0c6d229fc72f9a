/** What may be given as a driver: an adapter's, any of unstorage's as they are, and nothing else. */
import { type Driver, openState } from "../../mod.ts";
import { memory } from "../../adapters/memory.ts";
import { sqlite } from "../../adapters/sqlite.ts";
import assert from "node:assert/strict";
import type denoKvDriver from "unstorage/drivers/deno-kv";
import type fsDriver from "unstorage/drivers/fs-lite";
import unstorageMemory from "unstorage/drivers/memory";
import { type Equal, expectType } from "./expect.ts";

/** What createStorage() gives, as far as it looks like a driver. */
interface Storage {
  mount(base: string, driver: unknown): Storage;
  hasItem(key: string): Promise<boolean>;
  getItem(key: string): Promise<unknown>;
  getKeys(base?: string): Promise<string[]>;
  setItem(key: string, value: string): Promise<void>;
  removeItem(key: string): Promise<void>;
}

Deno.test("unstorage's drivers are assignable to Driver as they are, and a Storage is not", async () => {
  const accepted = (files: ReturnType<typeof fsDriver>, kv: ReturnType<typeof denoKvDriver>): readonly Driver[] => [files, kv];
  const driver: Driver = unstorageMemory();
  const refused = async (storage: Storage) => {
    // @ts-expect-error: a Storage is no driver
    await openState({ driver: storage });
    // @ts-expect-error: nor is it assignable to one
    const wrong: Driver = storage;
    return wrong;
  };
  assert.deepEqual([typeof accepted, typeof refused], ["function", "function"]);
  await (await openState({ driver })).close();
});

Deno.test("adapters give drivers, and what is no driver does not compile", () => {
  expectType<Equal<ReturnType<typeof memory>, Driver>>();
  expectType<Equal<ReturnType<typeof sqlite>, Driver>>();
  const refused = async () => {
    // @ts-expect-error: the factory, not the driver
    await openState({ driver: sqlite });
    // @ts-expect-error: a URL
    await openState({ driver: "sqlite:./x.db" });
    // @ts-expect-error: no path
    sqlite();
  };
  assert.deepEqual([memory().name, typeof refused], ["memory", "function"]);
});
