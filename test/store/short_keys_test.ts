import assert from "node:assert/strict";
import fc from "fast-check";
import { memory } from "../../adapters/memory.ts";
import { dropNamespace, listNamespaces, openState, repair, StateScope } from "../../mod.ts";
import { createDigester } from "../../src/digest.ts";
import type { Driver } from "../../src/store/driver.ts";
import { createSeal } from "../../src/store/seal.ts";
import { withShortKeys } from "../../src/store/short_keys.ts";

const seal = createSeal(createDigester());
const keyBytes = 640;

/** A driver that fails the test if a key is longer than it declares. */
function strict(inner: Driver = memory()): Driver & Required<Pick<Driver, "getMany" | "list" | "commit">> {
  const check = (keys: readonly string[]) => {
    for (const key of keys) assert.ok(key.length <= keyBytes, `a key of ${key.length} bytes`);
  };
  return {
    ...inner,
    supports: { ...inner.supports!, keyBytes },
    getMany: (keys) => {
      check(keys);
      return inner.getMany!(keys);
    },
    list: (options) => inner.list!(options),
    commit: (batch) => {
      check([...batch.checks.map(({ key }) => key), ...batch.set.map(([key]) => key), ...batch.remove]);
      return inner.commit!(batch);
    },
  };
}

/** Names that are alike for as long as a cut keeps them, and beyond. */
const segment = fc.tuple(fc.constantFrom(0, 1, 70, 79, 80, 81, 82, 140, 150, 400), fc.stringMatching(/^[a-c~]{0,3}$/))
  .map(([length, end]) => `${"x".repeat(length)}${end}`.replace(/~~+/g, "~") || "a");
const key = fc.array(segment, { minLength: 2, maxLength: 4 }).map((segments) => segments.join("!"));

Deno.test("withShortKeys() answers as a driver that takes keys of any length", async () => {
  const step = fc.record({
    set: fc.array(fc.tuple(key, fc.constantFrom<string | Uint8Array>("A", "B\nC", new Uint8Array([0, 255])))),
    remove: fc.array(key),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 8 }),
      fc.array(
        fc.record({
          prefix: key,
          cut: fc.nat(500),
          after: fc.option(key),
          limit: fc.integer({ min: 1, max: 7 }),
          reverse: fc.boolean(),
          values: fc.boolean(),
        }),
      ),
      async (steps, lists) => {
        const model = memory();
        const short = withShortKeys(strict(), keyBytes, seal);
        const all = new Set<string>();
        for (const { set, remove } of steps) {
          const keys = new Set(set.map(([name]) => name));
          const batch = { checks: [], set: [...new Map(set)], remove: remove.filter((name) => !keys.has(name)), durable: false };
          for (const name of keys) all.add(name);
          assert.equal(await short.commit(batch), await model.commit!(batch));
        }
        assert.deepEqual(await short.getMany([...all]), await model.getMany!([...all]));
        for (const { prefix, cut, after, ...rest } of lists) {
          const options = { prefix: prefix.slice(0, cut), ...rest, ...after === null ? {} : { after } };
          assert.deepEqual(await short.list(options), await model.list!(options));
        }
        for (const name of all) {
          const [is] = await model.getMany!([name]);
          if (is instanceof Uint8Array) continue;
          const checks = [{ key: name, is }];
          assert.equal(await short.commit({ checks, set: [[name, "D"]], remove: [], durable: false }), true);
          assert.equal(await short.commit({ checks: [{ key: name, is: "no" }], set: [], remove: [], durable: false }), false);
          await model.commit!({ checks, set: [[name, "D"]], remove: [], durable: false });
        }
        assert.deepEqual(await short.getMany([...all]), await model.getMany!([...all]));
      },
    ),
    { numRuns: 300 * Number(Deno.env.get("TEST_RUNS_FACTOR") ?? 1) },
  );
});

