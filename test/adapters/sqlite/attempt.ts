/** A process of the tests: `attempt.ts read|write FILE` prints what came of one call, as JSON. */
import process from "node:process";
import { sqlite } from "../../../adapters/sqlite.ts";
import type { StateError } from "../../../src/errors.ts";

const [verb, file] = process.argv.slice(2) as [string, string];
const driver = sqlite(file);
try {
  const value = verb === "read"
    ? await driver.getItem("a")
    : await driver.commit!({ checks: [], set: [["a", "2"]], remove: [], durable: false });
  console.log(JSON.stringify({ value }));
} catch (error) {
  const { code, message } = error as StateError;
  console.log(JSON.stringify({ code, message }));
}
await driver.dispose!();
