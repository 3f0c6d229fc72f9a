/**
 * One process on a simulated disk, and a power loss before each of its calls, and before each call of whoever comes after it:
 * what was acknowledged is there, what is there is whole, and the log goes on.
 *
 * `TEST_RUNS_FACTOR` multiplies how many states are looked at.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { LogTuning } from "../../src/store/log/log.ts";
import { contentOf, openLog, type Step, workloads, write } from "./log_fixture.ts";
import { type Content, History, notAllowed } from "./log_history.ts";
import { type Choose, exhaustively, type Gate, nothing, seeded, SimulatedDisk } from "./simulated_disk.ts";

const factor = Number(Deno.env.get("TEST_RUNS_FACTOR") ?? 1);

/** How often a log is shortened: at each frame, at each third one, never. */
const tunings: readonly Partial<LogTuning>[] = [
  { frames: 1, bytes: 1, segmentBytes: 1 },
  { frames: 3, bytes: 1e6, segmentBytes: 700 },
  { frames: 1e6, bytes: 1e9, segmentBytes: 1e9 },
];

/** What whoever comes after a power loss writes. */
const more: readonly Step[] = [{ c: "C1", a: "after" }, { c: undefined, d: "D2" }];

/** Is told of each call that is about to be made, by its number. */
type Watch = (call: number, history: History) => void | Promise<void>;

/** The life of one process: all steps, then a clean close. */
async function live(
  disk: SimulatedDisk,
  steps: readonly Step[],
  tuning: Partial<LogTuning>,
  history: History,
  watch: Watch = () => {},
): Promise<number> {
  let calls = 0;
  const failures: unknown[] = [];
  let watching: Promise<void> = Promise.resolve();
  // What fails while watching is no failure of the call; and nothing else happens meanwhile.
  const gate: Gate = () =>
    watching = watching.then(async () => {
      try {
        if (failures.length === 0) await watch(calls++, history);
      } catch (error) {
        failures.push(error);
      }
    });
  const port = openLog(disk.process(gate), tuning);
  for (const step of steps) {
    history.begin(step);
    await write(port, step);
    history.end("acknowledged");
  }
  await port.close();
  // What is at work beside it comes to its end, too.
  await port.close();
  if (failures.length > 0) throw failures[0];
  return calls;
}

let looked = 0;

/** Opens what a power loss left. */
async function check(disk: SimulatedDisk, possible: ReadonlySet<Content>, tuning: Partial<LogTuning>): Promise<Content> {
  looked++;
  const content = JSON.stringify(await contentOf(openLog(disk.process(), tuning)));
  assert.ok(possible.has(content), notAllowed(content, possible));
  return content;
}

/** Goes on in what a power loss left, and cuts the power again before each call that this makes, or before some of them. */
async function goOn(disk: SimulatedDisk, content: Content, tuning: Partial<LogTuning>, choose: Choose, isCut: (call: number) => boolean) {
  const history = new History([content]);
  await live(disk, more, tuning, history, async (call, { possible }) => {
    if (isCut(call)) await check(disk.crash(choose), possible, tuning);
  });
  await check(disk.crash(choose), history.possible, tuning);
}

async function labelled(label: unknown, act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    throw new Error(`${JSON.stringify(label)}: ${(error as Error).stack}`, { cause: error });
  }
}

Deno.test("every workload of up to three transactions, cut off before every call, loses nothing that was acknowledged", async () => {
  looked = 0;
  let cuts = 0;
  for (const tuning of tunings) {
    for (const steps of workloads(3)) {
      const disk = new SimulatedDisk();
      await live(disk, steps, tuning, new History(), async (call, { possible }) => {
        const seeds = Array.from({ length: factor }, () => cuts++);
        const left = seeds.map((seed) => disk.crash(seeded(seed)));
        const least = steps.length < 3 || seeds[0]! % 2 === 0 ? disk.crash(nothing) : undefined;
        if (least !== undefined) await labelled({ tuning, steps, call }, async () => void await check(least, possible, tuning));
        for (const [i, seed] of seeds.entries()) {
          await labelled({ tuning, steps, call, seed }, async () => {
            const content = await check(left[i]!, possible, tuning);
            // In some of them it goes on, and is cut off again.
            if (seed % 40 === 0) await goOn(left[i]!, content, tuning, seeded(seed + 1), (call) => (call + seed) % 5 === 0);
          });
        }
      });
    }
  }
  console.log(`${looked} states after a power loss: 0 unreadable, 0 torn, 0 lost`);
  assert.ok(looked >= 100_000, `only ${looked} states were looked at`);
});

