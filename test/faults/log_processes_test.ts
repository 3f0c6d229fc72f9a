/**
 * Several processes on one simulated disk, in any order of their calls, with long pauses, and a power loss anywhere: each
 * acknowledged commit counts once, in one order that all agree on.
 *
 * @module
 */
import type { LogTuning } from "../../src/store/log/log.ts";
import assert from "node:assert/strict";
import { contentOf, openLog, randomOf, type Step, workloads, write } from "./log_fixture.ts";
import { type Content, type Interval, notAllowed, possibleAfter } from "./log_history.ts";
import { createLedger, type Ledger, takeNumbers, verifyNumbers } from "./numbers.ts";
import { type Choose, type Gate, seeded, SimulatedDisk } from "./simulated_disk.ts";
import { Turns } from "./simulated_turns.ts";

const factor = Number(Deno.env.get("TEST_RUNS_FACTOR") ?? 1);

const tunings: readonly Partial<LogTuning>[] = [
  { frames: 1, bytes: 1, segmentBytes: 1 },
  { frames: 3, bytes: 1e6, segmentBytes: 700 },
  { frames: 6, bytes: 1e6, segmentBytes: 1500 },
  { frames: 1e6, bytes: 1e9, segmentBytes: 1e9 },
];

/** Waits for its turn; of some writes others see the beginning first. */
function gateOf(turns: Turns, process: number, choose: Choose): Gate {
  const turn = turns.gate(process);
  return async ({ name }) => {
    await turn();
    return name === "write" && choose(4) === 0 ? { seen: choose(300) } : undefined;
  };
}

async function live(
  disk: SimulatedDisk,
  choose: Choose,
  tuning: Partial<LogTuning>,
  ledger: Ledger,
  life: number,
): Promise<void> {
  const turns = new Turns(choose);
  const count = 1 + choose(3);
  const processes = Array.from({ length: count }, async (_, process) => {
    const port = openLog(disk.process(gateOf(turns, process, choose)), tuning, { random: randomOf(choose(1e9)) });
    try {
      await takeNumbers(port, `${life}.${process}`, 1 + choose(6), ledger);
      await port.close();
    } finally {
      await port.close().catch(() => {});
    }
  });
  const outcomes = Promise.allSettled(processes);
  await turns.run(processes, choose(3) === 0 ? Infinity : choose(150 * count));
  for (const outcome of await outcomes) {
    if (outcome.status === "rejected" && !/power is gone/.test(String(outcome.reason))) throw outcome.reason;
  }
}

Deno.test("up to three processes, in any order of their calls and cut off anywhere, never lose or double what was acknowledged", async () => {
  const first = Number(Deno.env.get("TEST_SEED") ?? Math.floor(Math.random() * 1e9));
  let states = 0;
  for (let i = 0; i < 700 * factor; i++) {
    const seed = first + i;
    const choose = seeded(seed);
    const tuning = tunings[choose(tunings.length)]!;
    try {
      let disk = new SimulatedDisk();
      const ledger = createLedger(choose(6) === 0);
      for (let life = 0; life < 4; life++) {
        await live(disk, choose, tuning, ledger, life);
        // Some of what the power loss may leave is looked at; one of it is gone on with.
        for (let k = 0; k < 4; k++) {
          const left = disk.crash(choose);
          await verifyNumbers(openLog(left.process(), tuning), ledger);
          states++;
          if (k === 3) disk = left;
        }
      }
    } catch (error) {
      throw new Error(`TEST_SEED=${seed}: ${(error as Error).stack}`, { cause: error });
    }
  }
  console.log(`${states} states after ${700 * factor} runs of up to three processes, seeds from ${first}: 0 lost, 0 doubled, 0 torn`);
});

/** Is told of each call that is about to be made, and of what may stand then. */
type Watch = (possible: () => ReadonlySet<Content>) => Promise<void>;

/** A workload's steps, each by one of some processes. */
async function play(
  disk: SimulatedDisk,
  choose: Choose,
  steps: readonly Step[],
  count: number,
  tuning: Partial<LogTuning>,
  watch: Watch,
): Promise<void> {
  const turns = new Turns(choose);
  const intervals: Interval[] = [];
  let clock = 0;
  const failures: unknown[] = [];
  const possible = () => possibleAfter(intervals);
  await turns.run(Array.from({ length: count }, async (_, process) => {
    const gate = gateOf(turns, process, choose);
    const port = openLog(
      disk.process(async (call) => {
        const fault = await gate(call);
        try {
          if (failures.length === 0) await watch(possible);
        } catch (error) {
          failures.push(error);
        }
        return fault;
      }),
      tuning,
    );
    for (const [i, step] of steps.entries()) {
      if (i % count !== process) continue;
      const interval: Interval = { step, begun: clock++ };
      intervals.push(interval);
      await write(port, step);
      Object.assign(interval, { ended: clock++, outcome: "acknowledged" });
    }
    await port.close();
  }));
  if (failures.length > 0) throw failures[0];
  await watch(possible);
}

Deno.test("every workload of up to three transactions by one, two or three processes, cut off anywhere, loses nothing that was acknowledged", async () => {
  let [states, runs] = [0, 0];
  for (let round = 0; round < factor; round++) {
    for (const tuning of tunings) {
      for (const steps of workloads(3)) {
        for (let count = 1; count <= steps.length; count++) {
          const seed = round * 1e6 + runs++;
          const choose = seeded(seed);
          const disk = new SimulatedDisk();
          const look = async (possible: () => ReadonlySet<Content>) => {
            if (choose(8) !== 0) return;
            const allowed = possible();
            const content = JSON.stringify(await contentOf(openLog(disk.crash(choose).process(), tuning)));
            states++;
            assert.ok(allowed.has(content), `${JSON.stringify({ tuning, steps, count, seed })}: ${notAllowed(content, allowed)}`);
          };
          await play(disk, choose, steps, count, tuning, look);
        }
      }
    }
  }
  console.log(`${states} states of ${runs} runs: 0 unreadable, 0 torn, 0 lost`);
  assert.ok(states >= 35_000, `only ${states} states were looked at`);
});
