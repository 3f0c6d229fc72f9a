/**
 * What processes leave behind that are killed while they make a checkpoint, merge runs, or begin a segment: somebody removes it
 * after a safe time, and nothing that counts.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { LogTuning } from "../../src/store/log/log.ts";
import { contentOf, openLog, type Step, write } from "./log_fixture.ts";
import { type Content, History, notAllowed } from "./log_history.ts";
import { Crash, seeded, SimulatedDisk } from "./simulated_disk.ts";

const factor = Number(Deno.env.get("TEST_RUNS_FACTOR") ?? 1);
const HOUR_MS = 60 * 60 * 1000;

const tunings: readonly Partial<LogTuning>[] = [
  { frames: 1, bytes: 1, segmentBytes: 1 },
  { frames: 3, bytes: 1e6, segmentBytes: 700 },
];

const steps: readonly Step[] = Array.from({ length: 9 }, (_, i): Step => ({ [`k${i % 4}`]: i % 5 === 4 ? undefined : `V${i}` }));

/** A process that is killed before one of its calls; how many calls it made. */
async function live(
  disk: SimulatedDisk,
  steps: readonly Step[],
  tuning: Partial<LogTuning>,
  history: History,
  last = Infinity,
): Promise<number> {
  let calls = 0;
  const port = openLog(
    disk.process(() => {
      if (calls++ >= last) throw new Crash("the process was killed");
    }),
    tuning,
    { now: () => disk.now },
  );
  try {
    for (const step of steps) {
      history.begin(step);
      await write(port, step);
      history.end("acknowledged");
    }
  } catch (error) {
    if (last === Infinity) throw error;
    history.end("unknown");
  }
  await port.close();
  await port.close();
  return calls;
}

/** The files that the checkpoints on a disk need, and those themselves. */
function neededOf(disk: SimulatedDisk): Set<string> {
  const needed = new Set<string>();
  const pathOf = (name: string) => `/d/${name.replaceAll("!", "/")}`;
  const checkpoints = [...disk.files].filter(([path]) => path.includes("/ckpt/")).sort(([a], [b]) => a < b ? -1 : 1);
  for (const [path, bytes] of checkpoints.slice(-2)) {
    const isNewest = path === checkpoints.at(-1)![0];
    const { runs, segment, sealed, dropped } = JSON.parse(new TextDecoder().decode(bytes).split("\n")[2]!) as {
      readonly runs: readonly { readonly name: string; readonly depth: number }[];
      readonly segment: { readonly name: string };
      readonly sealed: readonly (readonly [name: string, last: number])[];
      readonly dropped: readonly string[];
    };
    assert.ok(runs.every(({ depth }) => depth === 0));
    needed.add(path);
    // What the older one dropped only those before it needed.
    for (const name of [segment.name, ...runs.map(({ name }) => name), ...sealed.map(([name]) => name), ...isNewest ? dropped : []]) {
      needed.add(pathOf(name));
    }
  }
  return needed;
}

async function check(disk: SimulatedDisk, possible: ReadonlySet<Content>): Promise<Content> {
  const content = JSON.stringify(await contentOf(openLog(disk.process(), {}, { now: () => disk.now })));
  assert.ok(possible.has(content), notAllowed(content, possible));
  return content;
}

Deno.test("what a process leaves that is killed before any of its calls goes an hour later, and nothing that counts goes with it", async () => {
  const sum = { kills: 0, left: 0 };
  for (const tuning of tunings) {
    for (const isPowerLost of [false, true]) {
      const calls = await live(new SimulatedDisk(), steps, tuning, new History());
      for (let last = 0; last < calls; last += isPowerLost ? 3 : 1) {
        for (let i = 0; i < (isPowerLost ? factor : 1); i++) {
          const history = new History();
          let disk = new SimulatedDisk();
          await live(disk, steps, tuning, history, last);
          if (isPowerLost) disk = disk.crash(seeded(last + i * 1000));
          const label = JSON.stringify({ tuning, isPowerLost, last });
          try {
            const content = await check(disk, history.possible);
            disk.now += HOUR_MS + 1;
            // Each makes a checkpoint; what is given up in one is removed with the next, or by the one after that.
            const next = new History([content]);
            const before = disk.files.size;
            for (let life = 0; life < 5; life++) {
              await live(disk, [{ n: `N${life}` }], tuning, next);
              disk.now += HOUR_MS + 1;
            }
            await check(disk, next.possible);
            const needed = neededOf(disk);
            const left = [...disk.files.keys()].filter((path) => !needed.has(path));
            assert.deepEqual(left, [], "it is left for ever");
            for (const path of needed) assert.ok(disk.files.has(path) || path.includes("/seg/"), `${path} is missing`);
            sum.kills++;
            sum.left += before;
          } catch (error) {
            throw new Error(`${label}: ${(error as Error).stack}`, { cause: error });
          }
        }
      }
    }
  }
  console.log(`${sum.kills} kills: nothing is left for ever`);
  assert.ok(sum.kills > 500, `only ${sum.kills}`);
});

Deno.test("a clock that jumps to and fro at every look at it takes away nothing that counts", async () => {
  for (let run = 0; run < 12 * factor; run++) {
    const choose = seeded(run);
    const disk = new SimulatedDisk();
    const now = () => choose(2) * 2 * HOUR_MS;
    const expected: Record<string, string> = {};
    await Promise.all([0, 1, 2].map(async (who) => {
      const port = openLog(disk.process(), { frames: 3, bytes: 1e6 }, { now });
      for (let i = 0; i < 40; i++) {
        const key = `${who}${choose(4)}`;
        expected[key] = `V${i}`;
        await write(port, { [key]: `V${i}` });
      }
      await port.close();
    }));
    assert.deepEqual(await contentOf(openLog(disk.process(), {}, { now })), expected, `run ${run}`);
  }
});
