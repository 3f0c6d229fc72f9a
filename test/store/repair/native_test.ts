/** Repairing while others have the store open, and using it afterwards. */
import assert from "node:assert/strict";
import { memory } from "../../../adapters/memory.ts";
import { dropNamespace, isStateError, listNamespaces, openState, repair, type StateManager, StateScope } from "../../../mod.ts";
import type { Driver } from "../../../src/store/driver.ts";
import { flip, headIn, itemsOf, kindOf, shownBy, storeOf, tellStory, text, withHead } from "../../faults/repair_story.ts";
import { limitDriver } from "../../faults/limited_driver.ts";

const namespace = "state";
const scope = StateScope.agent("a");

/** The same store as another process sees it: closing a state leaves it as it is. */
const again = (driver: Driver): Driver => ({ ...driver });

/** Overwrites what stands under a key, in the driver's own way. */
async function put(driver: Driver, key: string, value: string | Uint8Array | undefined): Promise<void> {
  await driver.commit!({
    checks: [],
    set: value === undefined ? [] : [[key, value]],
    remove: value === undefined ? [key] : [],
    durable: false,
  });
}

async function keysOf(driver: Driver, kind: string): Promise<string[]> {
  return [...(await itemsOf(driver)).keys()].filter((key) => kindOf(key) === kind);
}

/** A store of so many commits of one key each, and `damage` done to it. */
async function storeWith(commits: number): Promise<Driver> {
  const driver = memory();
  const state = await openState({ driver });
  for (let i = 1; i <= commits; i++) await state.save(scope, `k${i % 4}`, i);
  await state.close();
  return driver;
}

Deno.test("repair() of a namespace that is not there, or that was dropped, is nothing, and makes nothing", async () => {
  const driver = memory();
  assert.deepEqual(await repair(driver, { namespace }), { kept: 0, lostCommits: [] });
  assert.deepEqual(await driver.getKeys(""), []);
  await (await openState({ driver: again(driver) })).close();
  await dropNamespace(driver, namespace);
  assert.deepEqual(await repair(driver, { namespace }), { kept: 0, lostCommits: [] });
  assert.deepEqual(await driver.getKeys(""), []);
});

Deno.test("repair() of a namespace whose drop was cut off leaves that to who comes next", async () => {
  const { items } = await tellStory((driver) => driver);
  const driver = await storeOf(await withHead(items, { dropping: true }));
  const before = await itemsOf(driver);
  assert.deepEqual(await repair(driver, { namespace }), { kept: 0, lostCommits: [] });
  assert.deepEqual(await itemsOf(driver), before);
});

Deno.test("repair() of one namespace leaves the others, and what stands beside them", async () => {
  const driver = memory();
  for (const namespace of ["state", "state2", "stat"]) {
    const state = await openState({ driver: again(driver), namespace });
    for (let i = 0; i < 5; i++) await state.save(scope, `k${i}`, i);
    await state.close();
  }
  const others = async () => new Map([...await itemsOf(driver)].filter(([key]) => !key.startsWith("state!")));
  const before = await others();
  await put(driver, "state!cur!agent!a!k1", "R1\nnonsense");
  await put(driver, "state!log!0000000000000002", undefined);
  assert.deepEqual(await repair(driver, { namespace }), { kept: 4, lostCommits: [2] });
  assert.deepEqual(await others(), before);
});

Deno.test("repair() closes the state of whoever has it open, and loses nothing that was acknowledged before", async () => {
  const driver = memory();
  const writer = await openState({ driver: again(driver) });
  const reader = await openState({ driver: again(driver) });
  for (let i = 0; i < 20; i++) await writer.save(scope, `k${i}`, i);
  await reader.load(scope, "k1");
  await put(driver, "state!cur!agent!a!k7", "");
  const writes = Array.from({ length: 50 }, async (_, i) => {
    try {
      await writer.save(scope, "late", i);
      return i;
    } catch (error) {
      assert.ok(isStateError(error, "STATE_CLOSED"), String(error));
      return -1;
    }
  });
  assert.deepEqual((await repair(driver, { namespace })).lostCommits, []);
  const written = Math.max(...await Promise.all(writes));
  for (const call of [() => reader.load(scope, "k1"), () => writer.save(scope, "k1", 2), () => reader.keys(scope).toArray()]) {
    await assert.rejects(call, { code: "STATE_CLOSED" });
  }
  await using state = await openState({ driver: again(driver) });
  for (let i = 0; i < 20; i++) assert.equal(await state.load(scope, `k${i}`), i);
  assert.equal(await state.load(scope, "late"), written < 0 ? undefined : written);
  await writer.close();
  await reader.close();
});

