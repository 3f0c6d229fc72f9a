// A user's program: it must compile against the packed declarations alone.
import { isStateError, openState, StateScope } from "@llmspell/state-persistence";
import type { Driver, OpenStateOptions, StateManager } from "@llmspell/state-persistence";
import { fs } from "@llmspell/state-persistence/adapters/fs";
import { memory } from "@llmspell/state-persistence/adapters/memory";
import { openDriver } from "@llmspell/state-persistence/adapters/open";
import { sqlite } from "@llmspell/state-persistence/adapters/sqlite";
import { conformance } from "@llmspell/state-persistence/testing";

const options: OpenStateOptions = { driver: memory() };
const drivers: Driver[] = [memory(), fs("./state"), sqlite("./state.db"), await openDriver("memory:")];

async function main(): Promise<number | undefined> {
  await using state: StateManager = await openState(options);
  await state.save(StateScope.user("alice"), "turns", 1);
  try {
    return await state.load<number>(StateScope.user("alice"), "turns");
  } catch (error) {
    if (isStateError(error, "STATE_LOCKED")) return error.details.since?.getTime();
    throw error;
  }
}

await main();
conformance({ describe: (_name, body) => body(), it: () => {} }, {
  name: "mine",
  create: () => Promise.resolve({ open: () => Promise.resolve(drivers[0]!), destroy: () => Promise.resolve() }),
});
