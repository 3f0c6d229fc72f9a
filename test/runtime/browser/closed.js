/** Tells the page around this one what comes of opening a database here. */
import { openState } from "@llmspell/state-persistence";
import { indexedDb } from "@llmspell/state-persistence/adapters/indexed-db";

const said = await openState({ driver: indexedDb("closed") }).then(
  () => ({ code: "opened" }),
  ({ code, message, details }) => ({ code, message, details }),
);
parent.postMessage(said, "*");