Deno.test("a commit whose answer was lost before a repair is uncertain, not refused", async () => {
  const driver = memory();
  let isLost = false;
  const losing: Driver = {
    ...driver,
    commit: async (batch) => {
      const written = await driver.commit!(batch);
      if (!isLost) return written;
      isLost = false;
      await put(driver, "state!log!0000000000000001", undefined);
      assert.deepEqual(await repair(driver, { namespace }), { kept: 1, lostCommits: [1] });
      throw new Error("the answer is lost");
    },
  };
  const state = await openState({ driver: losing });
  await state.save(scope, "k", 1);
  isLost = true;
  await assert.rejects(() => state.save(scope, "k", 2), { code: "STATE_UNCERTAIN" });
  await using next = await openState({ driver: again(driver) });
  assert.equal(await next.load(scope, "k"), 2);
  await state.close();
});

Deno.test("repair() of a store that others write all the time, and in which nothing is wrong, disturbs nobody", async () => {
  const driver = limitDriver(memory());
  const state = await openState({ driver: again(driver) });
  let isOver = false;
  const writing = (async () => {
    for (let i = 0; !isOver; i++) {
      await state.save(scope, `k${i % 50}`, text(2000, i));
      if (i % 5 === 0) await state.transaction((tx) => Promise.all(Array.from({ length: 30 }, (_, k) => tx.save(scope, `t${k}`, i))));
      if (i % 7 === 0) await state.delete(scope, `k${i % 50}`);
      await new Promise((resolve) => setTimeout(resolve));
    }
  })();
  for (let i = 0; i < 10; i++) assert.deepEqual((await repair(driver, { namespace })).lostCommits, []);
  isOver = true;
  await writing;
  await state.close();
});

Deno.test("two calls of repair() at once mend one store", async () => {
  const story = await tellStory((driver) => driver);
  for (let round = 0; round < 5; round++) {
    const items = new Map(story.items);
    for (const key of items.keys()) if (["cur", "gone"].includes(kindOf(key))) items.set(key, flip(items.get(key)!, 50 + round));
    const driver = await storeOf(items);
    const slow = { ...driver, list: async (options: never) => (await wait(round), await driver.list!(options)) };
    const reports = await Promise.all([repair(driver, { namespace }), repair(slow, { namespace })]);
    for (const { lostCommits } of reports) assert.deepEqual(lostCommits, []);
    assert.deepEqual(await shownBy(driver), story.shows);
    assert.deepEqual((await repair(driver, { namespace })).lostCommits, []);
  }
});

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

Deno.test("a repair that was cut off is STATE_CORRUPT for who opens, and is finished by the next one", async () => {
  const driver = await storeWith(9);
  await put(driver, "state!log!0000000000000005", undefined);
  let calls = 0;
  const dying: Driver = {
    ...driver,
    commit: (batch) => calls++ === 0 ? driver.commit!(batch) : Promise.reject(new Error("it is gone")),
  };
  await assert.rejects(() => repair(dying, { namespace }), { code: "STATE_DRIVER" });
  for (const readOnly of [false, true]) {
    await assert.rejects(() => openState({ driver: again(driver), readOnly }), { code: "STATE_CORRUPT" });
  }
  assert.deepEqual(await Array.fromAsync(listNamespaces(driver)), ["state"]);
  assert.deepEqual(await repair(driver, { namespace, dryRun: true }), { kept: 8, lostCommits: [5] });
  assert.deepEqual(await repair(driver, { namespace }), { kept: 8, lostCommits: [5] });
  const state = await openState({ driver });
  assert.equal(await state.load(scope, "k1"), 9);
  await state.close();
});

Deno.test("repair() begins a new epoch with a commit of its own, and the numbers go on", async () => {
  const driver = await storeWith(9);
  await put(driver, "state!log!0000000000000005", undefined);
  await repair(driver, { namespace });
  const head = headIn(await itemsOf(driver))!;
  assert.deepEqual([head.epoch, head.commit, head.horizon, head.repaired], [2, 10, 5, 10]);
  const state = await openState({ driver });
  assert.deepEqual(await state.inspect().then(({ commit, oldest, entries }) => [commit, oldest, entries]), [10, 6, 4]);
  assert.deepEqual(state.recovered, { replayed: 0, setAside: [] });
  assert.equal((await state.save(scope, "k1", "new")).commit, 11);
  await state.close();
});

