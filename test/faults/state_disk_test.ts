/**
 * Every verb of a state in a folder, with a power loss before each call on the file system, and with each call failing in each
 * way: it happened whole, or not at all and says so.
 *
 * `TEST_RUNS_FACTOR` multiplies how many states are looked at.
 *
 * @module
 */
import assert from "node:assert/strict";
import { createDriver } from "../../adapters/fs/driver.ts";
import { isStateError, type StateManager, StateScope } from "../../mod.ts";
import type { Driver } from "../../src/store/driver.ts";
import { faultsFrom, faultsOf } from "./disk_faults.ts";
import { open, quickRandom, snapshot } from "./fixture.ts";
import { limitDriver } from "./limited_driver.ts";
import { type Call, type Choose, type Fault, type Gate, nothing, seeded, SimulatedDisk } from "./simulated_disk.ts";
import { type FaultVerb, faultVerbs, prepare } from "./verbs.ts";

const factor = Number(Deno.env.get("TEST_RUNS_FACTOR") ?? 1);

/** `stride`: every so many calls are cut off or failed; all of them by night. */
const kinds: readonly { readonly where: string; readonly limit: (driver: Driver) => Driver; readonly stride: number }[] = [
  { where: "in a folder", limit: (driver) => driver, stride: factor > 1 ? 1 : 2 },
  { where: "in a folder in small pieces", limit: limitDriver, stride: factor > 1 ? 1 : 11 },
];

const longFaulted = new Set(["save over an entry", "increment with an operation id", "transaction"]);

const total = { states: 0, faults: 0, refused: 0, uncertain: 0 };

for (const { where, limit, stride } of kinds) {
  const driverOn = (disk: SimulatedDisk, gate?: Gate) =>
    limit(createDriver({ given: "/d", absolute: "/d" }, disk.process(gate), () => true));

  /** What stands on a disk, as a process sees that opens it. */
  const look = async (disk: SimulatedDisk): Promise<string> => {
    total.states++;
    return await snapshot(driverOn(disk), { random: quickRandom(1) });
  };

  /** A copy of a disk that everything on is durable. */
  const copyOf = (disk: SimulatedDisk) => disk.crash(nothing);

  const prepared = async () => {
    const disk = new SimulatedDisk();
    const state = await open(driverOn(disk), { random: quickRandom(1) });
    await prepare(state);
    await state.close();
    return copyOf(disk);
  };

  for (const verb of faultVerbs) {
    // Calls at once may share a commit, or not.
    if (verb.isMany) continue;

    Deno.test(`${verb.name} ${where} is whole or not at all, whenever the power goes`, async () => {
      const base = await prepared();
      const before = await look(copyOf(base));
      const whole = copyOf(base);
      const answer = await run(verb, driverOn(whole));
      const after = await look(whole);
      const disk = copyOf(base);
      let isDone = false;
      let calls = 0;
      const failures: unknown[] = [];
      const gate = async () => {
        const call = calls++;
        if (failures.length > 0 || (call + seedOf(verb)) % stride > 0) return;
        const wasDone = isDone;
        const all: Choose[] = Array.from({ length: factor }, (_, i) => seeded(call * 7 + i));
        const left = [...call % 3 === 0 ? [nothing] : [], ...all].map((choose) => disk.crash(choose));
        try {
          for (const disk of left) {
            const found = await look(disk);
            assert.ok(found === after || found === before && !wasDone, `at call ${call}${wasDone ? ", done" : ""}:\n${found}`);
          }
        } catch (error) {
          failures.push(error);
        }
      };
      assert.deepEqual(await run(verb, driverOn(disk, gate), () => isDone = true), answer);
      if (failures.length > 0) throw failures[0];
    });

    if (longFaulted.has(verb.name) && where === "in a folder") {
      Deno.test(`${verb.name} ${where} happens, or does not happen, or is STATE_UNCERTAIN, where calls go on failing`, async () => {
        const base = await prepared();
        const before = await look(copyOf(base));
        const whole = copyOf(base);
        let most = 0;
        const answer = await run(verb, driverOn(whole, () => void most++));
        const story = { verb, before, after: await look(whole), answer };
        for (const name of ["write", "sync", "read", "stat", "open"] as const) {
          for (let first = 0; first < most; first += 2) {
            const disk = copyOf(base);
            const fault = faultsFrom(first, name, 100);
            const outcome = await outcomeOf(() => run(verb, driverOn(disk, fault)));
            // A power loss may take what an unfinished sync was about, and nobody is told of it: what is there now counts.
            for (const left of [...disk.isBetrayed ? [] : [disk.crash(nothing)], disk]) judge(outcome, await look(left), story);
          }
        }
      });
    }

    Deno.test(`${verb.name} ${where} happens, or does not happen and says so, whichever call on the file system fails`, async () => {
      const base = await prepared();
      const before = await look(copyOf(base));
      const whole = copyOf(base);
      const answer = await run(verb, driverOn(whole));
      const story = { verb, before, after: await look(whole), answer };
      for (let at = seedOf(verb) % stride, isOver = false; !isOver; at += stride) {
        const disk = copyOf(base);
        let calls = 0;
        let fault: Fault | undefined;
        const gate = ({ name }: Call) => {
          if (calls++ !== at) return undefined;
          const all = faultsOf(name);
          return fault = all[(at + seedOf(verb)) % all.length];
        };
        const outcome = await outcomeOf(() => run(verb, driverOn(disk, gate)));
        isOver = calls <= at;
        total.faults++;
        try {
          for (const left of [disk.crash(nothing), disk.crash(seeded(at)), disk]) judge(outcome, await look(left), story);
          // Whoever comes next can go on.
          const state = await open(driverOn(disk));
          await state.increment(StateScope.global, "probe");
          await state.close();
        } catch (error) {
          throw new Error(`${JSON.stringify(fault)} at call ${at}: ${(error as Error).message}`, { cause: error });
        }
      }
    });
  }
}

