/**
 * One process on a simulated disk, cut off by a power loss before each of its calls: what was acknowledged is there, what is
 * there is whole, and the log goes on.
 *
 * `TEST_RUNS_FACTOR` multiplies how many states are looked at.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { LogTuning } from "../../src/store/log/log.ts";
import { contentOf, contentsAfter, openLog, type Step, write } from "./log_fixture.ts";
import { type Choose, Crash, exhaustively, type Gate, nothing, seeded, SimulatedDisk } from "./simulated_disk.ts";

const factor = Number(Deno.env.get("TEST_RUNS_FACTOR") ?? 1);

/** How often a log is shortened: at each frame, at each third one, never. */
const tunings: readonly Partial<LogTuning>[] = [
  { frames: 1, bytes: 1, segmentBytes: 1 },
  { frames: 3, bytes: 1e6, segmentBytes: 700 },
  { frames: 1e6, bytes: 1e9, segmentBytes: 1e9 },
];

/** What a transaction may do with two keys. */
const actions = (i: number): readonly Step[] => [
  { a: `A${i}` },
  { b: `B${i}` },
  { a: `A${i}`, b: `B${i}` },
  { a: undefined, b: `B${i}` },
  { a: undefined, b: undefined },
];

/** Every workload of up to so many transactions. */
function workloads(most: number): Step[][] {
  let all: Step[][] = [[]];
  const each: Step[][] = [];
  for (let i = 0; i < most; i++) {
    all = all.flatMap((steps) => actions(i).map((action) => [...steps, action]));
    each.push(...all);
  }
  return each;
}

/** Lets so many calls through, and then none. */
function cutAfter(calls: number): { readonly gate: Gate; readonly made: () => number } {
  let made = 0;
  return {
    gate: () => {
      if (++made > calls) throw new Crash("the power is gone");
    },
    made: () => made,
  };
}

/** Runs steps until they are done or the power goes; how many were acknowledged, and how many calls were made. */
async function run(
  disk: SimulatedDisk,
  steps: readonly Step[],
  tuning: Partial<LogTuning>,
  calls: number,
): Promise<{ acked: number; made: number }> {
  const { gate, made } = cutAfter(calls);
  const port = openLog(disk.process(gate), tuning);
  let acked = 0;
  try {
    for (const step of steps) {
      await write(port, step);
      acked++;
    }
    await port.close();
  } catch { /* the power is gone */ }
  // What is at work beside it comes to its end, too.
  await port.close().catch(() => {});
  return { acked, made: made() };
}

const states = { looked: 0 };

/** Opens what a power loss left, and says how many of the steps it holds. */
async function check(
  disk: SimulatedDisk,
  contents: readonly Record<string, string>[],
  acked: number,
  tuning: Partial<LogTuning>,
): Promise<number> {
  states.looked++;
  const port = openLog(disk.process(), tuning);
  const found = await contentOf(port);
  for (let held = contents.length - 1; held >= acked; held--) {
    try {
      assert.deepEqual(found, contents[held]);
      return held;
    } catch { /* an earlier one, then */ }
  }
  assert.fail(
    `${acked} were acknowledged, and there is ${JSON.stringify(found)}, which is none of ${JSON.stringify(contents.slice(acked))}`,
  );
}

/** Looks at one state; goes on in it, is perhaps cut off again, and looks once more. */
async function explore(
  disk: SimulatedDisk,
  steps: readonly Step[],
  acked: number,
  tuning: Partial<LogTuning>,
  choose: Choose,
): Promise<void> {
  const contents = contentsAfter(steps);
  const held = await check(disk, contents, acked, tuning);
  const more: Step[] = [{ c: "C1", a: "after" }, { c: undefined, d: "D2" }];
  const whole = [...steps.slice(0, held), ...more];
  const calls = choose(2) === 0 ? Infinity : choose(60);
  const again = await run(disk, more, tuning, calls);
  await check(disk.crash(choose), contentsAfter(whole), held + again.acked, tuning);
}

Deno.test("every workload of up to three transactions, cut off before every call, loses nothing that was acknowledged", async () => {
  states.looked = 0;
  let offset = 0;
  for (const tuning of tunings) {
    for (const steps of workloads(3)) {
      // Of the longest ones every third cut, another one each time; all of them by night.
      const stride = steps.length < 3 || factor > 1 ? 1 : 3;
      for (let calls = stride === 1 ? 0 : (offset++) % stride;; calls += stride) {
        const disk = new SimulatedDisk();
        const { acked, made } = await run(disk, steps, tuning, calls);
        const seed = calls * 31 + steps.length;
        const label = `${JSON.stringify({ tuning, steps, calls, seed })}`;
        try {
          await explore(disk.crash(nothing), steps, acked, tuning, seeded(seed));
          for (let i = 0; i < factor; i++) await explore(disk.crash(seeded(seed + i)), steps, acked, tuning, seeded(seed + i + 1));
        } catch (error) {
          throw new Error(`${label}: ${(error as Error).message}`, { cause: error });
        }
        if (made <= calls) break;
      }
    }
  }
  console.log(`${states.looked} states after a power loss: 0 unreadable, 0 torn, 0 lost`);
});