Deno.test("revisions do not come back after a repair that lost some, in no verb", async () => {
  const verbs: readonly ((state: StateManager) => Promise<unknown>)[] = [
    (state) => state.save(scope, "k", "new"),
    (state) => state.update(scope, "k", () => "new"),
    (state) => state.transaction((tx) => tx.save(scope, "k", "new")),
    (state) => state.save(scope, "k", "new", { class: "bulk" }),
    (state) => state.save(scope, "k", "new", { class: "ephemeral" }),
    async (state) => {
      await state.save(StateScope.agent("b"), "k", "new");
      await state.copy(StateScope.agent("b"), scope);
    },
    async (state) => {
      await state.delete(scope, "k");
      await state.save(scope, "k", "new");
    },
    async (state) => {
      await state.clear(scope);
      await state.save(scope, "k", "new");
    },
    async (state) => {
      await state.move(scope, StateScope.agent("c"));
      await state.save(scope, "k", "new");
    },
  ];
  for (const verb of verbs) {
    for (const saves of [1, 3]) {
      const driver = memory();
      const before = await openState({ driver: again(driver) });
      let lost = 0;
      for (let i = 0; i < saves; i++) lost = (await before.save(scope, "k", text(9000, i))).revision;
      await before.close();
      const [object = ""] = (await keysOf(driver, "obj")).slice(-1);
      const newest = /"([0-9a-f]+-[0-9a-f]{64})"/.exec(String((await itemsOf(driver)).get("state!cur!agent!a!k")))![1]!;
      await put(driver, object.replace(/obj!.*!/, `obj!${newest}!`), undefined);
      assert.deepEqual((await repair(driver, { namespace })).lostCommits, [saves]);
      const state = await openState({ driver });
      assert.equal((await state.entry(scope, "k"))?.revision, saves === 1 ? undefined : saves - 1);
      if (saves > 1) await assert.rejects(() => state.save(scope, "k", 1, { ifRevision: lost }), { code: "STATE_CONFLICT" });
      await verb(state);
      const { revision, value } = (await state.entry(scope, "k"))!;
      assert.ok(revision > 1e12 && value === "new", `${verb}: ${revision}`);
      const { revision: next } = await state.save(scope, "k", "next", { ifRevision: revision });
      assert.ok(next > revision);
      await state.close();
    }
  }
});

Deno.test("repair() of a head that was set back goes on behind what was committed since", async () => {
  const driver = await storeWith(6);
  const head = (await itemsOf(driver)).get("state!head")!;
  const state = await openState({ driver: again(driver) });
  for (let i = 0; i < 3; i++) await state.save(scope, `later${i}`, i);
  await state.close();
  await put(driver, "state!head", head);
  assert.deepEqual(await repair(driver, { namespace }), { kept: 9, lostCommits: [] });
  const next = await openState({ driver });
  assert.equal((await next.save(scope, "k", 1)).commit, 11);
  for (let i = 0; i < 3; i++) assert.equal(await next.load(scope, `later${i}`), i);
  await next.close();
});

Deno.test("the log is cut after a repair, too, and with it what the records that were kept still named", async () => {
  const driver = memory();
  const before = await openState({ driver: again(driver) });
  for (let i = 0; i < 6; i++) await before.save(scope, "long", text(9000, i));
  await before.close();
  await put(driver, "state!log!0000000000000003", "L1\nnonsense");
  assert.deepEqual(await repair(driver, { namespace }), { kept: 5, lostCommits: [3] });
  const warnings: string[] = [];
  const state = await openState({ driver: again(driver), onWarning: ({ message }) => warnings.push(message) });
  for (let i = 0; i < 1400; i++) await state.save(scope, `k${i % 3}`, i);
  const { bytes } = await state.inspect();
  await state.close();
  assert.deepEqual(warnings, []);
  assert.deepEqual((await keysOf(driver, "log")).filter((key) => key < "state!log!0000000000000008"), []);
  assert.equal((await keysOf(driver, "obj")).length, 1);
  assert.equal(bytes.objects, 9002);
  // The damaged record, and the value that it dropped.
  assert.equal((await keysOf(driver, "aside")).length, 2);
  assert.ok(bytes.setAside > 9000);
  assert.deepEqual((await repair(driver, { namespace })).lostCommits, []);
  await dropNamespace(driver, namespace);
  assert.deepEqual(await driver.getKeys(""), []);
});

Deno.test("repair() leaves what a newer version of the library wrote", async () => {
  for (const [key, change] of [["state!head", (text: string) => text.replace("H1", "H2")]] as const) {
    const driver = await storeWith(5);
    await put(driver, key, change(String((await itemsOf(driver)).get(key))));
    const before = await itemsOf(driver);
    await assert.rejects(() => repair(driver, { namespace }), { code: "STATE_NEWER_FORMAT" });
    assert.deepEqual(await itemsOf(driver), before);
  }
  for (const features of [{ read: ["x"] }, { write: ["x"] }]) {
    const driver = await storeOf(await withHead(await itemsOf(await storeWith(5)), features));
    await put(driver, "state!log!0000000000000002", undefined);
    const before = await itemsOf(driver);
    await assert.rejects(() => repair(driver, { namespace }), { code: "STATE_NEWER_FORMAT" });
    assert.deepEqual(await itemsOf(driver), before);
  }
});

