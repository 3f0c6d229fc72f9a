/**
 * What an isolate runs: `/tests` names the tests, `/tests/7` runs one. Everything is imported before the first request, when neither
 * randomness nor timers nor I/O are there yet.
 */
import { conformance } from "@llmspell/state-persistence/testing";
import { createCollector, failureOf } from "../collect.js";
import { memorySubject, unstorageSubject } from "../subjects.js";
import { count, registerOverRequests } from "./over_requests.js";
import { registerUnsupported } from "../unsupported.js";

export { Counter } from "./over_requests.js";

const collector = createCollector();
conformance(collector, memorySubject);
conformance(collector, unstorageSubject);
registerUnsupported(collector, {
  "fs:./state": "node:fs",
  "sqlite:./state.db": "node:fs",
  "indexeddb:state": "indexedDB",
  "deno-kv:./state.kv": "Deno.openKv",
});
registerOverRequests(collector);

export default {
  async fetch(request, env) {
    const [, room, what] = new URL(request.url).pathname.split("/");
    if (room === "count") return Response.json(await count(what));
    if (what === undefined) return Response.json(collector.tests.map(({ name }) => name));
    return Response.json({ failure: await failureOf(() => collector.tests[what].body(env)) });
  },
};
