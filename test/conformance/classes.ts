/**
 * What each class of entry costs and promises.
 *
 * @module
 */
import { isStateError } from "../../src/errors.ts";
import { StateScope } from "../../src/keys/scopes.ts";
import { classifyByName } from "../../src/state/classes.ts";
import type { StateClass } from "../../src/state/entry.ts";
import { assert, assertEquals, assertStateError, failureOf } from "./assert.ts";
import { createPlug, numbered, readDriver, type Test, times } from "./suite.ts";

const scope = StateScope.agent("a");

/** The classes that every driver can hold. */
const everywhere: readonly StateClass[] = ["standard", "bulk", "archive", "ephemeral"];

/** B15, B16, B17, and the rest about classes. */
export function testClasses(test: Test): void {
  test("B15 ephemeral entries are found by every verb of their state", async ({ open }) => {
    const state = await open();
    await state.save(scope, "stored", 1);
    assertEquals(await state.save(scope, "e", { n: 1 }, { class: "ephemeral" }), { revision: 1, commit: 0 });
    assertEquals([await state.load(scope, "e"), await state.has(scope, "e"), await state.keys(scope).toArray()], [{ n: 1 }, true, [
      "e",
      "stored",
    ]]);
    assertEquals(await state.loadMany(scope, ["e", "stored"]), new Map<string, unknown>([["e", { n: 1 }], ["stored", 1]]));
    const entry = await state.entry(scope, "e");
    assertEquals([entry?.class, entry?.commit, entry?.revision], ["ephemeral", 0, 1]);
    assertEquals((await state.entries(scope).toArray()).map(({ key, value }) => [key, value]), [["e", { n: 1 }], ["stored", 1]]);
    assertEquals(await state.transaction(async (tx) => [await tx.load(scope, "e"), await tx.keys(scope).toArray()]), [{ n: 1 }, [
      "e",
      "stored",
    ]]);
    assertEquals(await state.scopes().toArray(), [scope]);
    await state.save(StateScope.user("only"), "e", 1, { class: "ephemeral" });
    assertEquals(await state.scopes({ type: "user" }).toArray(), [StateScope.user("only")]);
    assertEquals(await state.clear(scope), 2);
    assertEquals([await state.has(scope, "e"), await state.keys(scope).toArray()], [false, []]);
    assertEquals([await state.delete(StateScope.user("only"), "e"), await state.delete(StateScope.user("only"), "e")], [true, false]);
  });

  test("B15 ephemeral entries appear in no driver and no other state, and are gone after a restart", async ({ driver, open }) => {
    const canary = "canary-9a3e-that-nothing-else-spells";
    const state = await open();
    await state.save(scope, "kept", "kept");
    // Another opener brings in what the first commit may have left for later.
    await open();
    const before = await readDriver(await driver());
    await state.save(scope, canary, canary, { class: "ephemeral" });
    await state.update<string>(scope, canary, (text) => `${text}!`);
    await state.save(scope, "n", 1, { class: "ephemeral" });
    await state.increment(scope, "n");
    assertEquals([await state.load(scope, canary), await state.load(scope, "n")], [`${canary}!`, 2]);
    await state.flush();
    assertEquals(await readDriver(await driver()), before);
    assertEquals(await (await open()).keys(scope).toArray(), ["kept"]);
    await state.close();
    const again = await open();
    assertEquals([await again.keys(scope).toArray(), await again.load(scope, canary)], [["kept"], undefined]);
    for (const [key, value] of await readDriver(await driver())) assert(!`${key}${value}`.includes("canary-9a3e"), `${key} holds it`);
  });

  test("B15 the bound on ephemeral entries evicts the least recently used", async ({ open }) => {
    const state = await open({ limits: { ephemeralBytes: 50_000 } });
    const value = "x".repeat(1000);
    await state.save(scope, "used", value, { class: "ephemeral" });
    for (let i = 0; i < 200; i++) {
      await state.save(scope, numbered("k", i), value, { class: "ephemeral" });
      assertEquals(await state.has(scope, "used") && (await state.load(scope, "used")) === value, true, `after ${i}`);
    }
    const keys = await state.keys(scope).toArray();
    assert(keys.length > 5 && keys.length < 100, `${keys.length} are left`);
    assert(keys.includes(numbered("k", 199)) && !keys.includes(numbered("k", 0)), "the newest stay, the oldest go");
    assertEquals(
      keys.filter((key) => key !== "used"),
      Array.from({ length: keys.length - 1 }, (_, i) => numbered("k", 201 - keys.length + i)),
    );
  });

  test("B15 a key named cache: or temp: is durable unless classifyByName or the option says otherwise", async ({ open }) => {
    const plain = await open({ namespace: "plain" });
    for (const key of ["cache:x", "temp:x", "bulk:x"]) {
      assertEquals((await plain.save(scope, key, 1)).commit > 0, true, key);
      assertEquals((await plain.entry(scope, key))?.class, "standard", key);
    }
    await plain.close();
    assertEquals(await (await open({ namespace: "plain" })).keys(scope).toArray(), ["bulk:x", "cache:x", "temp:x"]);
    const byName = await open({ namespace: "by name", classify: classifyByName });
    for (const key of ["cache:x", "temp:x"]) assertEquals((await byName.save(scope, key, 1)).commit, 0, key);
    await byName.save(scope, "cache:stored", 1, { class: "standard" });
    await byName.save(scope, "bulk:x", 1);
    await byName.save(scope, "xcache:", 1);
    assertEquals((await byName.entry(scope, "bulk:x"))?.class, "bulk");
    await byName.close();
    assertEquals(await (await open({ namespace: "by name" })).keys(scope).toArray(), ["bulk:x", "cache:stored", "xcache:"]);
  });

  test("B15 saving ephemeral over a stored value deletes that, and the other way round", async ({ open }) => {
    const state = await open();
    const { revision } = await state.save(scope, "k", "stored");
    const over = await state.save(scope, "k", "ephemeral", { class: "ephemeral" });
    assert(over.revision > revision, "a revision came back");
    assertEquals([await state.load(scope, "k"), await (await open()).load(scope, "k")], ["ephemeral", undefined]);
    assertEquals((await state.save(scope, "k", "stored again", { class: "standard" })).revision > over.revision, true);
    assertEquals((await state.entry(scope, "k"))?.class, "standard");
    await state.close();
    assertEquals(await (await open()).load(scope, "k"), "stored again");
  });

  test("B15 a transaction saves ephemeral entries with the rest, or not at all", async ({ open }) => {
    const state = await open();
    await state.transaction(async (tx) => {
      await tx.save(scope, "e", 1, { class: "ephemeral" });
      await tx.save(scope, "s", 1);
      assertEquals(await tx.keys(scope).toArray(), ["e", "s"]);
    });
    assertEquals(await state.keys(scope).toArray(), ["e", "s"]);
    await state.transaction(async (tx) => {
      await tx.save(scope, "f", 1, { class: "ephemeral" });
      throw new Error("own");
    }).catch(() => {});
    assertEquals(await state.keys(scope).toArray(), ["e", "s"]);
    assertEquals(await (await open()).keys(scope).toArray(), ["s"]);
  });

  test("B15 saving ephemeral where an ephemeral entry has expired deletes what another state stored there since", async ({ open, supports }) => {
    if (supports.writers !== "many") return;
    let now = Date.UTC(2030, 0, 1);
    const [one, two] = [await open({ now: () => now }), await open({ now: () => now })];
    await one.save(scope, "k", 1, { class: "ephemeral", expiresInMs: 500 });
    now += 1000;
    await two.save(scope, "k", 2);
    await one.save(scope, "k", 3, { class: "ephemeral" });
    assertEquals([await one.load(scope, "k"), await two.load(scope, "k")], [3, undefined]);
  });

  test("B15 another state's write shows through where an ephemeral entry of one's own does not stand", async ({ open, supports }) => {
    if (supports.writers !== "many") return;
    const [one, two] = [await open(), await open()];
    await one.save(scope, "k", "one's", { class: "ephemeral" });
    await two.save(scope, "k", "two's");
    assertEquals(await two.load(scope, "k"), "two's");
    await one.delete(scope, "k");
    assertEquals([await one.load(scope, "k"), await two.load(scope, "k")], [undefined, undefined]);
  });

  test("B16 a value written under one class is readable and deletable under any other, also after a restart", async ({ open }) => {
    for (const before of everywhere) {
      for (const after of everywhere) {
        const key = `${before} then ${after}`;
        let state = await open();
        const first = await state.save(scope, key, { of: before }, { class: before });
        assertEquals(await state.load(scope, key), { of: before }, key);
        if (before !== "ephemeral") {
          await state.close();
          state = await open();
          assertEquals([await state.load(scope, key), (await state.entry(scope, key))?.class], [{ of: before }, before], key);
        }
        const second = await state.save(scope, key, { of: after }, { class: after });
        assert(second.revision > first.revision, `${key}: revision ${second.revision} after ${first.revision}`);
        assertEquals([await state.load(scope, key), (await state.entry(scope, key))?.class], [{ of: after }, after], key);
        await state.close();
        state = await open();
        assertEquals(await state.load(scope, key), after === "ephemeral" ? undefined : { of: after }, key);
        assertEquals(await state.delete(scope, key), after !== "ephemeral", key);
        assertEquals(await state.has(scope, key), false, key);
        await state.close();
      }
    }
  });

  test("B16 an archive round trip keeps values of every size, and large ones small", async ({ driver, open }) => {
    const state = await open();
    const story = "the agent said, and then the tool answered; ".repeat(8000);
    const values = [1, "", "short", { nested: [new Date(0), 1n] }, "x".repeat(5000), story, new Uint8Array(100_000)];
    for (const [i, value] of values.entries()) await state.save(scope, `archive:${i}`, value);
    const reader = await open();
    for (const one of [state, reader]) {
      for (const [i, value] of values.entries()) {
        assertEquals(await one.load(scope, `archive:${i}`), value, `value ${i}`);
        assertEquals((await one.entry(scope, `archive:${i}`))?.class, "archive");
      }
    }
    await state.save(scope, "archive:5", `${story}!`);
    assertEquals(await reader.load(scope, "archive:5"), `${story}!`);
    await Promise.all([state.close(), reader.close()]);
    let bytes = 0;
    for (const value of (await readDriver(await driver())).values()) bytes += (value as string | Uint8Array).length;
    assert(bytes < story.length, `${bytes} bytes are stored for texts of ${2 * story.length}`);
  });

  test("B17 bulk writes are read back at once, and coalesce into one commit", async ({ open }) => {
    const state = await open();
    const receipts = await times(50, (i) => state.save(scope, `k${i % 5}`, i, { class: "bulk" }));
    assertEquals(receipts.map(({ commit }) => commit), receipts.map(() => 0));
    for (let k = 0; k < 5; k++) assertEquals(await state.load(scope, `k${k}`), 45 + k);
    assertEquals([(await state.entry(scope, "k0"))?.revision, (await state.entry(scope, "k0"))?.class], [10, "bulk"]);
    assertEquals(await state.keys(scope).toArray(), ["k0", "k1", "k2", "k3", "k4"]);
    await state.flush();
    const { commit } = await state.inspect();
    assert(commit >= 1 && commit <= 3, `50 bulk writes made ${commit} commits`);
    const entries = await (await open()).entries<number>(scope).toArray();
    assertEquals(
      entries.map(({ value, class: name, commit }) => [value, name, commit > 0]),
      [45, 46, 47, 48, 49].map((value) => [value, "bulk", true]),
    );
  });

  test("B17 the next commit of any other class carries what was accepted before it", async ({ open }) => {
    const nexts: Record<string, (state: Awaited<ReturnType<typeof open>>) => Promise<unknown>> = {
      save: (state) => state.save(scope, "next", 1),
      delete: (state) => state.delete(scope, "there"),
      increment: (state) => state.increment(scope, "n"),
      transaction: (state) => state.transaction((tx) => tx.save(scope, "next", 1)),
      clear: (state) => state.clear(StateScope.user("filled")),
      flush: (state) => state.flush(),
      close: (state) => state.close(),
    };
    for (const [name, next] of Object.entries(nexts)) {
      const namespace = `ns ${name}`;
      const [state, reader] = [await open({ namespace }), await open({ namespace })];
      await state.save(scope, "there", 1);
      await state.save(StateScope.user("filled"), "k", 1);
      await state.save(scope, "bulk", name, { class: "bulk" });
      await next(state);
      assertEquals(await reader.load(scope, "bulk"), name);
    }
  });

  test("B17 after a cut the store holds the bulk writes up to some moment, none torn", async ({ driver, open, supports }) => {
    if (supports.writers !== "many") return;
    const plug = createPlug(await driver());
    const state = await open({ driver: plug.driver });
    for (let i = 0; i < 150; i++) {
      await state.save(scope, numbered("k", i), { i, text: "x".repeat(i) }, { class: "bulk" });
      if (i === 120) await state.flush();
    }
    plug.pull();
    const entries = await (await open()).entries<{ i: number; text: string }>(scope).toArray();
    assert(entries.length >= 121 && entries.length <= 150, `${entries.length} are stored`);
    assertEquals(entries.map(({ key }) => key), entries.map((_, i) => numbered("k", i)));
    for (const [i, { value }] of entries.entries()) assertEquals(value, { i, text: "x".repeat(i) });
    const failure = await failureOf(state.flush());
    assert(isStateError(failure, "STATE_DRIVER", "STATE_UNCERTAIN"), `flush() through a cut gave ${failure}`);
    plug.push();
    await state.flush();
    assertEquals((await (await open()).keys(scope).toArray()).length, 150);
  });

  test("B17 clear, copy and listings count bulk writes that are not flushed yet", async ({ open }) => {
    const state = await open();
    const fill = () => times(3, (i) => state.save(scope, `k${i}`, i, { class: "bulk" }));
    await fill();
    assertEquals(await state.keys(scope).toArray(), ["k0", "k1", "k2"]);
    assertEquals(await state.copy(scope, StateScope.agent("b")), 3);
    await fill();
    assertEquals(await state.transaction((tx) => tx.clear(scope)), 3);
    await fill();
    assertEquals(await state.clear(scope), 3);
    await fill();
    assertEquals([await state.delete(scope, "k1"), await state.move(scope, StateScope.agent("c"))], [true, 2]);
    const reader = await open();
    assertEquals((await reader.scopes().toArray()).map(StateScope.format), ["agent:b", "agent:c"]);
    assertEquals((await reader.entries(StateScope.agent("c")).toArray()).map(({ value, class: name }) => [value, name]), [[0, "bulk"], [
      2,
      "bulk",
    ]]);
  });

  test("B17 a bulk write that another state overtook takes a greater revision than both", async ({ open, supports }) => {
    if (supports.writers !== "many") return;
    const [one, two] = [await open(), await open()];
    const bulk = await one.save(scope, "k", "bulk", { class: "bulk" });
    const theirs = await two.save(scope, "k", "theirs");
    await one.flush();
    for (const state of [one, two]) {
      const entry = await state.entry(scope, "k");
      assertEquals(entry?.value, "bulk");
      assert(entry!.revision > theirs.revision && entry!.revision > bulk.revision, `revision ${entry!.revision} of both`);
    }
    await assertStateError(() => two.save(scope, "k", "late", { ifRevision: theirs.revision }), "STATE_CONFLICT");
  });

  test("B17 a bulk write keeps its order among others of the same key", async ({ open }) => {
    const state = await open();
    await state.save(scope, "k", 1, { class: "bulk" });
    await state.save(scope, "k", 2);
    assertEquals(await state.load(scope, "k"), 2);
    await state.save(scope, "k", 3, { class: "bulk" });
    assertEquals(await state.increment(scope, "k"), 4);
    await state.save(scope, "k", 5, { class: "bulk" });
    assertEquals(await state.transaction((tx) => tx.load(scope, "k")), 5);
    await state.save(scope, "k", 6, { class: "bulk" });
    assertEquals([await state.delete(scope, "k"), await state.has(scope, "k")], [true, false]);
    await state.save(scope, "k", 7, { class: "bulk" });
    await state.close();
    assertEquals(await (await open()).load(scope, "k"), 7);
  });

  test("B17 bulk writes heed ifRevision, and refuse what cannot be stored, before they are accepted", async ({ open }) => {
    const state = await open();
    await state.save(scope, "k", 1, { class: "bulk", ifRevision: null });
    await assertStateError(() => state.save(scope, "k", 2, { class: "bulk", ifRevision: null }), "STATE_CONFLICT");
    await assertStateError(() => state.save(scope, "k", 2, { class: "bulk", ifRevision: 9 }), "STATE_CONFLICT");
    assertEquals((await state.save(scope, "k", 3, { class: "bulk", ifRevision: 1 })).revision, 2);
    await assertStateError(() => state.save(scope, "k", Symbol("no"), { class: "bulk" }), "STATE_INVALID_VALUE");
    await state.flush();
    assertEquals(await (await open()).load(scope, "k"), 3);
  });

  test("critical entries are stored where the driver is durable, and STATE_UNSUPPORTED elsewhere", async ({ open, supports }) => {
    const state = await open();
    const isDurable = supports.durability === "fsync" || supports.durability === "relaxed";
    const calls: [key: string, call: () => Promise<unknown>][] = [
      ["by option", () => state.save(scope, "by option", 1, { class: "critical" })],
      ["critical:by name", () => state.save(scope, "critical:by name", 1)],
      ["in a transaction", () => state.transaction((tx) => tx.save(scope, "in a transaction", 1, { class: "critical" }))],
      ["critical:by update", () => state.update(scope, "critical:by update", () => 1)],
      ["critical:by increment", () => state.increment(scope, "critical:by increment")],
      ["critical:by once", () => state.once(scope, "critical:by once", () => 1)],
    ];
    for (const [key, call] of calls) {
      if (isDurable) {
        await call();
        assertEquals([await state.load(scope, key), (await state.entry(scope, key))?.class], [1, "critical"], key);
      } else {
        const { details } = await assertStateError(call, "STATE_UNSUPPORTED", key);
        assert(details.needs.length > 0, "it should say what is needed");
      }
    }
    await state.save(scope, "critical:but not", 1, { class: "standard" });
    assertEquals((await (await open()).keys(scope).toArray()).length, isDurable ? 7 : 1);
  });

  test("classify is asked for entries saved without a class, and an option goes before it", async ({ open }) => {
    const asked: [StateScope, string][] = [];
    const state = await open({
      classify: (where, key) => {
        asked.push([where, key]);
        return key.startsWith("big") ? "archive" : undefined;
      },
    });
    await state.save(scope, "big one", 1);
    await state.save(scope, "big two", 1, { class: "standard" });
    await state.save(scope, "archive:x", 1);
    await state.save(scope, "other", 1);
    assertEquals((await state.entries(scope).toArray()).map(({ key, class: name }) => [key, name]), [
      ["archive:x", "archive"],
      ["big one", "archive"],
      ["big two", "standard"],
      ["other", "standard"],
    ]);
    assertEquals(asked.every(([where]) => where === scope || StateScope.format(where) === "agent:a"), true);
    assert(asked.some(([, key]) => key === "big one"), "it was not asked");
  });
}
