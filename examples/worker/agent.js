/**
 * An agent that takes notes behind HTTP, in a Durable Object: whoever is restarted, evicted or moved goes on where it was.
 *
 *     POST /alice  buy milk     →  ["buy milk"]
 *     GET  /alice               →  ["buy milk"]
 */
import { openState, StateScope } from "@llmspell/state-persistence";

/** An object's own storage as a driver: that is all it takes. */
const driverOn = (storage) => ({
  name: "durable-object",
  getItem: async (key) => await storage.get(key) ?? null,
  hasItem: async (key) => await storage.get(key) !== undefined,
  setItem: (key, text) => storage.put(key, text),
  removeItem: async (key) => void await storage.delete(key),
  getKeys: async (prefix) => [...(await storage.list({ prefix })).keys()],
});

export class Agent {
  constructor({ storage }) {
    // One object of a name is alive at a time, so whoever has left a lock is gone. Its requests share what it opens.
    this.state = openState({ driver: driverOn(storage), lock: { steal: true } });
  }

  async fetch(request) {
    const agent = (await this.state).in(StateScope.agent("notes"));
    if (request.method === "GET") return Response.json(await agent.load("notes") ?? []);
    const note = await request.text();
    // A message that is sent again, because its answer was lost, is noted once.
    const operationId = request.headers.get("idempotency-key") ?? undefined;
    return Response.json(await agent.update("notes", (notes) => [...notes, note], { initial: [], operationId }));
  }
}

export default {
  async fetch(request, { AGENT }) {
    const { pathname } = new URL(request.url);
    return await AGENT.get(AGENT.idFromName(pathname)).fetch(request);
  },
};
