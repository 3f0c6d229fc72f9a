/**
 * One writer at a time on a simulated plain store, over a network that loses, tears and repeats, with readers beside it, deaths
 * anywhere, and the next writer once the lease has run out: nothing acknowledged is lost, nothing refused stands, and nothing
 * torn is taken for a value.
 *
 * `TEST_RUNS_FACTOR` multiplies how many runs there are.
 *
 * @module
 */
import assert from "node:assert/strict";
import { isStateError } from "../../src/errors.ts";
import type { LogOptions, LogTuning } from "../../src/store/log/log.ts";
import type { LogPort } from "../../src/store/log/log_port.ts";
import { describePlain } from "../../src/store/plain.ts";
import { openLogOn, randomOf } from "./log_fixture.ts";
import { createLedger, isCrash, type Ledger, takeNumbers, verifyNumbers } from "./numbers.ts";
import { type Choose, nothing, seeded } from "./simulated_disk.ts";
import { networkOf, type Weather } from "./simulated_network.ts";
import { SimulatedStore, type StoreGate } from "./simulated_store.ts";
import { Turns } from "./simulated_turns.ts";

const factor = Number(Deno.env.get("TEST_RUNS_FACTOR") ?? 1);

const tunings: readonly Partial<LogTuning>[] = [
  { frames: 1, bytes: 1, makerMs: 50 },
  { frames: 2, bytes: 1e6 },
  { frames: 4, bytes: 1e6, makerMs: 400 },
  { frames: 1e6, bytes: 1e9 },
];

/** A world in which a log lives on. */
interface World {
  readonly store: SimulatedStore;
  readonly choose: Choose;
  readonly tuning: Partial<LogTuning>;
  readonly weather: Weather;
  readonly ledger: Ledger;
  now: number;
  locked: number;
  reads: number;
  /** What was left, and what was acknowledged, at some moments. */
  readonly moments: { readonly store: SimulatedStore; readonly acknowledged: Map<number, string> }[];
}

/** A log as one process of the world has it. */
function openIn(world: World, turns: Turns, process: number, options: Partial<LogOptions> = {}): LogPort {
  const { store, choose, tuning, ledger, weather, moments } = world;
  const network = networkOf(turns, process, choose, weather);
  const gate: StoreGate = async (call) => {
    const fate = await network(call);
    if (choose(6) === 0) moments.push({ store: store.crash(nothing), acknowledged: new Map(ledger.acknowledged) });
    return fate;
  };
  return openLogOn(describePlain(store.plain(gate)), tuning, {
    random: randomOf(choose(1e9)),
    now: () => turns.now,
    sleep: (ms) => turns.sleep(process, ms),
    every: (ms, act) => {
      let isOver = false;
      (async () => {
        for (;;) {
          await turns.sleep(process, ms);
          if (isOver) return;
          act();
        }
      })().catch(() => {});
      return () => isOver = true;
    },
    lock: { waitMs: 60_000 },
    ...options,
  });
}

/** Opens for writing: a network that fails is tried again. */
async function open(port: LogPort): Promise<void> {
  for (let attempt = 0;; attempt++) {
    try {
      return await port.open();
    } catch (error) {
      if (!isStateError(error, "STATE_DRIVER") || isCrash(error) || attempt === 50) throw error;
    }
  }
}

/** A writer takes numbers, and perhaps dies; another one that comes meanwhile is told who holds the lock. */
async function write(world: World, turns: Turns, process: number, name: string): Promise<void> {
  const port = openIn(world, turns, process);
  const intruder = openIn(world, turns, process, { lock: { waitMs: 0 } });
  await open(port);
  if (world.choose(4) === 0) {
    await assert.rejects(open(intruder), (error) => {
      if (isCrash(error)) return true;
      assert.ok(isStateError(error, "STATE_LOCKED"), String(error));
      world.locked++;
      return true;
    });
  }
  await takeNumbers(port, name, 1 + world.choose(8), world.ledger);
  await port.close();
}

