/** Writes the golden file of the current format. Run it only for a new format: `deno run -A test/golden/write.ts`. */
import { memory } from "../../adapters/memory.ts";
import { openState } from "../../mod.ts";
import { limitDriver } from "../faults/limited_driver.ts";
import { dump, show, tell } from "./story.ts";

const stores: Record<string, unknown> = {};
for (const [name, driver] of [["whole", memory()], ["pieces", limitDriver(memory())]] as const) {
  await tell(driver);
  const items = await dump(driver);
  const state = await openState({ driver, readOnly: true });
  stores[name] = { shows: await show(state), items };
  await state.close();
}
await Deno.writeTextFile(new URL("format_1.json", import.meta.url), `${JSON.stringify(stores, null, 1)}\n`);
