/**
 * Several processes on one simulated disk whose calls fail, in any order of their calls, with long pauses, deaths and power
 * losses: each acknowledged commit counts once, none that was refused does, in one order that all agree on.
 *
 * `TEST_RUNS_FACTOR` multiplies how many runs there are.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { LogTuning } from "../../src/store/log/log.ts";
import { faultsAmong } from "./disk_faults.ts";
import { openLog, randomOf } from "./log_fixture.ts";
import { createLedger, isCrash, type Ledger, takeNumbers, verifyNumbers } from "./numbers.ts";
import { type Call, type Choose, type Fault, type Gate, seeded, SimulatedDisk } from "./simulated_disk.ts";
import { Turns } from "./simulated_turns.ts";

const factor = Number(Deno.env.get("TEST_RUNS_FACTOR") ?? 1);

const tunings: readonly Partial<LogTuning>[] = [
  { frames: 1, bytes: 1, segmentBytes: 1 },
  { frames: 3, bytes: 1e6, segmentBytes: 700 },
  { frames: 6, bytes: 1e6, segmentBytes: 1500 },
  { frames: 1e6, bytes: 1e9, segmentBytes: 1e9 },
];

/** What goes wrong, and how often: one in so many calls. */
interface Weather {
  readonly name: string;
  readonly rates: readonly number[];
  readonly isHit: (call: Call) => boolean;
  readonly least: number;
}

const weathers: readonly Weather[] = [
  { name: "calls of all kinds", rates: [15, 60, 300], isHit: () => true, least: 2_000 },
  { name: "syncs", rates: [4, 15, 60], isHit: ({ name }) => name === "sync" || name === "syncFolder", least: 2_000 },
  { name: "writes", rates: [4, 15, 60], isHit: ({ name }) => name === "write" || name === "link", least: 2_000 },
];

const sum = { runs: 0, states: 0, acknowledged: 0, refused: 0, doubtful: 0, betrayed: 0 };

interface World {
  readonly choose: Choose;
  readonly tuning: Partial<LogTuning>;
  readonly ledger: Ledger;
  readonly fault: (call: Call) => Fault | undefined;
}

/** What others find, and what a power loss leaves, unless somebody trusted what a failed sync had lost before. */
async function look(disk: SimulatedDisk, { choose, tuning, ledger }: World): Promise<void> {
  if (disk.isBetrayed) sum.betrayed++;
  else await verifyNumbers(openLog(disk.crash(choose).process(), tuning), ledger);
  sum.states++;
}

async function live(disk: SimulatedDisk, world: World, life: number): Promise<void> {
  const { choose, tuning, ledger, fault } = world;
  const count = 1 + choose(3);
  const turns = new Turns(choose, { deaths: choose(2) * 150 });
  const failures: unknown[] = [];
  const gateOf = (process: number): Gate => {
    const turn = turns.gate(process);
    return async (call) => {
      await turn();
      try {
        if (failures.length === 0 && choose(60) === 0) await look(disk, world);
      } catch (error) {
        failures.push(error);
      }
      return fault(call) ?? (call.name === "write" && choose(8) === 0 ? { seen: choose(300) } : undefined);
    };
  };
  const processes = Array.from({ length: count }, async (_, process) => {
    const port = openLog(disk.process(gateOf(process)), tuning, { random: randomOf(choose(1e9)) });
    try {
      await takeNumbers(port, `${life}.${process}`, 1 + choose(6), ledger);
    } catch (error) {
      if (!isCrash(error)) throw error;
    } finally {
      await port.close();
    }
  });
  const outcomes = Promise.allSettled(processes);
  await turns.run(processes, choose(3) === 0 ? 50_000 : choose(200 * count));
  for (const outcome of await outcomes) if (outcome.status === "rejected") throw outcome.reason;
  if (failures.length > 0) throw failures[0];
  assert.ok(turns.made < 50_000, "it never ends");
}

for (const { name, rates, isHit, least } of weathers) {
  Deno.test(`up to three processes where ${name} fail, and processes die, never lose or double what was acknowledged`, async () => {
    Object.assign(sum, { runs: 0, states: 0, acknowledged: 0, refused: 0, doubtful: 0, betrayed: 0 });
    const first = Number(Deno.env.get("TEST_SEED") ?? Math.floor(Math.random() * 1e9));
    for (let i = 0; i < 150 * factor; i++) {
      const seed = first + i;
      const choose = seeded(seed);
      const among = faultsAmong(choose, rates[choose(rates.length)]!);
      const fault = (call: Call) => isHit(call) ? among(call) : undefined;
      const world = { choose, tuning: tunings[choose(tunings.length)]!, ledger: createLedger(), fault };
      try {
        let disk = new SimulatedDisk();
        for (let life = 0; life < 4; life++) {
          await live(disk, world, life);
          sum.runs++;
          if (disk.isBetrayed) sum.betrayed++;
          for (let k = 0; k < 3; k++) await look(disk, world);
          if (choose(2) === 0) {
            if (disk.isBetrayed) break;
            disk = disk.crash(choose);
          }
          // Whoever comes next, where nothing fails any more.
          await verifyNumbers(openLog(disk.process(), world.tuning), world.ledger);
          sum.states++;
        }
      } catch (error) {
        throw new Error(`TEST_SEED=${seed}: ${(error as Error).stack}`, { cause: error });
      }
      sum.acknowledged += world.ledger.acknowledged.size;
      sum.refused += world.ledger.refused.size;
      sum.doubtful += world.ledger.doubtful;
    }
    console.log(`seeds from ${first}: ${JSON.stringify(sum)}; 0 lost, 0 doubled, 0 torn`);
    assert.ok(sum.states >= least, `only ${sum.states} states were looked at`);
    assert.ok(sum.betrayed < sum.states / 4, `${sum.betrayed} states were let off`);
  });
}
