/**
 * One commit of two keys and a large value, and a clean close; each step says so on standard output. Arguments: the URL of the
 * driver, a number that the commit writes.
 */
import { writeSync } from "node:fs";
import process from "node:process";
import { openDriver } from "../../adapters/open.ts";
import { openState, StateScope } from "../../mod.ts";

const [url = "", number = "0"] = process.argv.slice(2);
/** Written at once: what this process is killed before cannot have been acknowledged. */
const say = (word: string) => void writeSync(1, `${word}\n`);

const state = await openState({ driver: await openDriver(url) });
say("ready");
await state.transaction(async (tx) => {
  await tx.save(StateScope.global, "left", Number(number));
  await tx.save(StateScope.global, "large", number.padEnd(20_000, "."));
  await tx.save(StateScope.agent("a"), "right", Number(number));
});
say("done");
await state.close();
say("closed");
