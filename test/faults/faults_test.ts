/**
 * Every verb, with a driver that goes wrong at its first call, its second, and so on until nothing goes wrong.
 *
 * @module
 */
import assert from "node:assert/strict";
import { isStateError, type StateManager, StateScope } from "../../mod.ts";
import type { Driver } from "../../src/store/driver.ts";
import { createFaults, type Fault } from "./faulty_driver.ts";
import { contents, copyDriver, durableMemory, open, snapshot } from "./fixture.ts";
import { createLogDriver } from "./log_driver.ts";
import { limitDriver } from "./limited_driver.ts";
import { type FaultVerb, faultVerbs, prepare } from "./verbs.ts";

/** A driver, and all that it holds. */
interface Place {
  readonly driver: Driver;
  /** Something can be half written. */
  readonly tears: boolean;
  copy(): Promise<Place>;
}

/** What a verb does when nothing goes wrong. */
interface Story {
  readonly verb: FaultVerb;
  readonly base: Place;
  readonly before: string;
  readonly after: string;
  readonly answer: unknown;
}

const faults: readonly Fault[] = ["reject", "refuse", "lose", "repeat", "delay"];
const tears: readonly Fault[] = [0, 1, 2, 3, 4, 5, 7, 9, 12, 16].map((tear) => ({ tear }));

function onMemory(driver: Driver): Place {
  return { driver, tears: true, copy: async () => onMemory(await copyDriver(driver)) };
}

/** What has a log, in segments or in objects. */
function onLog(
  isInSegments: boolean,
  items: Map<string, string | Uint8Array> = new Map(),
  files: Map<string, Uint8Array> = new Map(),
): Place {
  const { segments, ...objects } = createLogDriver(items, files);
  const supports = { ...objects.supports!, durability: "fsync" as const };
  return {
    driver: { ...objects, ...isInSegments && segments !== undefined ? { segments } : {}, supports },
    tears: isInSegments,
    copy: () => Promise.resolve(onLog(isInSegments, new Map(items), new Map(files))),
  };
}

async function tell(verb: FaultVerb, base: Place): Promise<Story> {
  const before = await snapshot((await base.copy()).driver);
  const { driver } = await base.copy();
  const state = await open(driver);
  const answer = await verb.run(state);
  await state.close();
  return { verb, base, before, after: await snapshot(driver), answer };
}

/** Runs a story with a fault at each of its calls in turn. `judge` gets what came of it. */
async function strike(
  story: Story,
  fault: Fault,
  isDead: boolean,
  judge: (outcome: Outcome, place: Place, state: StateManager) => Promise<void>,
): Promise<void> {
  for (let n = 1;; n++) {
    const place = await story.base.copy();
    const faults = createFaults(place.driver);
    const state = await open(faults.driver);
    faults.arm(n, fault, isDead);
    const outcome = await outcomeOf(() => story.verb.run(state));
    // What a verb leaves to be done is done by the next one: its calls may go wrong, too.
    const next = await outcomeOf(() => state.increment(StateScope.agent(FOLLOWER), FOLLOWER));
    const { hasStruck } = faults;
    try {
      if (!isDead) faults.revive();
      await judge(outcome, place, state);
      if (!("error" in next)) assert.equal(await countOf(place), next.answer, "what came after it was acknowledged");
      else checkError(next.error, "STATE_DRIVER", ...(isDead ? ["STATE_UNCERTAIN"] : []));
    } catch (error) {
      throw new Error(`${JSON.stringify(fault)} at call ${n}${isDead ? ", then dead" : ""}: ${(error as Error).message}`, { cause: error });
    } finally {
      faults.kill();
      await state.close().catch(() => {});
    }
    if (!hasStruck) return;
    assert.ok(n < 1000, "it never ends");
  }
}

type Outcome = { readonly answer: unknown } | { readonly error: unknown };

/** What is written after the verb. */
const FOLLOWER = "follower";

async function outcomeOf(call: () => Promise<unknown>): Promise<Outcome> {
  try {
    return { answer: await call() };
  } catch (error) {
    return { error };
  }
}

