/** Adds one to a counter, again and again. Arguments: the SQLite file, how often. Prints how often the driver was asked to commit. */
import { sqlite } from "../../adapters/sqlite.ts";
import { openState, StateScope } from "../../mod.ts";

const [file = "", times = "0"] = Deno.args;
const below = sqlite(file);
let attempts = 0;
const driver = {
  ...below,
  commit: (batch: Parameters<NonNullable<typeof below.commit>>[0]) => {
    attempts++;
    return below.commit!(batch);
  },
};
const state = await openState({ driver });
for (let i = 0; i < Number(times); i++) await state.increment(StateScope.global, "n");
await state.close();
console.log(attempts);
