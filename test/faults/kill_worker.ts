/**
 * Writes until it is killed: pairs of keys that always change together, a counter, keys that come and go. Every acknowledged
 * operation is a line on standard output. Arguments: the URL of the driver, a seed.
 */
import { writeSync } from "node:fs";
import process from "node:process";
import { openDriver } from "../../adapters/open.ts";
import { openState, StateScope } from "../../mod.ts";

const [url = "", seed = "1"] = process.argv.slice(2);
const state = await openState({ driver: await openDriver(url) });
const pairs = StateScope.agent("pairs");
const keys = StateScope.session("keys");
let random = Number(seed) % 2147483646 + 1;
const next = (below: number) => (random = random * 48271 % 2147483647) % below;
/** Written at once: what this process is killed before cannot have been acknowledged. */
const acknowledge = (...words: (string | number)[]) => void writeSync(1, `${words.join(" ")}\n`);

async function writePairs(): Promise<void> {
  for (;;) {
    const n = await state.transaction(async (tx) => {
      const n = (await tx.load<number>(pairs, "left") ?? 0) + 1;
      // The right one is large now and then, so that an object is part of the commit.
      await tx.save(pairs, "left", n);
      await tx.save(pairs, "right", { n, padding: "x".repeat(n % 7 === 0 ? 20_000 : 10) });
      return n;
    });
    acknowledge("pair", n);
  }
}

async function writeKeys(lane: number): Promise<void> {
  for (let i = 0;; i++) {
    const key = `${lane}-${next(20)}`;
    if (next(4) === 0) {
      await state.delete(keys, key);
      acknowledge("key", key, "-");
    } else {
      const value = `${seed}.${i}`;
      await state.save(keys, key, value);
      acknowledge("key", key, value);
    }
  }
}

async function count(): Promise<void> {
  for (;;) acknowledge("count", await state.increment(StateScope.global, "count"));
}

acknowledge("ready", 0);
await Promise.all([writePairs(), count(), ...[0, 1, 2].map(writeKeys)]);
