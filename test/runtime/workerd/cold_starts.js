/** `node cold_starts.js RUNS FOLDER…`: milliseconds from nothing to the first answer of the worker in each folder, in turn, as JSON. */
import { startWorker } from "./isolate.js";
import process from "node:process";

const [runs, ...folders] = process.argv.slice(2);
const times = folders.map(() => []);
// The first run of each warms the disk's cache, and does not count.
for (let i = -1; i < Number(runs); i++) {
  for (const [j, folder] of folders.entries()) {
    const begun = performance.now();
    const worker = startWorker(folder, `${folder.split("/").at(-1)}.js`);
    const answer = await (await worker.dispatchFetch("http://worker/")).text();
    if (i >= 0) times[j].push(performance.now() - begun);
    await worker.dispose();
    if (answer !== "undefined") throw new Error(`${folder} answered ${answer}`);
  }
}
console.log(JSON.stringify(times));
