/**
 * Several processes on one simulated disk, in any order of their calls, with long pauses, and a power loss anywhere: each
 * acknowledged commit counts once, in one order that all agree on.
 *
 * @module
 */
import type { LogTuning } from "../../src/store/log/log.ts";
import { openLog, randomOf } from "./log_fixture.ts";
import { createLedger, type Ledger, takeNumbers, verifyNumbers } from "./numbers.ts";
import { type Choose, seeded, SimulatedDisk } from "./simulated_disk.ts";
import { Turns } from "./simulated_turns.ts";

const factor = Number(Deno.env.get("TEST_RUNS_FACTOR") ?? 1);

const tunings: readonly Partial<LogTuning>[] = [
  { frames: 1, bytes: 1, segmentBytes: 1 },
  { frames: 3, bytes: 1e6, segmentBytes: 700 },
  { frames: 6, bytes: 1e6, segmentBytes: 1500 },
  { frames: 1e6, bytes: 1e9, segmentBytes: 1e9 },
];

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
    const port = openLog(disk.process(turns.gate(process)), tuning, { random: randomOf(choose(1e9)) });
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
