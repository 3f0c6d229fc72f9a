// The smallest worker that keeps state on a driver of unstorage.
import { openState, StateScope } from "@llmspell/state-persistence";
import { unstorage } from "@llmspell/state-persistence/adapters/unstorage";
import memoryDriver from "unstorage/drivers/memory";

await using state = await openState({ driver: unstorage(memoryDriver()) });
await state.save(StateScope.global, "a", 1);
await state.load(StateScope.global, "a");