Deno.test("repair() takes the options that there are, and names the one that is none", async () => {
  const driver = memory();
  const wrong: readonly [unknown, RegExp][] = [
    [undefined, /options that are undefined: they must be an object/],
    [{}, /namespace is missing/],
    [{ namespace: null }, /namespace null: it must be a string/],
    [{ namespace, dryrun: true }, /"dryrun"/],
    [{ namespace, dryRun: 1 }, /dryRun 1: it must be true or false/],
  ];
  for (const [options, message] of wrong) await assert.rejects(() => repair(driver, options as never), { name: "TypeError", message });
  await assert.rejects(() => repair(driver, { namespace: "" }), { code: "STATE_INVALID_KEY" });
  await assert.rejects(() => repair("memory:" as never, { namespace }), { name: "TypeError", message: /^Cannot repair: .*openDriver/ });
});

Deno.test("a large value that an entry fell back to stays, however much is committed then", async () => {
  const driver = memory();
  const before = await openState({ driver: again(driver) });
  for (let i = 0; i < 2; i++) await before.save(scope, "long", text(9000, i));
  await before.close();
  const row = String((await itemsOf(driver)).get("state!cur!agent!a!long"));
  const [, newest = ""] = /"([0-9a-f]+-[0-9a-f]{64})"/.exec(row)!;
  await put(driver, `state!obj!${newest}!0000000000000000`, undefined);
  assert.deepEqual(await repair(driver, { namespace }), { kept: 1, lostCommits: [2] });
  const state = await openState({ driver: again(driver) });
  for (let i = 0; i < 1400; i++) await state.save(scope, `k${i % 3}`, i);
  assert.equal(await state.load(scope, "long"), text(9000, 0));
  await state.close();
});

Deno.test("a row is not made from a record that neither the one behind it nor the head proves", async () => {
  const driver = await storeWith(6);
  const [key, next] = ["state!log!0000000000000003", "state!log!0000000000000004"];
  // The third commit saved k3 for the first time; nothing but the chain says so.
  const record = String((await itemsOf(driver)).get(key)).replace('["s",1,0,', '["s",4,0,');
  await put(driver, key, record);
  await put(driver, next, undefined);
  await put(driver, "state!cur!agent!a!k3", "");
  assert.deepEqual(await repair(driver, { namespace }), { kept: 4, lostCommits: [3, 4] });
  const state = await openState({ driver });
  assert.equal(await state.entry(scope, "k3"), undefined);
  await state.close();
});

Deno.test("a record whose number is damaged is no other one", async () => {
  const driver = await storeWith(9);
  await put(driver, "state!head", undefined);
  const record = String((await itemsOf(driver)).get("state!log!0000000000000009"));
  await put(driver, "state!log!0000000000000009", record.replace("[9,", "[89,"));
  assert.deepEqual(await repair(driver, { namespace }), { kept: 8, lostCommits: [9] });
  const state = await openState({ driver });
  assert.deepEqual([(await state.inspect()).commit, await state.load(scope, "k1")], [10, 9]);
  await state.close();
});

Deno.test("a batch of a repair that comes late changes nothing: another one was done, and others wrote on", async () => {
  const { items, shows } = await tellStory((driver) => driver);
  const damaged = new Map(items);
  for (const key of damaged.keys()) if (kindOf(key) === "cur") damaged.set(key, flip(damaged.get(key)!, 60));
  const driver = await storeOf(damaged);
  const held = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  let commits = 0;
  const slow: Driver = {
    ...driver,
    commit: async (batch) => {
      if (++commits === 2) {
        held.resolve();
        await gate.promise;
      }
      return await driver.commit!(batch);
    },
  };
  const late = repair(slow, { namespace });
  await held.promise;
  await repair(driver, { namespace });
  const state = await openState({ driver: again(driver) });
  await state.save(StateScope.global, "n", "new");
  gate.resolve();
  assert.deepEqual((await late).lostCommits, []);
  assert.equal(await state.load(StateScope.global, "n"), "new");
  await state.close();
  const after = await shownBy(driver);
  assert.deepEqual(after.filter((line) => !line.includes('global "n"')), shows.filter((line) => !line.includes('global "n"')));
});
