/** The simulated store does what it says, so that what is tested on it means something. */
import assert from "node:assert/strict";
import type { Driver } from "../../src/store/driver.ts";
import { exhaustively, nothing, seeded } from "./simulated_disk.ts";
import { Lost } from "./simulated_network.ts";
import { type Fate, SimulatedStore } from "./simulated_store.ts";

/** The gate that gives one call a fate, and every other one none. */
function once(fate: Fate): () => Fate {
  let isGiven = false;
  return () => isGiven ? {} : (isGiven = true, fate);
}

async function keysOf(driver: Driver, prefix = ""): Promise<string[]> {
  return (await driver.list!({ prefix, limit: 100 })).map(({ key }) => key);
}

Deno.test("create() of a simulated store is exclusive, and list() pages through what begins with a prefix, either way", async () => {
  const store = new SimulatedStore(nothing);
  const [a, b] = [store.records(), store.records()];
  assert.equal(await a.create!("x!2", "two"), true);
  assert.equal(await b.create!("x!2", "other"), false);
  assert.equal(await b.getItem("x!2"), "two");
  for (const key of ["x!1", "x!3", "y!1"]) await b.create!(key, key);
  assert.deepEqual(await a.list!({ prefix: "x!", limit: 2, values: true }), [{ key: "x!1", value: "x!1" }, { key: "x!2", value: "two" }]);
  assert.deepEqual(await a.list!({ prefix: "x!", limit: 2, after: "x!2" }), [{ key: "x!3" }]);
  assert.deepEqual(await a.list!({ prefix: "x!", limit: 9, after: "x!3", reverse: true }), [{ key: "x!2" }, { key: "x!1" }]);
  await a.removeItem!("x!2");
  assert.equal(await b.getItem("x!2"), null);
  assert.equal(await b.create!("x!2", "again"), true);
});

Deno.test("a call of a simulated store that fails is done, or is not, as its fate says", async () => {
  const store = new SimulatedStore(nothing);
  const failure = new Lost("no answer");
  await assert.rejects(Promise.resolve(store.records(once({ done: [], failure })).create!("a", "1")), failure);
  assert.equal(store.contents.has("a"), false);
  await assert.rejects(Promise.resolve(store.records(once({ failure })).create!("b", "1")), failure);
  assert.equal(store.contents.get("b"), "1");
  await assert.rejects(Promise.resolve(store.records(once({ done: [2] })).create!("c", "1")), TypeError);
});

Deno.test("a call that was given up lands so many calls later, and may bring back what was removed meanwhile", async () => {
  const store = new SimulatedStore(nothing);
  const failure = new Lost("no answer");
  const driver = store.records(once({ done: [2, 4], failure }));
  await assert.rejects(driver.create!("a", "late"), failure);
  assert.equal(await driver.getItem("a"), null);
  assert.equal(await driver.getItem("a"), "late");
  await driver.removeItem!("a");
  assert.equal(await driver.getItem("a"), "late", "it landed twice");
  assert.equal(store.underway, 0);
  assert.equal(store.landed, 2);
});

Deno.test("a write that is sent again by the network overwrites what a plain store got since", async () => {
  const store = new SimulatedStore(nothing);
  const driver = store.plain(once({ done: [0, 3] }));
  await driver.setItem!("a", "1");
  await driver.setItem!("a", "2");
  assert.equal(await driver.getItem("a"), "2");
  assert.equal(await driver.getItem("a"), "1");
});

Deno.test("a call that is sent twice is answered as it was the second time", async () => {
  const store = new SimulatedStore(nothing);
  assert.equal(await store.records(once({ done: [0, 0] })).create!("a", "1"), false);
  assert.equal(store.contents.get("a"), "1");
});

Deno.test("land() does what is underway, in an order that is chosen", async () => {
  const failure = new Lost("no answer");
  const ends = new Set<string | undefined>();
  await exhaustively(100, async (choose) => {
    const store = new SimulatedStore(choose);
    for (const value of ["1", "2", "3"]) {
      await Promise.resolve(store.plain(once({ done: [50], failure })).setItem!("a", value)).catch(() => {});
    }
    store.land();
    ends.add(store.contents.get("a"));
  });
  assert.deepEqual([...ends].sort(), ["1", "2", "3"]);
});

Deno.test("a list that lags may miss what was just created and show what was just removed, and is right later; get always is", async () => {
  const seen = new Set<string>();
  for (let seed = 1; seed <= 64; seed++) {
    const store = new SimulatedStore(seeded(seed), { lag: 4 });
    const driver = store.records();
    await driver.create!("a", "1");
    await driver.create!("b", "1");
    await driver.removeItem!("a");
    seen.add((await keysOf(driver)).join());
    assert.equal(await driver.getItem("a"), null);
    for (let i = 0; i < 4; i++) assert.equal(await driver.getItem("b"), "1");
    assert.deepEqual(await keysOf(driver), ["b"]);
  }
  assert.deepEqual([...seen].sort(), ["", "a", "a,b", "b"]);
});

Deno.test("a torn write leaves the beginning of its value", async () => {
  const store = new SimulatedStore(nothing);
  await store.plain(once({ torn: 2 })).setItem!("a", "long");
  assert.equal(store.contents.get("a"), "lo");
  await store.plain(once({ torn: 0 })).setItem!("a", "long");
  assert.equal(store.contents.get("a"), "");
});

Deno.test("a power loss leaves of a volatile store what was flushed, or anything written since, whole or torn; of another one all", async () => {
  const left = new Set<string | undefined>();
  for (let seed = 1; seed <= 200; seed++) {
    const store = new SimulatedStore(nothing, { isVolatile: true });
    const driver = store.plain();
    await driver.setItem!("a", "0000");
    store.flush();
    await driver.setItem!("a", "1111");
    await driver.removeItem!("a");
    await driver.setItem!("a", "2222");
    left.add(store.crash(seeded(seed)).contents.get("a"));
  }
  for (const value of ["0000", undefined, "1111", "2222", "", "11", "222"]) assert.ok(left.has(value), `${value} is never left`);
  assert.ok(!left.has("000"), "what was flushed is whole");
  const store = new SimulatedStore(nothing, {}, [["a", "1"]]);
  await store.plain().setItem!("a", "2");
  assert.deepEqual([...store.crash(seeded(1)).contents], [["a", "2"]]);
});