Deno.test("withShortKeys() over a value of another key with the same digest is STATE_CORRUPT", async () => {
  const inner = strict();
  const short = withShortKeys(inner, keyBytes, seal);
  const long = `ns!${"x".repeat(300)}`;
  await short.commit({ checks: [], set: [[long, "mine"]], remove: [], durable: false });
  const [{ key: cut } = { key: "" }] = await inner.list({ prefix: "", limit: 1 });
  for (const forged of [`K1\nns!${"x".repeat(299)}y\nmine`, "K1", "mine"]) {
    await inner.commit({ checks: [], set: [[cut, forged]], remove: [], durable: false });
    await assert.rejects(short.getMany([long]), { code: "STATE_CORRUPT" });
  }
});

Deno.test("openState() on a driver that takes short keys only keeps the longest keys, ids and namespaces, in order", async () => {
  const driver = strict();
  const namespace = "𝒩".repeat(128);
  const ids = ["a", "b"].map((end) => "é".repeat(250) + end);
  const state = await openState({ driver, namespace });
  for (const id of ids) {
    for (const end of ["z", "Y", ""]) {
      await state.save(StateScope.step("W".repeat(512), id), "K".repeat(500) + end, { id, end }, { expiresInMs: 1e9 });
    }
    await state.once(StateScope.user(id), "k".repeat(512), () => id);
  }
  await state.close();
  assert.deepEqual(await Array.fromAsync(listNamespaces(driver)), [namespace]);
  await using again = await openState({ driver, namespace });
  for (const id of ids) {
    const scope = StateScope.step("W".repeat(512), id);
    assert.deepEqual((await again.keys(scope).toArray()).map((name) => name.slice(500)), ["", "Y", "z"]);
    assert.deepEqual((await again.keys(scope, { reverse: true, limit: 2 }).toArray()).map((name) => name.slice(500)), ["z", "Y"]);
    assert.deepEqual(await again.load(scope, "K".repeat(500) + "z"), { id, end: "z" });
    assert.equal(await again.once(StateScope.user(id), "k".repeat(512), () => "again"), id);
  }
  assert.equal(await again.clear(StateScope.step("W".repeat(512), ids[0]!)), 3);
  assert.deepEqual((await again.scopes({ type: "step" }).toArray()).length, 1);
});

Deno.test("repair() on a driver with short keys mends what lost its whole key, and sets aside what it cannot", async () => {
  const long = "k".repeat(300);
  for (const isInLog of [true, false]) {
    const driver = strict();
    const state = await openState({ driver });
    for (let i = 0; i < 4; i++) await state.save(StateScope.agent("a"), `${long}${i}`, i);
    await state.close();
    const cut = (await driver.getKeys("")).filter((key) => key.includes("!cur!") && key.includes("~~"));
    assert.equal(cut.length, 4);
    const [row = ""] = cut;
    const value = String(await driver.getItem(row));
    const log = (await driver.getKeys("")).filter((key) => key.includes("!log!"));
    await driver.commit!({
      checks: [],
      // A bit of the whole key; once its record is gone as well.
      set: [[row, value.replace("kkk", "kkj")]],
      remove: isInLog ? [] : log,
      durable: false,
    });
    await assert.rejects(async () => {
      const state = await openState({ driver });
      await state.keys(StateScope.agent("a")).toArray().finally(() => state.close());
    }, { code: "STATE_CORRUPT" });
    const report = await repair(driver, { namespace: "state" });
    assert.deepEqual(report.lostCommits, isInLog ? [] : [1, 2, 3, 4]);
    const after = await openState({ driver });
    assert.equal((await after.keys(StateScope.agent("a")).toArray()).length, isInLog ? 4 : 3);
    await after.save(StateScope.agent("a"), `${long}0`, "new");
    await after.close();
    assert.deepEqual((await repair(driver, { namespace: "state" })).lostCommits, []);
    await dropNamespace(driver, "state");
    assert.deepEqual(await driver.getKeys(""), []);
  }
});
