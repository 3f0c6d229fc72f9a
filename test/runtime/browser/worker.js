/** Adds one to a number, as often as it is told. */
import { openState, StateScope } from "@llmspell/state-persistence";
import { indexedDb } from "@llmspell/state-persistence/adapters/indexed-db";

const wishes = new URLSearchParams(location.search);
try {
  const state = await openState({ driver: indexedDb(wishes.get("name")) });
  for (let i = 0; i < Number(wishes.get("times")); i++) await state.increment(StateScope.global, "n");
  await state.close();
  postMessage("done");
} catch (error) {
  postMessage(`${error?.stack ?? error}`);
}
