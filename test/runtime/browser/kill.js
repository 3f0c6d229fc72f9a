/**
 * Says what a database holds, then writes to it until the browser is killed: pairs of keys that always change together, a counter,
 * and keys of their own. The server hears of each commit behind it, and the next one waits for that.
 */
import { isStateError, openState, StateScope } from "@llmspell/state-persistence";
import { indexedDb } from "@llmspell/state-persistence/adapters/indexed-db";

const tell = (path, body) => fetch(path, { method: "POST", body: JSON.stringify(body) });
const pairs = StateScope.agent("pairs");
const keys = StateScope.session("keys");

async function writePairs(state) {
  for (;;) {
    const n = await state.transaction(async (tx) => {
      const n = (await tx.load(pairs, "left") ?? 0) + 1;
      await tx.save(pairs, "left", n);
      // Large now and then, so that an object is part of the commit.
      await tx.save(pairs, "right", { n, padding: "x".repeat(n % 7 === 0 ? 20_000 : 10) });
      return n;
    });
    await tell("/done", { what: "pair", n });
  }
}

async function count(state) {
  for (;;) await tell("/done", { what: "count", n: await state.increment(StateScope.global, "count") });
}

async function writeKeys(state) {
  for (let n = await state.load(keys, "last") ?? 0;; n++) {
    await state.save(keys, "last", n);
    await tell("/done", { what: "last", n });
  }
}

/** Opens the database; where the browser threw it away, the server hears of that first. */
async function open() {
  const driver = indexedDb("killed");
  try {
    return await openState({ driver });
  } catch (error) {
    if (!isStateError(error, "STATE_CORRUPT")) throw error;
    await tell("/lost", error.message);
    return await openState({ driver });
  }
}

try {
  const state = await open();
  const found = await state.loadMany(pairs, ["left", "right"]);
  const right = found.get("right");
  await tell("/found", {
    left: found.get("left") ?? 0,
    right: right?.n ?? 0,
    padding: right?.padding.length ?? 10,
    count: await state.load(StateScope.global, "count") ?? 0,
    last: await state.load(keys, "last") ?? 0,
    browser: navigator.userAgent,
  });
  await Promise.all([writePairs(state), count(state), writeKeys(state)]);
} catch (error) {
  await tell("/failed", `${error?.stack ?? error}`);
}