/** Reads until told to stop: never backwards, never half a commit. */
async function read(world: World, turns: Turns, process: number, isOver: () => boolean): Promise<void> {
  const port = openIn(world, turns, process, { readOnly: true });
  for (let last = 0; !isOver(); world.reads++) {
    const number = await verifyNumbers(port, { ...world.ledger, acknowledged: new Map() });
    assert.ok(number >= last, `a reader saw ${number} after ${last}`);
    last = number;
    await turns.sleep(process, 50);
  }
}

async function live(world: World, life: number): Promise<void> {
  const { choose } = world;
  // A lock that was given back twice may go once more, while somebody else holds it: no driver tells one from the other. Who begins
  // again is slower than that.
  world.store.land();
  const turns = new Turns(choose, { deaths: choose(3) === 0 ? 0 : 60, turnMs: 5, now: world.now });
  let isOver = false;
  const ignoreCrash = (error: unknown) => {
    if (!isCrash(error)) throw error;
  };
  const processes = [
    write(world, turns, 0, `${life}.0`).catch(ignoreCrash).finally(() => isOver = true),
    ...choose(2) === 0 ? [read(world, turns, 1, () => isOver).catch(ignoreCrash)] : [],
  ];
  const outcomes = Promise.allSettled(processes);
  await turns.run(processes, 20_000);
  world.now = turns.now;
  for (const outcome of await outcomes) if (outcome.status === "rejected") throw outcome.reason;
  assert.ok(turns.made < 20_000, "it never ends");
}

const kinds: readonly { readonly name: string; readonly faults: number; readonly tears: boolean }[] = [
  { name: "in fine weather", faults: 0, tears: false },
  { name: "that tears, over a bad network", faults: 12, tears: true },
];

for (const { name, faults, tears } of kinds) {
  Deno.test(`one writer at a time on a plain store ${name} never loses or doubles what was acknowledged`, async () => {
    const first = Number(Deno.env.get("TEST_SEED") ?? Math.floor(Math.random() * 1e9));
    const runs = Math.ceil(Number(Deno.env.get("TEST_RUNS") ?? 200 * factor));
    const sum = { states: 0, numbers: 0, calls: 0, landed: 0, doubtful: 0, locked: 0, reads: 0 };
    for (let i = 0; i < runs; i++) {
      const seed = first + i;
      const choose = seeded(seed);
      const store = new SimulatedStore(choose);
      // What was given up is done long before a lease runs out.
      const weather: Weather = { faults: faults && faults + choose(30), within: 20, tears };
      const tuning = tunings[choose(tunings.length)]!;
      const ledger = createLedger(choose(4) === 0);
      const world: World = { store, choose, tuning, weather, ledger, now: 0, locked: 0, reads: 0, moments: [] };
      try {
        for (let life = 0; life < 4; life++) await live(world, life);
        await verifyWorld(world);
      } catch (error) {
        throw new Error(`TEST_SEED=${seed}: ${(error as Error).stack}`, { cause: error });
      }
      sum.states += world.moments.length + 2;
      sum.numbers += ledger.acknowledged.size;
      sum.calls += store.calls;
      sum.landed += store.landed;
      sum.doubtful += ledger.doubtful;
      sum.locked += world.locked;
      sum.reads += world.reads;
    }
    console.log(`${runs} runs, seeds from ${first}: ${JSON.stringify(sum)}; 0 lost, 0 doubled, 0 torn`);
  });
}

/** Opens what there was at each moment, what there is, and what there is once all has landed. */
async function verifyWorld({ store, tuning, ledger, moments }: World): Promise<void> {
  const look = async (store: SimulatedStore, acknowledged: Map<number, string>) =>
    await verifyNumbers(openLogOn(describePlain(store.plain()), tuning, { readOnly: true }), { ...ledger, acknowledged });
  for (const { store, acknowledged } of moments) await look(store, acknowledged);
  await look(store, ledger.acknowledged);
  store.land();
  await look(store, ledger.acknowledged);
}
