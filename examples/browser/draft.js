/**
 * A page whose draft is there after a reload, and in every other tab. Bundle it, and serve the folder:
 *
 *     deno bundle --platform=browser --outdir=site draft.js && cp index.html site/
 */
import { openState, StateScope } from "@llmspell/state-persistence";
import { indexedDb } from "@llmspell/state-persistence/adapters/indexed-db";

const state = await openState({ driver: indexedDb("letters") });
const letter = state.in(StateScope.session("letter"));
const otherTabs = new BroadcastChannel("letters");
const [area, note] = ["textarea", "p"].map((name) => document.querySelector(name));

async function show() {
  const [draft, edits] = await Promise.all([letter.load("draft"), letter.load("edits")]);
  if (draft !== undefined) area.value = draft.text;
  note.textContent = draft === undefined ? "Nothing yet." : `${edits} edits, the last at ${draft.at.toLocaleTimeString()}.`;
}

area.addEventListener("input", async () => {
  // Both or neither, and flushed to the disk: the tab may be closed at any moment.
  await letter.transaction(async (tx) => {
    await tx.save("draft", { text: area.value, at: new Date() });
    await tx.increment("edits");
  });
  otherTabs.postMessage("changed");
  await show();
});
otherTabs.addEventListener("message", show);
await show();
