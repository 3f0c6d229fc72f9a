// The smallest program that keeps state: what a page downloads, first to start and then to save.
import { openState, StateScope } from "@llmspell/state-persistence";
import { memory } from "@llmspell/state-persistence/adapters/memory";

await using state = await openState({ driver: memory() });
await state.save(StateScope.global, "a", 1);
await state.load(StateScope.global, "a");
