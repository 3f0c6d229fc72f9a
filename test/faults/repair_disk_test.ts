/**
 * A damaged folder whose repair is cut off by a power loss before each call on the file system: run again, it comes to the same
 * end.
 *
 * `TEST_RUNS_FACTOR` multiplies how many states are looked at.
 *
 * @module
 */
import assert from "node:assert/strict";
import { createDriver } from "../../adapters/fs/driver.ts";
import { openState, repair, StateScope } from "../../mod.ts";
import type { Driver } from "../../src/store/driver.ts";
import { show } from "../golden/story.ts";
import { noon, quickRandom } from "./fixture.ts";
import { type Gate, nothing, seeded, SimulatedDisk } from "./simulated_disk.ts";

const factor = Number(Deno.env.get("TEST_RUNS_FACTOR") ?? 1);
const namespace = "state";

/** So little that a few commits make checkpoints, and pages. */
const limits = { valueBytes: 3072, batchOps: 40, batchBytes: 12 * 1024 };

function driverOn(disk: SimulatedDisk, gate?: Gate, isSmall = true): Driver {
  const driver = createDriver({ given: "/d", absolute: "/d" }, disk.process(gate), () => true);
  return isSmall ? { ...driver, supports: { ...driver.supports!, ...limits } } : driver;
}

async function shownBy(disk: SimulatedDisk): Promise<string[]> {
  const state = await openState({ driver: driverOn(disk), now: () => noon, random: quickRandom(1) });
  try {
    return await show(state);
  } finally {
    await state.close();
  }
}

/** Some commits that a checkpoint holds, and some in frames behind it. */
async function prepared(): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk();
  for (const isSmall of [true, false]) {
    const state = await openState({ driver: driverOn(disk, undefined, isSmall), now: () => noon, random: quickRandom(1) });
    for (let i = 0; i < 6; i++) await state.save(StateScope.agent("a"), `k${i % 4}`, `${i} ${isSmall} ${"text ".repeat(30)}`);
    if (isSmall) await state.close();
  }
  return disk.crash(nothing);
}

/** Changes one byte of a file for good. */
async function damage(disk: SimulatedDisk, path: string, at: number): Promise<void> {
  const file = await disk.process().open(path, "mend");
  const byte = disk.files.get(path)![at]! ^ 4;
  await file.writeAt(at, Uint8Array.of(byte));
  await file.sync();
  await file.close();
}

Deno.test("repair() of a folder comes to the same end, whenever the power goes, and again", async () => {
  const disk = await prepared();
  const segment = [...disk.files.keys()].filter((path) => path.includes("/seg/")).sort().at(-1)!;
  const text = new TextDecoder().decode(disk.files.get(segment));
  const frames = [...text.matchAll(/^F1\t.*$/gm)];
  const frame = frames.at(-3)!;
  await damage(disk, segment, frame.index + frame[0].lastIndexOf("text"));
  for (const path of disk.files.keys()) if (path.includes("/run/")) await damage(disk, path, disk.files.get(path)!.length - 9);
  const base = disk.crash(nothing);

  const whole = base.crash(nothing);
  const report = await repair(driverOn(whole), { namespace });
  assert.ok(report.lostCommits.length > 0);
  const shows = await shownBy(whole);
  let states = 0;
  const failures: unknown[] = [];
  const running = base.crash(nothing);
  let calls = 0;
  const gate: Gate = async () => {
    const call = calls++;
    if (failures.length > 0) return;
    try {
      for (let i = 0; i <= factor; i++) {
        const left = running.crash(i === 0 ? nothing : seeded(call * 7 + i));
        const again = await repair(driverOn(left), { namespace });
        if (again.lostCommits.length > 0) assert.deepEqual(again, report, `at call ${call}`);
        assert.deepEqual(await shownBy(left), shows, `at call ${call}`);
        states++;
      }
    } catch (error) {
      failures.push(error);
    }
  };
  assert.deepEqual(await repair(driverOn(running, gate), { namespace }), report);
  if (failures.length > 0) throw failures[0];
  console.log(`${states} states after a power loss, before each of ${calls} calls`);
  assert.ok(states > 100);
});