Deno.test("one workload, cut off before every call, in every state that a power loss may leave, loses nothing that was acknowledged", async () => {
  states.looked = 0;
  const steps: Step[] = [{ a: "A0", b: "B0" }, { a: undefined, b: "B1" }];
  const contents = contentsAfter(steps);
  let whole = 0;
  for (const tuning of tunings) {
    for (let calls = 0;; calls++) {
      const disk = new SimulatedDisk();
      const { acked, made } = await run(disk, steps, tuning, calls);
      if (await exhaustively(200 * factor, async (choose) => void await check(disk.crash(choose), contents, acked, tuning))) whole++;
      if (made <= calls) break;
    }
  }
  console.log(`${states.looked} states, all there are after ${whole} of the cuts`);
});

Deno.test("long workloads from a seed, cut off anywhere, again and again, lose nothing that was acknowledged", async () => {
  states.looked = 0;
  const first = Number(Deno.env.get("TEST_SEED") ?? Math.floor(Math.random() * 1e9));
  for (let i = 0; i < 300 * factor; i++) {
    const seed = first + i;
    const choose = seeded(seed);
    const tuning = tunings[choose(tunings.length)]!;
    try {
      let disk = new SimulatedDisk();
      let steps: Step[] = [];
      let acked = 0;
      for (let life = 0; life < 6; life++) {
        const next = Array.from({ length: 1 + choose(8) }, (_, k): Step => {
          const key = `k${choose(6)}`;
          const value = choose(4) === 0 ? undefined : `V${life}.${k}${"x".repeat(choose(3) * 40)}`;
          return choose(3) === 0 ? { [key]: value, [`k${choose(6)}`]: `W${life}.${k}` } : { [key]: value };
        });
        const result = await run(disk, next, tuning, choose(5) === 0 ? Infinity : choose(150));
        steps = [...steps, ...next];
        acked += result.acked;
        disk = disk.crash(choose);
        const held = await check(disk, contentsAfter(steps), acked, tuning);
        // The one in doubt is decided from here on.
        steps = steps.slice(0, held);
        acked = held;
      }
    } catch (error) {
      throw new Error(`TEST_SEED=${seed}: ${(error as Error).message}`, { cause: error });
    }
  }
  console.log(`${states.looked} states after a power loss, seeds from ${first}: 0 unreadable, 0 torn, 0 lost`);
});

Deno.test("a segment whose seal came too late goes only once the frame that was quicker is durable", async () => {
  const disk = new SimulatedDisk();
  const tuning = tunings[2]!;
  const before = openLog(disk.process(), tuning);
  await write(before, { a: "A0" });
  await before.close();

  // Its frame stands, and its sync never ends.
  let isWritten = () => {};
  const quick = openLog(
    disk.process(({ name, path }) => name === "sync" && path.includes("/seg/") ? (isWritten(), new Promise(() => {})) : undefined),
    tuning,
  );
  let created = "";
  let isLate = false;
  const looks: Promise<Record<string, string>>[] = [];
  const look = () => {
    for (let seed = 0; seed < 8; seed++) looks.push(contentOf(openLog(disk.crash(seeded(seed)).process(), tuning)));
  };
  const sealing = openLog(
    disk.process(async ({ name, path }) => {
      if (isLate) look();
      if (name === "open" && path.includes("/seg/")) created = path;
      if (isLate || name !== "write" || !path.includes("/seg/") || path === created) return;
      isLate = true;
      await new Promise<void>((resolve) => {
        isWritten = resolve;
        write(quick, { b: "B0" }).catch(() => {});
      });
    }),
    tuning,
  );
  await sealing.shrink();
  look();
  assert.ok(isLate);
  for (const content of await Promise.all(looks)) assert.deepEqual({ b: "B0", ...content }, { a: "A0", b: "B0" });
});

Deno.test("what is acknowledged on a first checkpoint that another process has made, and not yet made durable, is not lost", async () => {
  const disk = new SimulatedDisk();
  let isStopped = false;
  let stop = () => {};
  const stopped = new Promise<void>((resolve) => stop = resolve);
  const making = openLog(
    disk.process(({ name, path }) => {
      isStopped ||= name === "syncFolder" && path.endsWith("/ckpt");
      return isStopped ? (stop(), new Promise(() => {})) : undefined;
    }),
    tunings[2]!,
  );
  write(making, { a: "A0" }).catch(() => {});
  await stopped;
  await write(openLog(disk.process(), tunings[2]!), { b: "B0" });
  assert.deepEqual(await contentOf(openLog(disk.crash(nothing).process(), tunings[2]!)), { b: "B0" });
});

Deno.test("a segment stays whose seal was quick enough, and whose maker stood still until the segment before it was gone", async () => {
  const disk = new SimulatedDisk();
  const tuning = tunings[2]!;
  const before = openLog(disk.process(), tuning);
  await write(before, { a: "A0" });
  await before.close();

  let created = "";
  let isSealed = false;
  const sealing = openLog(
    disk.process(async ({ name, path }) => {
      if (isSealed && created !== "") {
        created = "";
        const other = openLog(disk.process(), tuning);
        for (let i = 0; i < 3; i++) {
          await write(other, { b: `B${i}` });
          await other.close();
        }
      }
      if (name === "open" && path.includes("/seg/") && !isSealed) created = path;
      if (name === "write" && path.includes("/seg/") && path !== created && created !== "") isSealed = true;
    }),
    tuning,
  );
  await sealing.shrink();
  assert.ok(isSealed);
  assert.deepEqual(await contentOf(sealing), { a: "A0", b: "B2" });
  assert.deepEqual(await contentOf(openLog(disk.process(), tuning)), { a: "A0", b: "B2" });
});