Deno.test("every workload of one transaction, cut off before every call, and cut off again before every call of going on, loses nothing", async () => {
  looked = 0;
  let cuts = 0;
  for (const tuning of tunings) {
    for (const steps of workloads(1)) {
      const disk = new SimulatedDisk();
      await live(disk, steps, tuning, new History(), async (call, { possible }) => {
        const seed = cuts++;
        const left = Array.from({ length: factor }, (_, i) => disk.crash((seed + i) % 2 === 0 ? nothing : seeded(seed + i * 1e6)));
        await labelled({ tuning, steps, call, seed }, async () => {
          for (const disk of left) await goOn(disk, await check(disk, possible, tuning), tuning, seeded(seed + 1), () => true);
        });
      });
    }
  }
  console.log(`${looked} states after a power loss: 0 unreadable, 0 torn, 0 lost`);
  assert.ok(looked >= 100_000, `only ${looked} states were looked at`);
});

Deno.test("some workloads, cut off before every call, in every state that a power loss may leave, loses nothing that was acknowledged", async () => {
  looked = 0;
  let [cuts, whole] = [0, 0];
  for (const tuning of tunings) {
    for (const steps of [{ a: "A0" }, { a: "A0", b: "B0" }, { a: undefined }].map((first) => [first, { a: undefined, b: "B1" }])) {
      const disk = new SimulatedDisk();
      await live(disk, steps, tuning, new History(), async (_, { possible }) => {
        cuts++;
        if (await exhaustively(200 * factor, async (choose) => void await check(disk.crash(choose), possible, tuning))) whole++;
      });
    }
  }
  console.log(`${looked} states, which are all there are after ${whole} of ${cuts} cuts`);
  assert.ok(looked >= 20_000, `only ${looked} states were looked at`);
});

Deno.test("long workloads from a seed, cut off anywhere, again and again, lose nothing that was acknowledged", async () => {
  looked = 0;
  const first = Number(Deno.env.get("TEST_SEED") ?? Math.floor(Math.random() * 1e9));
  for (let i = 0; i < 100 * factor; i++) {
    const seed = first + i;
    const choose = seeded(seed);
    const tuning = tunings[choose(tunings.length)]!;
    await labelled(`TEST_SEED=${seed}`, async () => {
      let disk = new SimulatedDisk();
      let history = new History();
      for (let life = 0; life < 6; life++) {
        const steps = Array.from({ length: 1 + choose(8) }, (_, k): Step => {
          const key = `k${choose(6)}`;
          const value = choose(4) === 0 ? undefined : `V${life}.${k}${"x".repeat(choose(3) * 40)}`;
          return choose(3) === 0 ? { [key]: value, [`k${choose(6)}`]: `W${life}.${k}` } : { [key]: value };
        });
        // Anywhere, or after the end.
        let next: { readonly disk: SimulatedDisk; readonly content: Content } | undefined;
        const last = choose(5) === 0 ? Infinity : choose(200);
        const cut = async (history: History) => {
          const left = disk.crash(choose);
          return { disk: left, content: await check(left, history.possible, tuning) };
        };
        await live(disk, steps, tuning, history, async (call, history) => {
          if (call === last) next = await cut(history);
          else if (choose(20) === 0) await cut(history);
        });
        ({ disk, content: history } = await (async () => {
          const { disk: left, content } = next ?? await cut(history);
          return { disk: left, content: new History([content]) };
        })());
      }
    });
  }
  console.log(`${looked} states after a power loss, seeds from ${first}: 0 unreadable, 0 torn, 0 lost`);
  assert.ok(looked >= 2_000, `only ${looked} states were looked at`);
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
