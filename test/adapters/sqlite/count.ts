/** A process of the tests: `count.ts FILE` counts on for ever, one more key each time, and prints each number that is safe. */
import process from "node:process";
import { writeSync } from "node:fs";
import { sqlite } from "../../../adapters/sqlite.ts";

const [file] = process.argv.slice(2) as [string];
const driver = sqlite(file);
let is = await driver.getItem("n") as string | null ?? undefined;
while (true) {
  const next = String(Number(is ?? 0) + 1);
  const done = await driver.commit!({
    checks: [{ key: "n", is }],
    set: [["n", next], [`k${next}`, "x".repeat(2000)]],
    remove: [],
    durable: false,
  });
  if (!done) throw new Error("somebody else wrote");
  writeSync(1, `${next}\n`);
  is = next;
}
