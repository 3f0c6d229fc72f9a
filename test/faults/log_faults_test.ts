/**
 * One process on a simulated disk whose calls fail: each one once, in each way; some again and again; a full disk. What was
 * acknowledged is there, what was refused is not, and only where that cannot be known the writer was told so; also after a
 * power loss, and for whoever comes after.
 *
 * `TEST_RUNS_FACTOR` multiplies how many states are looked at.
 *
 * @module
 */
import assert from "node:assert/strict";
import { isStateError } from "../../src/errors.ts";
import type { LogTuning } from "../../src/store/log/log.ts";
import type { LogPort } from "../../src/store/log/log_port.ts";
import { faultsAmong, faultsFrom, faultsOf } from "./disk_faults.ts";
import { contentOf, openLog, type Step, write } from "./log_fixture.ts";
import { type Content, empty, History, notAllowed, type Outcome } from "./log_history.ts";
import { type Call, type Choose, Crash, type Fault, nothing, seeded, SimulatedDisk } from "./simulated_disk.ts";

const factor = Number(Deno.env.get("TEST_RUNS_FACTOR") ?? 1);

const tunings: readonly Partial<LogTuning>[] = [
  { frames: 1, bytes: 1, segmentBytes: 1 },
  { frames: 3, bytes: 1e6, segmentBytes: 700 },
  { frames: 1e6, bytes: 1e9, segmentBytes: 1e9 },
];

const sum = { runs: 0, states: 0, acknowledged: 0, refused: 0, unknown: 0, betrayed: 0 };

function begin(): void {
  Object.assign(sum, { runs: 0, states: 0, acknowledged: 0, refused: 0, unknown: 0, betrayed: 0 });
}

/** Of all that was looked at, next to nothing may have been let off. */
function end(least: number): void {
  console.log(`${JSON.stringify(sum)}; 0 lost, 0 torn, none refused that stands`);
  assert.ok(sum.states >= least, `only ${sum.states} states were looked at`);
  assert.ok(sum.betrayed <= sum.states / 40, `${sum.betrayed} states were let off`);
}

/** What becomes of a step, as its writer is told. */
async function outcomeOf(port: LogPort, step: Step): Promise<Outcome> {
  try {
    await write(port, step);
    return "acknowledged";
  } catch (error) {
    if (error instanceof assert.AssertionError) throw error;
    if (!isStateError(error)) return "unknown";
    // Anything else would say that the store is damaged.
    assert.equal(error.code, "STATE_DRIVER", error.stack);
    return "refused";
  }
}

async function look(port: LogPort): Promise<Content | undefined> {
  try {
    return JSON.stringify(await contentOf(port));
  } catch (error) {
    if (!isStateError(error, "STATE_DRIVER")) throw error;
    return undefined;
  }
}

/** Opens what there is, where nothing fails. */
async function check(disk: SimulatedDisk, possible: ReadonlySet<Content>, tuning: Partial<LogTuning>): Promise<Content> {
  sum.states++;
  const content = JSON.stringify(await contentOf(openLog(disk.process(), tuning)));
  assert.ok(possible.has(content), notAllowed(content, possible));
  return content;
}

interface Life {
  readonly disk: SimulatedDisk;
  readonly steps: readonly Step[];
  readonly tuning: Partial<LogTuning>;
  readonly history: History;
  readonly fault: (call: Call) => Fault | undefined;
  /** Told after each call that went wrong, and now and then. */
  readonly cut: (history: History) => Promise<void>;
  readonly isCut: (call: number, wasFault: boolean) => boolean;
  /** What follows on a fault is read by its writer. */
  readonly looks: boolean;
}

/** A process that goes on whatever fails, and how many calls it made. */
async function live({ disk, steps, tuning, history, fault, cut, isCut, looks }: Life): Promise<number> {
  sum.runs++;
  const failures: unknown[] = [];
  let calls = 0;
  let wasFault = false;
  const port = openLog(
    disk.process(async (call) => {
      const number = calls++;
      try {
        if (failures.length === 0 && isCut(number, wasFault)) await cut(history);
      } catch (error) {
        failures.push(error);
      }
      const wrong = fault(call);
      wasFault ||= wrong !== undefined;
      return wrong;
    }),
    tuning,
  );
  for (const step of steps) {
    history.begin(step);
    const outcome = await outcomeOf(port, step);
    history.end(outcome);
    sum[outcome]++;
    if (!looks) continue;
    const content = await look(port);
    if (content !== undefined) history.see(content);
  }
  await port.close();
  await port.close();
  if (failures.length > 0) throw failures[0];
  return calls;
}

/** What a power loss leaves, unless somebody trusted what a failed sync had lost before. */
async function checkPower(disk: SimulatedDisk, possible: ReadonlySet<Content>, tuning: Partial<LogTuning>, choose: Choose): Promise<void> {
  if (disk.isBetrayed) sum.betrayed++;
  else for (const left of [disk.crash(nothing), disk.crash(choose)]) await check(left, possible, tuning);
}

/** What is there afterwards: for others while the power is on, for who comes after it went, and after that has gone on. */
async function checkAfter(disk: SimulatedDisk, history: History, tuning: Partial<LogTuning>, choose: Choose): Promise<void> {
  await checkPower(disk, history.possible, tuning, choose);
  const content = await check(disk, history.possible, tuning);
  const next = new History([content]);
  const steps: Step[] = [{ c: "C1", a: "after" }, { c: undefined, d: "D2" }];
  await live({ disk, steps, tuning, history: next, fault: () => undefined, cut: async () => {}, isCut: () => false, looks: false });
  assert.equal(next.acknowledged, 2);
  await check(disk, next.possible, tuning);
  if (!disk.isBetrayed) await check(disk.crash(choose), next.possible, tuning);
}

