/** What the example of a worker does for those who ask it. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createCollector } from "../collect.js";
import { startWorker } from "./isolate.js";

async function withAgents(folder, durableObjectsPersist, work) {
  const worker = startWorker(folder, "agent.js", { durableObjects: { AGENT: "Agent" }, durableObjectsPersist });
  const ask = async (name, init) => await (await worker.dispatchFetch(`http://agents/${name}`, init)).json();
  try {
    await work({
      read: (name) => ask(name),
      tell: (name, body, headers = {}) => ask(name, { method: "POST", body, headers }),
    });
  } finally {
    await worker.dispose();
  }
}

/** The tests of the bundle in a folder. */
export function exampleTests(folder) {
  const { tests, it } = createCollector();
  it("examples/worker/agent.js keeps notes of agents apart, over a restart, and each message once", async () => {
    const storage = await mkdtemp(join(tmpdir(), "state-"));
    try {
      await withAgents(folder, storage, async ({ read, tell }) => {
        assert.deepEqual(await read("alice"), []);
        assert.deepEqual(await tell("alice", "buy milk", { "idempotency-key": "m1" }), ["buy milk"]);
        assert.deepEqual(await tell("alice", "buy milk", { "idempotency-key": "m1" }), ["buy milk"]);
        await Promise.all(Array.from({ length: 20 }, (_, i) => tell("bob", `note ${i}`)));
        assert.equal(new Set(await read("bob")).size, 20);
      });
      await withAgents(folder, storage, async ({ read, tell }) => {
        assert.deepEqual(await tell("alice", "buy milk", { "idempotency-key": "m1" }), ["buy milk"]);
        assert.deepEqual(await tell("alice", "drink it"), ["buy milk", "drink it"]);
        assert.equal((await read("bob")).length, 20);
      });
    } finally {
      await rm(storage, { recursive: true });
    }
  });
  return tests;
}
