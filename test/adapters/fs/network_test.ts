/** A folder where appends of several processes could land on each other: one writes at a time, a file a commit. */
import assert from "node:assert/strict";
import { cpSync, mkdirSync, readdirSync, rmSync, truncateSync } from "node:fs";
import { createDriver } from "../../../adapters/fs/driver.ts";
import { nodeCalls } from "../../../adapters/fs/node_calls.ts";
import { isStateError, openState, repair, StateScope } from "../../../mod.ts";
import type { Driver } from "../../../src/store/driver.ts";
import { type Choose, Crash, seeded, SimulatedDisk } from "../../faults/simulated_disk.ts";

import { inFolder } from "./fixture.ts";

const { global } = StateScope;

function onNetwork(folder: string): Driver {
  return createDriver({ given: folder, absolute: folder }, nodeCalls, () => false);
}

Deno.test("a folder on a network has one writer, and keeps what it was given over a restart", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const state = await openState({ driver: onNetwork(folder) });
    assert.deepEqual([state.supports.writers, state.supports.durability, state.supports.atomicCommit], ["one", "fsync", "log"]);
    for (let i = 0; i < 120; i++) await state.save(global, `k${i % 7}`, i);
    const second = openState({ driver: onNetwork(folder), lock: { waitMs: 0 } });
    await assert.rejects(second, (error) => isStateError(error, "STATE_LOCKED") && error.details.since instanceof Date);
    await state.close();
    await using again = await openState({ driver: onNetwork(folder), lock: { waitMs: 0 } });
    assert.equal(await again.load(global, "k0"), 119);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("repair() of a folder on a network gets past what is too large, or a folder, whatever that is of", () =>
  inFolder(async (folder) => {
    const [open, whole, copy] = [`${folder}/open`, `${folder}/whole`, `${folder}/copy`];
    const state = await openState({ driver: onNetwork(open) });
    for (let i = 0; i < 70; i++) await state.save(global, `k${i}`, "v".repeat(500));
    // As a kill leaves it.
    cpSync(open, whole, { recursive: true });
    rmSync(`${whole}/state/lease`, { force: true });
    await state.close();
    const newest = (part: string) => `${part}/${readdirSync(`${whole}/state/${part}`).sort().at(-1)}`;
    for (const name of [newest("run"), newest("frame"), "ckpt/a", "ckpt/b"]) {
      for (const isFolder of [false, true]) {
        cpSync(whole, copy, { recursive: true });
        const path = `${copy}/state/${name}`;
        if (!isFolder) truncateSync(path, 65 * 2 ** 20);
        else {
          rmSync(path);
          mkdirSync(path);
        }
        await repair(onNetwork(copy), { namespace: "state" });
        for (let i = 0; i < 2; i++) {
          await using again = await openState({ driver: onNetwork(copy), lock: { waitMs: 0 } });
          assert.ok((await again.entries(global).toArray()).length >= 69, name);
          await again.save(global, "k0", i);
        }
        rmSync(copy, { recursive: true });
      }
    }
  }));

Deno.test("a folder on a network whose machine loses power holds what was acknowledged, whole", async () => {
  const first = Number(Deno.env.get("TEST_SEED") ?? Math.floor(Math.random() * 1e9));
  for (let seed = first; seed < first + 25; seed++) {
    const choose: Choose = seeded(seed);
    let disk = new SimulatedDisk();
    let acknowledged = 0;
    let time = 0;
    for (let life = 0; life < 3; life++) {
      let left = 40 + choose(400);
      const calls = disk.process(() => {
        if (left-- <= 0) throw new Crash("the power is gone");
      });
      try {
        // Long after the lease of the process that lost its power.
        time += 20_000;
        const now = () => time;
        const state = await openState({ driver: createDriver({ given: "/d", absolute: "/d" }, calls, () => false), now });
        try {
          const before = await state.load<number>(global, "n") ?? 0;
          assert.ok(
            before === acknowledged || before === acknowledged + 1,
            `TEST_SEED=${seed}: ${acknowledged} was acknowledged, not ${before}`,
          );
          acknowledged = before;
          for (let i = 0; i < 60; i++) {
            const n = await state.increment(global, "n");
            acknowledged = n;
          }
        } finally {
          await state.close().catch(() => {});
        }
      } catch (error) {
        if (error instanceof assert.AssertionError) throw error;
        if (!/power is gone/.test(`${error} ${(error as Error).cause}`)) throw error;
      }
      disk = disk.crash(choose);
    }
  }
});
