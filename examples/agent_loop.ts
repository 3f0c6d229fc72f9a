/**
 * An agent whose steps reach into the world. It is interrupted between two of them, goes on in a new process, and pays once.
 *
 *     deno run -A examples/agent_loop.ts
 */
import { type Driver, openState, StateScope } from "@llmspell/state-persistence";
import { memory } from "@llmspell/state-persistence/adapters/memory";
import assert from "node:assert/strict";

/** The world, which cannot be rolled back. */
const world = { planned: 0, searched: 0, paid: new Map<string, number>() };

const model = {
  plan: (wish: string) => (world.planned++, { wish, steps: ["search", "pay"] as const }),
};
const tools = {
  search: () => (world.searched++, { flight: "HAT069", price: 51n }),
  // A bank that knows the same payment by its id: what is asked for again after a crash in the midst happens once there, too.
  pay: (id: string) => (world.paid.set(id, (world.paid.get(id) ?? 0) + 1), { receipt: id }),
};

/** Lives one life of the agent; `dieAfter` says which step is its last. */
async function bookTrip(driver: Driver, dieAfter?: string): Promise<string> {
  await using state = await openState({ driver });
  const run = state.in(StateScope.workflow("trip-7"));
  const plan = await run.once("plan", () => model.plan("to Seattle, cheap"));
  for (const step of plan.steps) {
    // The result is stored before anybody sees it; a later life gets it without running the tool.
    const result = await run.once(`step:${step}`, ({ id }) => step === "pay" ? tools.pay(id) : tools.search());
    await run.save("status", { step, result, at: new Date() });
    if (step === dieAfter) throw new Error(`power cut after ${step}`);
  }
  return await run.once("answer", () => `Booked ${plan.wish}.`);
}

// In memory, so that this example leaves nothing: a driver object outlives the states that are opened on it.
const driver = memory();
await assert.rejects(bookTrip(driver, "search"), /power cut/);
await assert.rejects(bookTrip(driver, "pay"), /power cut/);
const answer = await bookTrip(driver);

assert.equal(answer, await bookTrip(driver), "asked again, it answers from what is stored");
assert.equal(world.planned, 1);
assert.equal(world.searched, 1);
assert.deepEqual([...world.paid.values()], [1]);
console.log(`${answer} Four lives: planned ${world.planned}, searched ${world.searched}, paid ${world.paid.size} time.`);
