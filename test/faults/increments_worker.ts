/** Adds one to a counter, again and again. Arguments: the URL of the driver, how often. Prints how often it was asked to commit. */
import { openDriver } from "../../adapters/open.ts";
import { openState, StateScope } from "../../mod.ts";

const [url = "", times = "0"] = Deno.args;
const below = await openDriver(url);
let attempts = 0;
/** The same call, counted. */
const counted = <A extends unknown[], R>(call: (...args: A) => R) => (...args: A): R => {
  attempts++;
  return call(...args);
};
const { commit, segments } = below;
const driver = {
  ...below,
  ...(commit && { commit: counted(commit) }),
  ...(segments && { segments: { ...segments, append: counted(segments.append) } }),
};
const state = await openState({ driver });
for (let i = 0; i < Number(times); i++) await state.increment(StateScope.global, "n");
await state.close();
console.log(attempts);