Deno.test("the verbs on a simulated file system were looked at often enough", () => {
  console.log(JSON.stringify(total));
  assert.ok(total.states >= 6_000, `only ${total.states} states`);
  assert.ok(total.uncertain > 0, "what cannot be known never was");
});

type Outcome = { readonly answer: unknown } | { readonly error: unknown };

/** What a verb does where nothing fails. */
interface Story {
  readonly verb: FaultVerb;
  readonly before: string;
  readonly after: string;
  readonly answer: unknown;
}

/** Opens a state, runs the verb, closes the state: that may fail, and takes nothing back. */
async function run(verb: FaultVerb, driver: Driver, done: () => void = () => {}): Promise<unknown> {
  const state: StateManager = await open(driver, { random: quickRandom(1) });
  try {
    const answer = await verb.run(state);
    done();
    return answer;
  } finally {
    await state.close().catch((error) => assert.ok(isStateError(error, "STATE_DRIVER"), String(error)));
  }
}

/** Compares what stands with what the caller was told. */
function judge(outcome: Outcome, found: string, { verb, before, after, answer }: Story): void {
  if ("answer" in outcome) {
    assert.equal(found, after, "it was acknowledged");
    assert.deepEqual(outcome.answer, answer);
  } else if (isStateError(outcome.error, "STATE_UNCERTAIN")) {
    total.uncertain++;
    assert.equal(outcome.error.retryable, verb.name.includes("operation id"));
    assert.ok(found === before || found === after, found);
  } else {
    total.refused++;
    assert.ok(isStateError(outcome.error, "STATE_DRIVER"), String(outcome.error));
    // What was written behind is kept, and goes with what came after it.
    assert.ok(found === before || verb.isBehind && found === after, `it says that nothing was written:\n${found}`);
  }
}

const seedOf = ({ name }: FaultVerb) => name.length;

async function outcomeOf(call: () => Promise<unknown>): Promise<Outcome> {
  try {
    return { answer: await call() };
  } catch (error) {
    return { error };
  }
}
