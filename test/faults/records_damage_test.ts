/**
 * Objects of a log that somebody damages, tears or removes: the log holds what it held, or says that it is damaged; what was
 * never covered by a checkpoint or a later frame may be missing at its end, and is named.
 *
 * @module
 */
import assert from "node:assert/strict";
import { isStateError } from "../../src/errors.ts";
import { createLogPaths } from "../../src/store/log/checkpoint.ts";
import { contentOf, openLogOn, type Step, write } from "./log_fixture.ts";
import { after, type Content, empty } from "./log_history.ts";
import { nothing } from "./simulated_disk.ts";
import { SimulatedStore } from "./simulated_store.ts";

const paths = createLogPaths("app!");
const tuning = { frames: 3, bytes: 1e9, lagMs: 0 };

const steps: readonly Step[] = Array.from({ length: 24 }, (_, i): Step => ({
  [`k${i % 5}`]: i % 4 === 3 ? undefined : `V${i}`,
  [`fat${i % 3}`]: `F${i}`.padEnd(i % 6 === 0 ? 17_000 : 3, "-"),
}));

/** What may become of an object. */
const damages: Readonly<Record<string, (text: string) => string | undefined>> = {
  "a character changed": (text) =>
    `${text.slice(0, text.length >> 1)}${text[text.length >> 1] === "x" ? "y" : "x"}${text.slice((text.length >> 1) + 1)}`,
  "the beginning changed": (text) => `x${text.slice(1)}`,
  "the end missing": (text) => text.slice(0, -1),
  "all of it missing": () => "",
  "gone": () => undefined,
};

Deno.test("a log on objects of which one is damaged holds what it held, or is STATE_CORRUPT, or ends before what was never covered", async () => {
  const store = new SimulatedStore(nothing);
  const contents: Content[] = [empty];
  for (const step of steps) contents.push(after(contents.at(-1)!, step));
  const seen = { same: 0, corrupt: 0, shorter: 0 };
  for (let i = 0; i < steps.length; i++) {
    // Some of it waits behind a checkpoint, and sometimes nothing does.
    const port = openLogOn(store.records(), tuning);
    await write(port, steps[i]!);
    if (i % 5 === 4) await port.close();
    else await port.getMany([]);
    await new Promise((resolve) => setTimeout(resolve));
    const whole = store.contents;
    const newest = [...whole.keys()].filter((key) => key.startsWith(paths.checkpoints)).sort().at(-1);
    const last = [...whole.keys()].filter((key) => key.startsWith(paths.frames)).sort().at(-1);
    for (const key of whole.keys()) {
      for (const [what, damage] of Object.entries(damages)) {
        const left = new Map(whole);
        const text = damage(whole.get(key)!);
        if (text === undefined) left.delete(key);
        else left.set(key, text);
        const damaged = openLogOn(new SimulatedStore(nothing, {}, left).records(), tuning, { sleep: () => Promise.resolve() });
        const label = `after step ${i}, "${key}": ${what}`;
        try {
          const found = after(JSON.stringify(await contentOf(damaged)), {});
          // Nothing there at all is what a new namespace looks like, until something is written.
          if (![...left.keys()].some((key) => key.startsWith(paths.checkpoints))) await write(damaged, {});
          if (found === contents[i + 1]) seen.same++;
          else {
            assert.equal(key, last, label);
            assert.deepEqual(found, contents[i], label);
            if (text !== undefined) assert.ok(damaged.setAside.some((said) => said.startsWith(key)), label);
            seen.shorter++;
          }
        } catch (error) {
          assert.ok(isStateError(error, "STATE_CORRUPT"), `${label}: ${error}`);
          // The one before it and the log serve; where there is none before it, it holds nothing yet.
          if (key === newest && text !== undefined && !key.endsWith("0".repeat(16))) assert.fail(`${label}: ${error.message}`);
          seen.corrupt++;
        }
      }
    }
  }
  assert.ok(seen.same > 200 && seen.corrupt > 200 && seen.shorter > 20, JSON.stringify(seen));
});
