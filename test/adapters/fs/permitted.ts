/** A process of the tests: `permitted.ts FOLDER TIMES` writes so often, or reads if that is 0; prints how many entries there are and what it was warned of. */
import { fs } from "../../../adapters/fs.ts";
import { openState, StateScope } from "../../../mod.ts";

const [folder = "", times = "0"] = Deno.args;
const warnings: unknown[] = [];
const state = await openState({ driver: fs(folder), readOnly: times === "0", onWarning: (warning) => warnings.push(warning) });
for (let i = 0; i < Number(times); i++) await state.save(StateScope.global, `k${i}`, i);
const keys = await Array.fromAsync(state.keys(StateScope.global));
await state.close();
console.log(JSON.stringify([keys.length, warnings]));
