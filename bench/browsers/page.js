/**
 * Rates in a browser: this library on IndexedDB beside bare idb-keyval, in turns, so that both meet the same noise. Tells the server
 * the microseconds of each operation.
 */
import { openState, StateScope } from "@llmspell/state-persistence";
import { indexedDb } from "@llmspell/state-persistence/adapters/indexed-db";
import { get, keys, promisifyRequest, set, setMany } from "idb-keyval";

const value = { role: "user", text: "x".repeat(1000), at: 1 };
const AT_ONCE = 64;
const rounds = Number(new URLSearchParams(location.search).get("rounds"));

/** A store of idb-keyval whose transactions say how durable they are. */
async function storeOf(name, durability) {
  const request = indexedDB.open(name);
  request.onupgradeneeded = () => request.result.createObjectStore("keyval");
  const db = await promisifyRequest(request);
  return (mode, act) => Promise.resolve(act(db.transaction("keyval", mode, { durability }).objectStore("keyval")));
}

const state = await openState({ driver: indexedDb("ours") });
const agent = state.in(StateScope.agent("bench"));
const bare = await Promise.all(["strict", "relaxed"].map(async (durability) => {
  const store = await storeOf(`bare-${durability}`, durability);
  return {
    name: durability,
    save: (key) => set(key, value, store),
    saveMany: (names) => setMany(names.map((key) => [key, value]), store),
    load: (key) => get(key, store),
    list: () => keys(store),
  };
}));
const contenders = [{
  name: "ours",
  save: (key) => agent.save(key, value),
  saveMany: (names) => Promise.all(names.map((key) => agent.save(key, value))),
  load: (key) => agent.load(key),
  list: () => agent.keys({ limit: 100 }).toArray(),
}, ...bare];

const names = Array.from({ length: AT_ONCE }, (_, i) => `k${i}`);
const hundred = Array.from({ length: 100 }, (_, i) => `k${i}`);
const cases = {
  "save, one by one": {
    times: 50,
    act: async (one) => {
      for (let i = 0; i < 50; i++) await one.save(names[i]);
    },
  },
  "save, 64 at once": { times: AT_ONCE, act: (one) => one.saveMany(names) },
  "load, one by one": {
    times: 200,
    act: async (one) => {
      for (let i = 0; i < 200; i++) await one.load(names[i % AT_ONCE]);
    },
  },
  "list 100 keys": { times: 1, act: (one) => one.list() },
};

for (const one of contenders) await one.saveMany(hundred);
const measured = {};
for (const [what, { times, act }] of Object.entries(cases)) {
  const figures = contenders.map(() => []);
  for (let round = -1; round < rounds; round++) {
    for (const [i, one] of contenders.entries()) {
      const begun = performance.now();
      await act(one);
      if (round >= 0) figures[i].push((performance.now() - begun) * 1000 / times);
    }
  }
  measured[what] = figures;
}
await state.close();
await fetch("/measured", { method: "POST", body: JSON.stringify({ browser: navigator.userAgent, measured }) });
