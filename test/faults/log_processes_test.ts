/**
 * Several processes on one simulated disk, in any order of their calls, with long pauses, and a power loss anywhere: each
 * acknowledged commit counts once, in one order that all agree on.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { LogTuning } from "../../src/store/log/log.ts";
import type { LogPort } from "../../src/store/log/log_port.ts";
import { contentOf, openLog } from "./log_fixture.ts";
import { type Choose, seeded, SimulatedDisk } from "./simulated_disk.ts";
import { Turns } from "./simulated_turns.ts";

const factor = Number(Deno.env.get("TEST_RUNS_FACTOR") ?? 1);

const tunings: readonly Partial<LogTuning>[] = [
  { frames: 1, bytes: 1, segmentBytes: 1 },
  { frames: 3, bytes: 1e6, segmentBytes: 700 },
  { frames: 6, bytes: 1e6, segmentBytes: 1500 },
  { frames: 1e6, bytes: 1e9, segmentBytes: 1e9 },
];

/** Who got which number, as far as it was acknowledged. */
type Acknowledged = Map<number, string>;

/**
 * Takes numbers from a shared counter, one a commit: the batch checks the number before, and says who took it. What is read
 * must never be older than what was acknowledged to anybody before the read began.
 */
async function takeNumbers(port: LogPort, name: string, times: number, acknowledged: Acknowledged): Promise<void> {
  for (let i = 0; i < times;) {
    const before = Math.max(0, ...acknowledged.keys());
    const [last] = await port.getMany(["app!n"]);
    const number = Number(last ?? "0") + 1;
    assert.ok(number > before, `${name} read ${number - 1} after ${before} was acknowledged`);
    const done = await port.commit({
      checks: [{ key: "app!n", is: last as string | undefined }],
      set: [["app!n", String(number)], [`app!taken!${String(number).padStart(4, "0")}`, `${name}.${i}`]],
      remove: [`app!never!${number}`],
      durable: false,
    });
    if (!done) continue;
    assert.ok(!acknowledged.has(number), `${number} was acknowledged twice`);
    acknowledged.set(number, `${name}.${i}`);
    i++;
  }
}

/** What stands must be a row of numbers without a gap, each taken once, with all that were acknowledged. */
function verify(content: Record<string, string>, acknowledged: Acknowledged): void {
  const { n = "0", ...taken } = content;
  const keys = Object.keys(taken);
  assert.deepEqual(keys, Array.from({ length: Number(n) }, (_, i) => `taken!${String(i + 1).padStart(4, "0")}`), "numbers are missing");
  assert.equal(new Set(Object.values(taken)).size, keys.length, `one commit counts twice: ${JSON.stringify(taken)}`);
  for (const [number, who] of acknowledged) assert.equal(taken[`taken!${String(number).padStart(4, "0")}`], who, `${number} is lost`);
}

async function live(
  disk: SimulatedDisk,
  choose: Choose,
  tuning: Partial<LogTuning>,
  acknowledged: Acknowledged,
  life: number,
): Promise<void> {
  const turns = new Turns(choose);
  const count = 1 + choose(3);
  const processes = Array.from({ length: count }, async (_, process) => {
    const port = openLog(disk.process(turns.gate(process)), tuning);
    try {
      await takeNumbers(port, `${life}.${process}`, 1 + choose(6), acknowledged);
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
      const acknowledged: Acknowledged = new Map();
      for (let life = 0; life < 4; life++) {
        await live(disk, choose, tuning, acknowledged, life);
        // Some of what the power loss may leave is looked at; one of it is gone on with.
        for (let k = 0; k < 4; k++) {
          const left = disk.crash(choose);
          verify(await contentOf(openLog(left.process(), tuning)), acknowledged);
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
