/** The network between processes and a simulated store goes wrong in every way that there is, and by its seed alone. */
import assert from "node:assert/strict";
import { Crash, nothing, seeded } from "./simulated_disk.ts";
import { fateOf, Lost, networkOf } from "./simulated_network.ts";
import { SimulatedStore } from "./simulated_store.ts";
import { Death, Turns } from "./simulated_turns.ts";

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
      "now+now answered",
    ],
  );
  assert.deepEqual(fateOf({ name: "setItem", key: "a" }, choose, { faults: 0 }), {});
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
        const keys = (await driver.list!({ prefix: "", limit: 100 })).map(({ key }) => key);
        told.push(`${turns.now} ${process} ${answer} ${keys.join()}`);
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
