/** The first load in a new isolate, with this library. */
import { openState, StateScope } from "@llmspell/state-persistence";
import { memory } from "@llmspell/state-persistence/adapters/memory";

export default {
  async fetch() {
    const state = await openState({ driver: memory() });
    return new Response(`${await state.load(StateScope.global, "k")}`);
  },
};
