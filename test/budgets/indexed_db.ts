// The smallest page that keeps state in the browser.
import { openState, StateScope } from "@llmspell/state-persistence";
import { indexedDb } from "@llmspell/state-persistence/adapters/indexed-db";

const state = await openState({ driver: indexedDb("my-agent") });
await state.save(StateScope.global, "a", 1);
