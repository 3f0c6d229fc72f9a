/**
 * Today's code reads every format that was ever written, and writes the newest one to the byte.
 *
 * @module
 */
import assert from "node:assert/strict";
import { memory } from "../adapters/memory.ts";
import { openState, StateScope } from "../mod.ts";
import { limitDriver } from "./faults/limited_driver.ts";
import golden from "./golden/format_1.json" with { type: "json" };
import { dump, load, show, tell } from "./golden/story.ts";

for (const [name, { shows, items }] of Object.entries(golden)) {
  const make = () => name === "pieces" ? limitDriver(memory()) : memory();

  Deno.test(`format 1, ${name}: what was written once is read, every entry of it`, async () => {
    const driver = memory();
    await load(driver, items);
    await using state = await openState({ driver });
    assert.deepEqual(await show(state), shows);
    assert.deepEqual(state.recovered, { replayed: 0, setAside: [] });
  });

  Deno.test(`format 1, ${name}: what was written once is written on, and remembers its operations`, async () => {
    const driver = memory();
    await load(driver, items);
    await using state = await openState({ driver });
    assert.equal((await state.save(StateScope.agent("gpt-4"), "deleted", 2)).revision, 3);
    assert.equal(await state.load(StateScope.global, "count"), 5);
    assert.equal((await state.inspect()).commit, Number(/"commit":(\d+)/.exec(items["state!head" as keyof typeof items])?.[1]) + 1);
  });

  Deno.test(`format 1, ${name}: the same calls write the same bytes`, async () => {
    const driver = make();
    await tell(driver);
    assert.deepEqual(await dump(driver), items);
  });
}