async function countOf(place: Place): Promise<unknown> {
  const state = await open((await place.copy()).driver);
  try {
    return await state.load(StateScope.agent(FOLLOWER), FOLLOWER);
  } finally {
    await state.close();
  }
}

/** All that is stored, but for what was written after the verb. */
async function stored(place: Place): Promise<string> {
  return (await snapshot((await place.copy()).driver)).split("\n").filter((line) => !line.startsWith(`agent:${FOLLOWER} `)).join("\n");
}

function checkError(error: unknown, ...codes: string[]): void {
  if (!isStateError(error)) throw new Error(`an error that is no StateError: ${error}`, { cause: error });
  assert.ok(codes.includes(error.code), `${error.code}: ${error.message}`);
  assert.equal(error.retryable, error.code === "STATE_DRIVER" || (error.code === "STATE_UNCERTAIN" && "operationId" in error.details));
}

/** A fault that passes. */
async function tellPassing(story: Story, fault: Fault): Promise<void> {
  const { verb, before, after, answer } = story;
  await strike(story, fault, false, async (outcome, place, state) => {
    const found = await stored(place);
    if ("error" in outcome) {
      // Whatever went wrong, it passed: what came of it can be learnt.
      checkError(outcome.error, "STATE_DRIVER");
      // What was written behind is kept, and goes with what came after it.
      if (verb.isBehind) assert.ok(found === before || found === after);
      else assert.equal(found, before, "it says that nothing was written");
    } else {
      assert.equal(found, after, "it was acknowledged");
      assert.deepEqual(outcome.answer, answer);
    }
    // The same state goes on.
    if ("error" in outcome) {
      const again = await verb.run(state);
      // What came after it is seen by reads.
      if (!verb.isRead) assert.deepEqual(again, answer, "the same call again");
    }
    const { commit } = await state.save(StateScope.global, "probe", 1);
    await state.flush();
    assert.equal((await state.inspect()).commit, commit);
    assert.equal(
      await snapshot((await place.copy()).driver),
      await contents(state).then(withoutEphemeral),
      "what it sees is what is stored",
    );
  });
}

/** A fault that is the last thing that happens. */
async function tellLast(story: Story, fault: Fault): Promise<void> {
  const { before, after } = story;
  await strike(story, fault, true, async (outcome, place) => {
    const found = await stored(place);
    if ("error" in outcome) {
      checkError(outcome.error, "STATE_DRIVER", "STATE_UNCERTAIN");
      if (isStateError(outcome.error, "STATE_DRIVER")) assert.equal(found, before, "it says that nothing was written");
      else assert.ok(found === before || found === after, `neither before nor after:\n${found}`);
    } else assert.equal(found, after, "it was acknowledged");
    const next = await open(place.driver);
    await next.increment(StateScope.global, "probe");
    await next.close();
  });
}

function withoutEphemeral(text: string): string {
  return text.split("\n").filter((line) => !line.includes(" ephemeral ")).join("\n");
}

const places: readonly (readonly [where: string, create: () => Place])[] = [
  ["on memory", () => onMemory(durableMemory())],
  ["in small pieces", () => onMemory(limitDriver(durableMemory()))],
  ["on a log in segments", () => onLog(true)],
  ["on a log in objects", () => onLog(false)],
];

for (const [where, create] of places) {
  const base = async () => {
    const place = create();
    const state = await open(place.driver);
    await prepare(state);
    await state.close();
    return place;
  };
  for (const verb of faultVerbs) {
    // Calls at once share a commit only where a batch holds them all.
    if (verb.isMany && where === "in small pieces") continue;
    Deno.test(`${verb.name} ${where} happens, or does not happen and says so, whichever call of the driver goes wrong`, async () => {
      const story = await tell(verb, await base());
      for (const fault of faults) await tellPassing(story, fault);
    });
    Deno.test(`${verb.name} ${where} is whole or not at all for who opens next, whichever call was the last`, async () => {
      const story = await tell(verb, await base());
      for (const fault of ["reject", "refuse", "lose", ...(verb.isRead || !story.base.tears ? [] : tears)] as const) {
        await tellLast(story, fault);
      }
    });
  }
}
