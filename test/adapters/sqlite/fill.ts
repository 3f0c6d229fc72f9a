/** A process of the tests: `fill.ts FILE` writes until ten writes have failed; prints how many it was told are safe, as JSON. */
import process from "node:process";
import { sqlite } from "../../../adapters/sqlite.ts";

const [file] = process.argv.slice(2) as [string];
const driver = sqlite(file);
const failures: string[] = [];
let acknowledged = 0;
while (failures.length < 10) {
  try {
    await driver.commit!({ checks: [], set: [[`k${acknowledged}`, "x".repeat(3000)]], remove: [], durable: false });
    acknowledged++;
  } catch (error) {
    failures.push((error as Error).message);
  }
}
console.log(JSON.stringify({ acknowledged, failures }));
