/** Adds one to a number, as often as it is told: in a worker, or in a tab of its own. */
import { openState, StateScope } from "@llmspell/state-persistence";
import { indexedDb } from "@llmspell/state-persistence/adapters/indexed-db";

const wishes = new URLSearchParams(location.search);
const channel = new BroadcastChannel(wishes.get("name"));
try {
  const state = await openState({ driver: indexedDb(wishes.get("name")) });
  for (let i = 0; i < Number(wishes.get("times")); i++) await state.increment(StateScope.global, "n");
  await state.close();
  channel.postMessage("done");
} catch (error) {
  channel.postMessage(`${error?.stack ?? error}`);
}
// A tab that a script has opened goes with it.
globalThis.window?.close();
