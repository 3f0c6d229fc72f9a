/** Turns, and the time that they make. */
import assert from "node:assert/strict";
import { nothing } from "./simulated_disk.ts";
import { Turns } from "./simulated_turns.ts";

Deno.test("turns let time fly where all sleep, and wake nobody too early", async () => {
  const turns = new Turns(nothing, { pauses: 0, now: 1000 });
  const woken: string[] = [];
  const sleeper = async (process: number, name: string, ms: number) => {
    await turns.sleep(process, ms);
    woken.push(`${name} ${turns.now}`);
  };
  await turns.run([sleeper(0, "b", 50), sleeper(1, "a", 20), sleeper(1, "c", 70)]);
  assert.deepEqual(woken, ["a 1020", "b 1050", "c 1070"]);
});

Deno.test("a process that stands still neither calls nor wakes until others had so many turns", async () => {
  const turns = new Turns(nothing, { pauses: 0 });
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
