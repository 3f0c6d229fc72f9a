/**
 * Adds one to a counter, again and again. Arguments: the URL of the driver, how often, and where it stops until somebody sends
 * SIGCONT, as in `sync:5`: before its fifth sync of a segment. Prints how often it tried to commit.
 */
import { openDriver } from "../../adapters/open.ts";
import { openState, StateScope } from "../../mod.ts";

const [url = "", times = "0", stop = ""] = Deno.args;
const below = await openDriver(url);
const [stopCall, stopNumber] = stop.split(":");
const counts = { commit: 0, append: 0, sync: 0 };

/** The same call, counted. */
const counted = <A extends unknown[], R>(name: keyof typeof counts, call: (...args: A) => R) => (...args: A): R => {
  if (++counts[name] === Number(stopNumber) && name === stopCall) {
    console.log("stopping");
    Deno.kill(Deno.pid, "SIGSTOP");
  }
  return call(...args);
};
const { commit, segments } = below;
const driver = {
  ...below,
  ...(commit && { commit: counted("commit", commit) }),
  ...(segments && { segments: { ...segments, append: counted("append", segments.append), sync: counted("sync", segments.sync) } }),
};
const state = await openState({ driver });
for (let i = 0; i < Number(times); i++) await state.increment(StateScope.global, "n");
await state.close();
console.log(counts.commit + counts.append);
