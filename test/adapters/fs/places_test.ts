import assert from "node:assert/strict";
import type { FileCalls, OpenFile } from "../../../adapters/fs/calls.ts";
import { Places } from "../../../adapters/fs/places.ts";
import { SimulatedDisk } from "../../faults/simulated_disk.ts";

/** Lets everything run that waits for nothing else. */
const settle = () => new Promise((resolve) => setTimeout(resolve));

async function disk(...names: readonly string[]): Promise<FileCalls> {
  const calls = new SimulatedDisk().process();
  await calls.mkdir("/d");
  for (const name of names) await (await calls.open(`/d/${name}`, "create")).close();
  return calls;
}

Deno.test("take() gives so many places, and the next ones in turn as they are given back", async () => {
  const places = new Places(2);
  const served: number[] = [];
  for (let i = 0; i < 5; i++) places.take().then(() => served.push(i));
  await settle();
  assert.deepEqual(served, [0, 1]);
  assert.ok(places.isFull && places.isWanted);
  places.give();
  await settle();
  assert.deepEqual(served, [0, 1, 2]);
  for (let i = 0; i < 4; i++) places.give();
  await settle();
  assert.deepEqual(served, [0, 1, 2, 3, 4]);
  assert.ok(!places.isFull && !places.isWanted);
});

Deno.test("around() opens no more files than there are places, and gives a place back whatever fails", async () => {
  const calls = await disk("a", "b", "c");
  const limited = new Places(2).around({
    ...calls,
    syncFolder: (path) => path === "/bad" ? Promise.reject(new Error("bad")) : calls.syncFolder(path),
  });
  for (let i = 0; i < 5; i++) {
    await assert.rejects(async () => await limited.open("/d/none", "read"), { code: "ENOENT" });
    await assert.rejects(async () => await limited.syncFolder("/bad"), /bad/);
    await limited.syncFolder("/d");
  }
  const files: OpenFile[] = [];
  const opening = ["a", "b", "c"].map(async (name) => files.push(await limited.open(`/d/${name}`, "read")));
  await settle();
  assert.equal(files.length, 2);
  await files[0]!.close();
  await Promise.all(opening);
  assert.equal(files.length, 3);
});
