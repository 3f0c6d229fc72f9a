/** What may be given as a driver: an adapter's, any of unstorage's as they are, and nothing else. */
import { type Driver, openState } from "../../mod.ts";
import { memory } from "../../adapters/memory.ts";
import { sqlite } from "../../adapters/sqlite.ts";
import assert from "node:assert/strict";
import { createStorage } from "unstorage";
import type denoKvDriver from "unstorage/drivers/deno-kv";
import type fsDriver from "unstorage/drivers/fs-lite";
import unstorageMemory from "unstorage/drivers/memory";
import { type Equal, expectType } from "./expect.ts";

Deno.test("unstorage's drivers are assignable to Driver as they are, and a Storage is not", async () => {
  const accepted = (files: ReturnType<typeof fsDriver>, kv: ReturnType<typeof denoKvDriver>): readonly Driver[] => [files, kv];
  const driver: Driver = unstorageMemory();
  const refused = async () => {
    // @ts-expect-error: a Storage is no driver
    await openState({ driver: createStorage() });
    // @ts-expect-error: nor is it assignable to one
    const wrong: Driver = createStorage();
    return wrong;
  };
  assert.deepEqual([typeof accepted, typeof refused], ["function", "function"]);
  // It compiles; that it commits no batch is found at once.
  await assert.rejects(openState({ driver }), { code: "STATE_UNSUPPORTED" });
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
