/** Several requests of one isolate. */
import { openState, StateScope } from "@llmspell/state-persistence";
import { memory } from "@llmspell/state-persistence/adapters/memory";
import { unstorage } from "@llmspell/state-persistence/adapters/unstorage";
import memoryDriver from "unstorage/drivers/memory";
import { assertEqual } from "../collect.js";

/** A driver that has to wait for each of its calls, as all do that reach over a network. What it waits for belongs to a request. */
function waiting({ getItem, hasItem, setItem, removeItem, getKeys }) {
  const later = (call) => async (...args) => {
    await new Promise((resolve) => setTimeout(resolve, 1));
    return await call(...args);
  };
  return unstorage({
    name: "waiting",
    getItem: later(getItem),
    hasItem: later(hasItem),
    setItem: later(setItem),
    removeItem: later(removeItem),
    getKeys: later(getKeys),
  });
}

const kept = memory();
const far = memoryDriver();
const ways = {
  memory: () => kept,
  waiting: () => waiting(far),
};

const increment = async (state) => await state.increment(StateScope.global, "n");

/** What a request does that comes to `/count/` and a way: it opens a state of its own, and closes it. */
export async function count(way) {
  const state = await openState({ driver: ways[way]() });
  try {
    // Large enough to be digested beside other work.
    await state.save(StateScope.global, `large ${crypto.randomUUID()}`, "x".repeat(200_000), { class: "archive" });
    return await increment(state);
  } finally {
    await state.close();
  }
}

/** An object whose requests share what it waits for, and so its state. */
export class Counter {
  #state = openState({ driver: waiting(memoryDriver()) });

  async fetch() {
    return Response.json(await increment(await this.#state));
  }
}

/** Whatever the requests got: each number once. */
async function assertCounted(ask, requests) {
  const counted = await Promise.all(Array.from({ length: requests }, async () => await (await ask()).json()));
  assertEqual(counted.sort((a, b) => a - b).join(), Array.from(counted, (_, i) => i + 1).join());
}

export function registerOverRequests({ describe, it }) {
  describe("over requests", () => {
    it("states that each request opens on one memory(), at once, count on from each other", ({ SELF }) =>
      assertCounted(() => SELF.fetch("http://self/count/memory"), 30));

    it("states that each request opens on a driver that waits, one after the other, count on from each other", async ({ SELF }) => {
      for (let i = 1; i <= 5; i++) assertEqual(await (await SELF.fetch("http://self/count/waiting")).json(), i);
    });

    it("a state of a Durable Object on a driver that waits serves all its requests", ({ COUNTER }) =>
      assertCounted(() => COUNTER.get(COUNTER.idFromName("one")).fetch("http://counter/"), 30));
  });
}
