/** Writes the golden file of the log's current format. Run it only for a new format: `deno run -A test/golden/write_log.ts`. */
import { openState } from "../../mod.ts";
import { kinds, type LogDump, tellOnLog, undump } from "./log_story.ts";
import { show } from "./story.ts";

const stores: Record<string, LogDump & { readonly shows: readonly string[] }> = {};
for (const kind of Object.keys(kinds)) {
  const dump = await tellOnLog(kind);
  const state = await openState({ driver: kinds[kind]!(...undump(dump)), readOnly: true });
  stores[kind] = { shows: await show(state), ...dump };
  await state.close();
}
await Deno.writeTextFile(new URL("log_1.json", import.meta.url), `${JSON.stringify(stores, null, 1)}\n`);
