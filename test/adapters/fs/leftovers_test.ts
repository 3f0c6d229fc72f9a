import assert from "node:assert/strict";
import { createDriver } from "../../../adapters/fs/driver.ts";
import { type Gate, SimulatedDisk } from "../../faults/simulated_disk.ts";

const HOUR_MS = 60 * 60 * 1000;
const text = (disk: SimulatedDisk) => [...disk.files.keys()].map((path) => path.replace(/\.tmp-[0-9a-f]{24}/, ".tmp")).sort();

const driverOn = (disk: SimulatedDisk, gate?: Gate) =>
  createDriver({ given: "/d", absolute: "/d" }, disk.process(gate), () => true, () => disk.now);

/** Creates an object, and is never heard of again before a call. */
async function stopBefore(disk: SimulatedDisk, name: string): Promise<() => void> {
  let goOn = () => {};
  await new Promise<void>((reached) => {
    const gate: Gate = (call) => call.name === name ? (reached(), new Promise<void>((resolve) => goOn = resolve)) : undefined;
    Promise.resolve(driverOn(disk, gate).create!("a!x", "of who stood still")).catch(() => {});
  });
  return () => goOn();
}

Deno.test("a file in the making goes an hour after it was last written to, when something is written into its folder", async () => {
  for (const name of ["write", "sync", "link"]) {
    const disk = new SimulatedDisk();
    await stopBefore(disk, name);
    assert.deepEqual(text(disk), ["/d/a/.tmp"], name);
    disk.now = HOUR_MS;
    await driverOn(disk).create!("a!y", "Y");
    assert.deepEqual(text(disk), ["/d/a/.tmp", "/d/a/y"], "it may still be in the making");
    disk.now = HOUR_MS + 1;
    await driverOn(disk).create!("b!z", "Z");
    assert.deepEqual(text(disk), ["/d/a/.tmp", "/d/a/y", "/d/b/z"], "another folder");
    await driverOn(disk).create!("a!z", "Z");
    assert.deepEqual(text(disk), ["/d/a/y", "/d/a/z", "/d/b/z"], name);
  }
});

Deno.test("who stood still while its file in the making was removed makes another one", async () => {
  const disk = new SimulatedDisk();
  const goOn = await stopBefore(disk, "link");
  disk.now = HOUR_MS + 1;
  const driver = driverOn(disk);
  await driver.create!("a!y", "Y");
  assert.deepEqual(text(disk), ["/d/a/y"]);
  goOn();
  // It comes to the same call once more.
  await new Promise((resolve) => setTimeout(resolve));
  goOn();
  await new Promise((resolve) => setTimeout(resolve));
  assert.equal(await driver.getItem("a!x"), "of who stood still");
});

Deno.test("files that only look like those in the making stay", async () => {
  const disk = SimulatedDisk.of(
    new Map([["/d/a/.tmp-00", new Uint8Array()], ["/d/a/tmp", new Uint8Array()], ["/d/a/.tmp-x", new Uint8Array()]]),
  );
  disk.now = 10 * HOUR_MS;
  await driverOn(disk).create!("a!y", "Y");
  assert.deepEqual(text(disk), ["/d/a/.tmp-00", "/d/a/.tmp-x", "/d/a/tmp", "/d/a/y"]);
});
