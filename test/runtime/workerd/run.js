/** Runs what stands in a worker, a request a test, and the example; prints a line of JSON for each. */
// @ts-ignore: it is installed beside the tarball.
import { kCurrentWorker } from "miniflare";
import { failureOf } from "../collect.js";
import { exampleTests } from "./example.js";
import { startWorker } from "./isolate.js";

const [, , folder] = process.argv;
const tell = (name, failure) => process.stdout.write(`${JSON.stringify({ name, failure })}\n`);

const worker = startWorker(`${folder}/suite`, "worker.js", {
  serviceBindings: { SELF: kCurrentWorker },
  durableObjects: { COUNTER: "Counter" },
});
const ask = async (path) => await (await worker.dispatchFetch(`http://worker${path}`, { signal: AbortSignal.timeout(60_000) })).json();
try {
  const names = await ask("/tests");
  const filter = process.env.TEST_FILTER ?? "";
  for (const [i, name] of names.entries()) {
    if (!name.includes(filter)) continue;
    tell(name, await ask(`/tests/${i}`).then(({ failure }) => failure, String));
  }
} finally {
  await worker.dispose();
}
for (const { name, body } of exampleTests(`${folder}/example`)) tell(name, await failureOf(body));