async function labelled(label: unknown, act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    throw new Error(`${JSON.stringify(label)}: ${(error as Error).stack}`, { cause: error });
  }
}

const steps: readonly Step[] = [{ a: "A0" }, { a: "A1", b: "B1" }, { a: undefined, b: "B2" }, { c: "C3" }];

Deno.test("a workload in which any call fails once, in any way, keeps what was acknowledged and nothing that was refused", async () => {
  begin();
  for (const tuning of tunings) {
    {
      let calls = Infinity;
      for (let at = 0; at < calls; at++) {
        let ways = 1;
        for (let way = 0; way < ways; way++) {
          // Half of them read what there is after each step.
          const looks = (at + way) % 2 === 0;
          await labelled({ tuning, at, way }, async () => {
            const disk = new SimulatedDisk();
            const history = new History();
            const choose = seeded(at * 7 + way);
            let made = 0;
            const fault = ({ name }: Call) => {
              if (made++ !== at) return undefined;
              ways = faultsOf(name).length;
              return faultsOf(name)[way];
            };
            const cut = async (history: History) => {
              for (let i = 0; i < factor; i++) await checkPower(disk, history.possible, tuning, choose);
            };
            calls = await live({
              disk,
              steps,
              tuning,
              history,
              fault,
              cut,
              isCut: (call, was) => was && (call - at < 3 || call % 6 === 0),
              looks,
            });
            await checkAfter(disk, history, tuning, choose);
          });
        }
      }
    }
  }
  end(24_000);
});

Deno.test("a workload in which all calls of a kind fail for a while keeps what was acknowledged and nothing that was refused", async () => {
  begin();
  const names = ["write", "sync", "syncFolder", "link", "unlink", "open", "read", "readdir", "stat", "mkdir"] as const;
  for (const tuning of tunings) {
    for (const name of names) {
      for (const times of [2, 4, 12]) {
        let calls = Infinity;
        for (let first = 0; first < calls; first += 17) {
          await labelled({ tuning, name, times, first }, async () => {
            const disk = new SimulatedDisk();
            const history = new History();
            const choose = seeded(first * 11 + times);
            const cut = ({ possible }: History) => checkPower(disk, possible, tuning, choose);
            const fault = faultsFrom(first, name, times);
            calls = await live({
              disk,
              steps,
              tuning,
              history,
              fault,
              cut,
              isCut: (call, was) => was && call % 5 === 0,
              looks: times !== 4,
            });
            await checkAfter(disk, history, tuning, choose);
          });
        }
      }
    }
  }
  end(15_000);
});

Deno.test("a disk that is full from any byte on, and has room again later, keeps what was acknowledged and nothing that was refused", async () => {
  begin();
  for (const tuning of tunings) {
    const whole = new SimulatedDisk();
    const life = { tuning, fault: () => undefined, cut: async () => {}, isCut: () => false };
    await live({ ...life, disk: whole, steps, history: new History(), looks: false });
    for (let capacity = 0; capacity < whole.size * 1.5; capacity += 29) {
      await labelled({ tuning, capacity }, async () => {
        const disk = new SimulatedDisk();
        const history = new History();
        const choose = seeded(capacity);
        disk.capacity = capacity;
        const cut = ({ possible }: History) => checkPower(disk, possible, tuning, choose);
        const fault = () => {
          // Somebody else frees some, late.
          if (choose(100) === 0) disk.capacity += 400;
          return undefined;
        };
        await live({ ...life, disk, steps, history, fault, cut, isCut: (call) => call % 9 === 0, looks: capacity % 2 === 0 });
        disk.capacity = Infinity;
        await checkAfter(disk, history, tuning, choose);
      });
    }
  }
  end(8_000);
});

Deno.test("long lives with failures, kills and power losses from a seed keep what was acknowledged and nothing that was refused", async () => {
  begin();
  const seeds = Number(Deno.env.get("TEST_SEED") ?? Math.floor(Math.random() * 1e9));
  for (let i = 0; i < 300 * factor; i++) {
    const seed = seeds + i;
    await labelled(`TEST_SEED=${seed}`, async () => {
      const choose = seeded(seed);
      const tuning = tunings[choose(tunings.length)]!;
      const rate = [8, 30, 100][choose(3)]!;
      let disk = new SimulatedDisk();
      let content: Content = empty;
      for (let life = 0; life < 5; life++) {
        const history = new History([content]);
        const steps = Array.from({ length: 1 + choose(8) }, (_, k): Step => {
          const value = choose(4) === 0 ? undefined : `V${life}.${k}${"x".repeat(choose(3) * 40)}`;
          return { [`k${choose(6)}`]: value, ...choose(3) === 0 ? { [`k${choose(6)}`]: `W${life}.${k}` } : {} };
        });
        let last = choose(3) === 0 ? Infinity : choose(250);
        const among = faultsAmong(choose, rate);
        const fault = (call: Call) => {
          if (last-- <= 0) throw new Crash("the process was killed");
          return among(call);
        };
        const cut = ({ possible }: History) => checkPower(disk, possible, tuning, choose);
        await live({ disk, steps, tuning, history, fault, cut, isCut: () => choose(25) === 0, looks: choose(2) === 0 });
        // The power goes, or the next process finds everything as it was left.
        if (choose(2) === 0) {
          if (disk.isBetrayed) return;
          disk = disk.crash(choose);
        }
        content = await check(disk, history.possible, tuning);
      }
    });
  }
  end(3_000);
});
