/** The simulated store does what it says, so that what is tested on it means something. */
import assert from "node:assert/strict";
import type { Driver } from "../../src/store/driver.ts";
import { type Choose, Crash, exhaustively, nothing, seeded } from "./simulated_disk.ts";
import { fateOf, Lost, networkOf } from "./simulated_network.ts";
import { type Fate, SimulatedStore } from "./simulated_store.ts";
import { Death, Turns } from "./simulated_turns.ts";

/** Chooses what is given, then the first possibility. */
function choosing(...choices: readonly number[]): Choose {
  const left = [...choices];
  return () => left.shift() ?? 0;
}

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

Deno.test("a network gives every fate there is, and none where the weather is fine", () => {
  const choose = seeded(1);
  const met = new Set<string>();
  for (let i = 0; i < 500; i++) {
    const { done = [0], failure, torn } = fateOf({ name: "setItem", key: "a" }, choose, { faults: 2, tears: true });
    const name = failure === undefined ? "answered" : failure instanceof Lost ? "lost" : "refused";
    met.add(`${done.map((after) => after > 0 ? "late" : "now").join("+")} ${name}${torn === undefined ? "" : " torn"}`);
  }
  assert.deepEqual(
    [...met].sort(),
    [
      " lost",
      " refused",
      "late lost",
      "late+late lost",
      "now answered",
      "now answered torn",
      "now lost",
      "now lost torn",
      "now+late answered",
    ],
  );
  assert.deepEqual(fateOf({ name: "setItem", key: "a" }, choose, { faults: 0 }), {});
});

Deno.test("turns let time fly where all sleep, and wake nobody too early", async () => {
  const turns = new Turns(choosing(), { pauses: 0, now: 1000 });
  const woken: string[] = [];
  const sleeper = async (process: number, name: string, ms: number) => {
    await turns.sleep(process, ms);
    woken.push(`${name} ${turns.now}`);
  };
  await turns.run([sleeper(0, "b", 50), sleeper(1, "a", 20), sleeper(1, "c", 70)]);
  assert.deepEqual(woken, ["a 1020", "b 1050", "c 1070"]);
});

Deno.test("a process that stands still neither calls nor wakes until others had so many turns", async () => {
  const turns = new Turns(choosing(), { pauses: 0 });
  const order: string[] = [];
  const process = async (number: number, calls: number) => {
    for (let i = 0; i < calls; i++) {
      await (i === 0 ? turns.sleep(number, 10) : turns.gate(number)());
      order.push(String(number));
    }
  };
  turns.freeze(0, 4);
  await turns.run([process(0, 1), process(1, 6)]);
  assert.equal(order.join(""), "1111101");
});

Deno.test("the calls of a process that dies fail from then on; what it had sent lands later, or never", async () => {
  const landed = new Set<number>();
  for (let seed = 1; seed <= 40; seed++) {
    const choose = seeded(seed);
    const turns = new Turns(choose, { pauses: 0 });
    const store = new SimulatedStore(choose);
    const driver = store.records(networkOf(turns, 0, choose, { faults: 0, within: 5 }));
    const dying = (async () => {
      turns.kill(0);
      await assert.rejects(driver.create!("after", "1"), (error) => error instanceof Death && !error.wasSent);
    })();
    const sent = new Turns(choose, { pauses: 0 });
    const other = store.records(networkOf(sent, 0, choose, { faults: 0, within: 5 }));
    const writing = other.create!("sent", "1");
    sent.kill(0);
    await assert.rejects(writing, (error) => error instanceof Death && error.wasSent);
    await dying;
    store.land();
    assert.equal(store.contents.has("after"), false);
    landed.add(store.contents.size);
  }
  assert.deepEqual([...landed].sort(), [0, 1]);
});

Deno.test("when the power goes, every call fails", async () => {
  const turns = new Turns(seeded(1), { pauses: 0 });
  const store = new SimulatedStore(nothing);
  const driver = store.records(networkOf(turns, 0, seeded(1), { faults: 0 }));
  const process = (async () => {
    for (let i = 0;; i++) await driver.create!(String(i), "1");
  })();
  const outcome = assert.rejects(process, Crash);
  await turns.run([process], 7);
  await outcome;
  assert.ok(store.contents.size > 3 && store.contents.size <= 7);
});

/** A world with all that may go wrong, and what came of it. */
async function story(seed: number): Promise<string> {
  const choose = seeded(seed);
  const turns = new Turns(choose, { deaths: 60, turnMs: 5 });
  const store = new SimulatedStore(choose, { lag: 3 });
  const told: string[] = [];
  const processes = [0, 1, 2].map(async (process) => {
    const driver = store.records(networkOf(turns, process, choose, { faults: 4 }));
    for (let i = 0; i < 20; i++) {
      try {
        await turns.sleep(process, choose(4));
        const key = `k${choose(5)}`;
        const answer = choose(3) === 0 ? await driver.removeItem!(key) : await driver.create!(key, `${process}.${i}`);
        told.push(`${turns.now} ${process} ${answer} ${(await keysOf(driver)).join()}`);
      } catch (error) {
        told.push(`${turns.now} ${process} ${(error as Error).message}`);
        if (error instanceof Crash) return;
      }
    }
  });
  await turns.run(processes);
  store.land();
  return `${told.join("\n")}\n${JSON.stringify([...store.contents])}`;
}

Deno.test("the same seed tells the same story, another seed another one", async () => {
  const stories = new Set<string>();
  for (let seed = 1; seed <= 20; seed++) {
    const told = await story(seed);
    assert.equal(await story(seed), told);
    stories.add(told);
  }
  assert.equal(stories.size, 20);
});
