/** A process of the tests: `increments.ts FILE TIMES` adds 1 so often to the number under "n"; prints tries and longest wait. */
import process from "node:process";
import { sqlite } from "../../../adapters/sqlite.ts";

const [file, times] = process.argv.slice(2) as [string, string];
const driver = sqlite(file);
let tries = 0;
let longestMs = 0;
for (let i = 0; i < Number(times); i++) {
  const started = performance.now();
  while (true) {
    const [is] = await driver.getMany!(["n"]) as [string | undefined];
    tries++;
    const next = `v${Number(is?.slice(1) ?? 0) + 1}`;
    if (await driver.commit!({ checks: [{ key: "n", is }], set: [["n", next]], remove: [], durable: false })) break;
  }
  longestMs = Math.max(longestMs, performance.now() - started);
}
await driver.dispose!();
console.log(JSON.stringify({ tries, longestMs }));
