/**
 * Several processes on one simulated store that creates exclusively, over a network that loses, delays and repeats, with long
 * pauses and deaths: each acknowledged commit counts once, in one order that all agree on.
 *
 * `TEST_RUNS_FACTOR` multiplies how many runs there are.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { LogTuning } from "../../src/store/log/log.ts";
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
  now: () => number;
  /** What was left, and what was acknowledged, at some moments. */
  readonly moments: { readonly store: SimulatedStore; readonly acknowledged: Map<number, string> }[];
}

/** Remembers now and then what there is: the power may go at any moment. */
function watched(gate: StoreGate, { store, choose, ledger, moments }: World): StoreGate {
  return async (call) => {
    const fate = await gate(call);
    if (choose(6) === 0) moments.push({ store: store.crash(nothing), acknowledged: new Map(ledger.acknowledged) });
    return fate;
  };
}

/** Up to three processes take numbers; some die. */
async function live(world: World, life: number): Promise<void> {
  const { store, choose, tuning, ledger, weather } = world;
  const turns = new Turns(choose, { deaths: choose(2) * 80, turnMs: 10, now: world.now() });
  world.now = () => turns.now;
  const processes = Array.from({ length: 1 + choose(3) }, async (_, process) => {
    const port = openLogOn(store.records(watched(networkOf(turns, process, choose, weather), world)), tuning, {
      random: randomOf(choose(1e9)),
      now: () => turns.now,
      sleep: (ms) => turns.sleep(process, ms),
    });
    try {
      await takeNumbers(port, `${life}.${process}`, 1 + choose(6), ledger);
    } catch (error) {
      if (!isCrash(error)) throw error;
    } finally {
      await port.close().catch((error) => {
        if (!isCrash(error)) throw error;
      });
    }
  });
  const outcomes = Promise.allSettled(processes);
  await turns.run(processes, 20_000);
  for (const outcome of await outcomes) if (outcome.status === "rejected") throw outcome.reason;
  assert.ok(turns.made < 20_000, "it never ends");
}

const kinds: readonly { readonly name: string; readonly isLagging: boolean; readonly faults: number }[] = [
  { name: "in fine weather", isLagging: false, faults: 0 },
  { name: "over a bad network", isLagging: false, faults: 12 },
  { name: "with lists that lag", isLagging: true, faults: 0 },
  { name: "over a bad network with lists that lag", isLagging: true, faults: 12 },
];

for (const { name, isLagging, faults } of kinds) {
  Deno.test(`up to three processes on exclusive objects ${name} never lose or double what was acknowledged`, async () => {
    const first = Number(Deno.env.get("TEST_SEED") ?? Math.floor(Math.random() * 1e9));
    const runs = Math.ceil(Number(Deno.env.get("TEST_RUNS") ?? 200 * factor));
    const sum = { states: 0, numbers: 0, calls: 0, landed: 0, doubtful: 0 };
    for (let i = 0; i < runs; i++) {
      const seed = first + i;
      const choose = seeded(seed);
      const lagMs = isLagging ? 100 + choose(3000) : 0;
      const store: SimulatedStore = new SimulatedStore(choose, { lag: lagMs / 2, now: () => world.now() });
      // Reading many frames in a row needs a network that answers.
      const weather = { faults: faults && faults + choose(30), within: 20 + choose(300) };
      const tuning = { ...tunings[choose(tunings.length)]!, lagMs };
      const world: World = { store, choose, tuning, weather, ledger: createLedger(choose(4) === 0), now: () => 0, moments: [] };
      try {
        for (let life = 0; life < 4; life++) await live(world, life);
        await verifyWorld(world);
      } catch (error) {
        throw new Error(`TEST_SEED=${seed}: ${(error as Error).stack}`, { cause: error });
      }
      sum.states += world.moments.length + 2;
      sum.numbers += world.ledger.acknowledged.size;
      sum.calls += store.calls;
      sum.landed += store.landed;
      sum.doubtful += world.ledger.doubtful;
    }
    console.log(`${runs} runs, seeds from ${first}: ${JSON.stringify(sum)}; 0 lost, 0 doubled, 0 stale`);
  });
}

/** Opens what there was at each moment, what there is, and what there is once all has landed. */
async function verifyWorld({ store, tuning, ledger, moments }: World): Promise<void> {
  const look = async (store: SimulatedStore, acknowledged: Map<number, string>) =>
    await verifyNumbers(openLogOn(store.records(), tuning, {}), { ...ledger, acknowledged });
  for (const { store, acknowledged } of moments) await look(store, acknowledged);
  await look(store, ledger.acknowledged);
  store.land();
  await look(store, ledger.acknowledged);
}
