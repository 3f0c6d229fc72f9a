/**
 * Opening: what it takes, what it refuses with a word of help, and what it tells.
 *
 * @module
 */
import { StateScope } from "../../src/keys/scopes.ts";
import { dropNamespace, listNamespaces, openState, repair } from "../../src/open.ts";
import { assert, assertEquals, assertMisuse, assertStateError } from "./assert.ts";
import { callsOf, writingCalls } from "./errors_and_closing.ts";
import { createClock, createGate, createPlug, listDriver, numbered, readDriver, type Stage, type Test, wipeDriver } from "./suite.ts";

const scope = StateScope.user("u");

/** Writes a little of everything, one call after another. */
async function script({ open }: Stage): Promise<void> {
  const clock = createClock();
  let seed = 1;
  // Deterministic, and no eight bytes the same twice (Lehmer's generator, its high bits).
  const random = (count: number) => Uint8Array.from({ length: count }, () => (seed = seed * 48_271 % 2_147_483_647) >> 16);
  const state = await open({ now: clock.now, random });
  for (let i = 0; i < 10; i++) {
    clock.advance(7);
    await state.save(scope, numbered("k", i), { i, text: "x".repeat(i * 1500) });
  }
  await state.transaction(async (tx) => {
    await tx.increment(scope, "n");
    await tx.delete(scope, numbered("k", 3));
  });
  await state.save(scope, "archive:k", "y".repeat(20_000));
  await state.once(scope, "once", ({ id }) => id);
  await state.increment(scope, "n", 2, { operationId: "op" });
  await state.move(scope, StateScope.user("v"));
  await state.close();
}

/** Options, refusals, readOnly, warnings, what `supports` and `inspect` say. */
export function testOpening(test: Test): void {
  test("openState() makes what is missing, and finds it again", async ({ driver, open }) => {
    assertEquals(await listDriver(await driver()), []);
    const state = await open();
    assertEquals([await state.keys(scope).toArray(), await state.scopes().toArray(), (await state.inspect()).commit], [[], [], 0]);
    assertEquals(state.recovered, { replayed: 0, setAside: [] });
    await state.save(scope, "k", 1);
    await state.close();
    const again = await open();
    assertEquals([await again.load(scope, "k"), again.recovered], [1, { replayed: 0, setAside: [] }]);
  });

  test("openState() of one store twice at once makes one namespace", async ({ open, supports }) => {
    if (supports.writers !== "many") return;
    const states = await Promise.all(Array.from({ length: 6 }, () => open()));
    await Promise.all(states.map((state, i) => state.save(scope, `k${i}`, i)));
    for (const state of states) assertEquals((await state.keys(scope).toArray()).length, 6);
    assertEquals((await states[0]!.inspect()).commit, 6);
  });

  test("openState() refuses what is no driver, and says what to write", async () => {
    function sqlite() {}
    const wrong: [driver: unknown, about: string, says: RegExp][] = [
      [{ mount: () => {}, getItem: () => null, setItem: () => {} }, "a Storage", /Storage.*driver/s],
      [sqlite, "an adapter that was not called", /sqlite\(/],
      [() => {}, "a function without a name", /call/],
      ["sqlite:./state.db", "a URL", /openDriver\("sqlite:\.\/state\.db"\)/],
      [null, "null", /driver/],
      [7, "a number", /driver/],
      [{}, "an empty object", /driver/],
      [new Map(), "a Map", /driver/],
    ];
    for (const [driver, about, says] of wrong) await assertMisuse(() => openState({ driver: driver as never }), about, says);
    const other = "./state" as never;
    await assertMisuse(() => dropNamespace(other, "state"), "dropping", /^Cannot drop a namespace: .*openDriver/);
    const listing = listNamespaces(other)[Symbol.asyncIterator]();
    await assertMisuse(() => listing.next(), "listing", /^Cannot list namespaces: .*openDriver/);
    await assertMisuse(() => repair(other, { namespace: "state" }), "repairing", /^Cannot repair: .*openDriver/);
  });

  test("openState() refuses an unknown option by its name, and impossible options", async ({ driver }) => {
    const one = await driver();
    const options: [options: Record<string, unknown>, about: string, says: RegExp][] = [
      [{ name: "x" }, "an unknown option", /"name".*namespace/s],
      [{ readonly: true }, "a misspelt option", /"readonly".*readOnly/s],
      [{ Driver: {} }, "a misspelt option", /"Driver"/],
      [{ history: "some" }, "an impossible history", /history/],
    ];
    for (const [option, about, says] of options) await assertMisuse(() => openState({ driver: one, ...option } as never), about, says);
    for (const [wrong, says] of [["state", /a string/], [[], /an array/], [null, /null/], [5, /a number/]] as const) {
      await assertMisuse(() => openState(wrong as never), String(says), says);
    }
    assertEquals(await listDriver(one), []);
  });

  test("openState() says of each option what it must be, and what it was", async ({ driver }) => {
    const one = await driver();
    const wrong: Readonly<Record<string, readonly [values: readonly unknown[], must: string]>> = {
      namespace: [[5, null, {}], "a string"],
      schemas: [[null, {}, "x"], "an array"],
      history: [["some", 5n, null], '"none"'],
      consistency: [["weak", null, {}, { maxStaleMs: "1" }, { maxStaleMs: -1 }], "maxStaleMs"],
      lock: [[null, 5, []], "waitMs"],
      readOnly: [["no", 1, null], "true or false"],
      onWarning: [[5, null, {}], "a function"],
      classify: [[5, null, {}], "a function"],
      crypto: [[{}, null, 5, { subtle: {} }], "digest"],
      now: [[5, null, new Date()], "a function"],
      random: [[5, null, new Uint8Array(8)], "a function"],
      limits: [[5, null, []], "an object"],
    };
    for (const [name, [values, must]] of Object.entries(wrong)) {
      for (const value of values) {
        const was = typeof value === "string"
          ? `"${value}"`
          : typeof value === "object"
          ? "(null|an object|an array)"
          : `${value as number}n?`;
        const says = new RegExp(`^Cannot open state with ${name} ${was}: it must be .*${must}`);
        await assertMisuse(() => openState({ driver: one, [name]: value } as never), `${name} ${was}`, says);
      }
    }
    for (const lock of [{ waitMs: "1" }, { waitMs: -1 }, { waitMs: null }, { steal: 1 }, { wait: 5 }]) {
      await assertMisuse(() => openState({ driver: one, lock } as never), JSON.stringify(lock), /lock\.\w+/);
    }
    for (const random of [() => 5, () => new Uint8Array(3), () => new Uint16Array(512), () => undefined]) {
      await assertMisuse(() => openState({ driver: one, random } as never), String(random), /random\(\d+\).*Uint8Array/);
    }
    for (const now of [() => "5", () => 5n, () => NaN, () => -1, () => new Date(), () => 8.65e15]) {
      await assertMisuse(() => openState({ driver: one, now } as never), String(now), /now\(\)/);
    }
    assertEquals(await listDriver(one), []);
  });

  test("an option that is undefined counts as not given", async ({ open }) => {
    const state = await open({ namespace: undefined, limits: { depth: undefined }, schemas: undefined } as never);
    const options = {
      ifRevision: undefined,
      operationId: undefined,
      expiresInMs: undefined,
      class: undefined,
      content: undefined,
      signal: undefined,
    };
    assertEquals(await state.save(scope, "k", 1, options as never), { revision: 1, commit: 1 });
    assertEquals(await state.save(scope, "k", 2, options as never), { revision: 2, commit: 2 });
    assertEquals(
      await state.keys(scope, { prefix: undefined, after: undefined, limit: undefined, reverse: undefined } as never).toArray(),
      ["k"],
    );
    assertEquals(await (await open()).load(scope, "k"), 2);
  });

  test("readOnly: every write is STATE_READ_ONLY, reads work, and nothing is created in the driver", async ({ driver, open }) => {
    const one = await driver();
    const empty = await open({ readOnly: true });
    assertEquals([await empty.load(scope, "k"), await empty.keys(scope).toArray(), await empty.scopes().toArray()], [undefined, [], []]);
    await assertStateError(() => empty.save(scope, "k", 1), "STATE_READ_ONLY");
    await empty.close();
    assertEquals(await listDriver(one), []);

    const writer = await open();
    await writer.save(scope, "k", 1);
    await writer.save(scope, "large", "x".repeat(100_000));
    await writer.close();
    const before = await readDriver(one);
    const state = await open({ readOnly: true });
    const calls = callsOf(state);
    for (const name of writingCalls) await assertStateError(calls[name]!, "STATE_READ_ONLY", name);
    assertEquals([await state.load(scope, "k"), await state.load<string>(scope, "large").then((text) => text!.length)], [1, 100_000]);
    assertEquals((await state.entries(scope).toArray()).length, 2);
    assertEquals(await state.transaction((tx) => tx.load(scope, "k")), 1);
    await state.flush();
    await state.close();
    assertEquals(await readDriver(one), before);
  });

  test("readOnly: a reader sees what a writer commits beside it", async ({ open, supports }) => {
    if (supports.writers !== "many" || !supports.strongReads) return;
    const [reader, writer] = [await open({ readOnly: true }), await open()];
    for (let i = 0; i < 5; i++) {
      await writer.save(scope, "k", i);
      assertEquals(await reader.load(scope, "k"), i);
    }
  });

  test("openState() takes its clock and its randomness from the caller alone: the same calls store the same bytes", async (stage) => {
    // On a log, checkpoints are written beside the commits: which one is quicker is nobody's to say.
    if (!stage.supports.commit) return;
    const clear = async () => {
      const one = await stage.driver();
      const contents = await readDriver(one);
      await wipeDriver(one);
      return contents;
    };
    await script(stage);
    const first = await clear();
    await script(stage);
    assertEquals(await clear(), first);
    assert(first.size > 10, "it stored little");
  });

  test("openState() digests with the crypto that it was given, and others read what it wrote", async ({ open }) => {
    let digests = 0;
    const subtle = {
      digest: (algorithm: AlgorithmIdentifier, data: BufferSource) => {
        digests++;
        return globalThis.crypto.subtle.digest(algorithm, data);
      },
    };
    const state = await open({ crypto: { subtle } });
    await state.save(scope, "k", "x".repeat(100_000));
    await state.save(scope, "l", 1);
    assert(digests > 0, "it was never asked");
    assertEquals(await (await open()).load<string>(scope, "k").then((text) => text?.length), 100_000);
    await state.close();
    assertEquals(await (await open({ crypto: { subtle } })).load(scope, "l"), 1);
  });

  test("onWarning hears of what fails behind the caller's back", async ({ driver, open, supports }) => {
    if (supports.writers !== "many") return;
    const plug = createPlug(await driver());
    const heard = createGate<{ readonly code: string; readonly message: string }>();
    const state = await open({
      driver: plug.driver,
      // Some engines have something to say of themselves.
      onWarning: (warning) => warning.code === "evictable" || heard.open(warning),
    });
    await state.save(scope, "k", 1, { class: "bulk" });
    plug.pull();
    const { code, message } = await heard.promise;
    assert(code.length > 0 && /plug is pulled/.test(message), `it heard ${code}: ${message}`);
    plug.push();
    await state.flush();
    assertEquals(await (await open()).load(scope, "k"), 1);
  });

  test("supports says no more than the driver declares", async ({ open, supports }) => {
    const state = await open();
    assertEquals(state.supports.writers, supports.writers);
    assertEquals(state.supports.durability, supports.durability);
    assertEquals(state.supports.strongReads, supports.strongReads);
    assertEquals(state.supports.atomicCommit, supports.commit ? "native" : "log");
  });

  test("inspect() counts commits, entries and bytes", async ({ open }) => {
    const state = await open();
    const empty = await state.inspect();
    assertEquals([empty.commit, empty.entries, empty.bytes.values, empty.bytes.log, empty.bytes.setAside], [0, 0, 0, 0, 0]);
    for (let i = 0; i < 10; i++) await state.save(scope, `k${i}`, "x".repeat(500));
    const full = await state.inspect();
    assertEquals([full.commit, full.oldest, full.entries], [10, 1, 10]);
    // Where a value stands on its own is the driver's limits' affair.
    const stored = full.bytes.values + full.bytes.objects;
    assert(stored >= 5000 && stored < 30_000, `${stored} bytes of values and objects`);
    assert(full.bytes.log > 0, `${full.bytes.log} bytes of log`);
    await state.save(scope, "large", "x".repeat(300_000));
    const large = await state.inspect();
    assert(large.bytes.objects + large.bytes.values > 300_000, "a large value counts");
    await state.clear(scope);
    const cleared = await (await open()).inspect();
    assertEquals([cleared.commit, cleared.entries, cleared.bytes.values], [12, 0, 0]);
    assert(
      cleared.writers.length >= 1 && cleared.writers.every(({ id, since }) => id.length > 0 && since instanceof Date),
      "it knows a writer",
    );
  });

  test("the log is cut behind some 1,024 commits, and nothing current goes with it", async ({ driver, open }) => {
    const state = await open();
    await state.save(scope, "first", "kept");
    await state.save(scope, "first large", "x".repeat(50_000));
    for (let batch = 0; batch < 16; batch++) await Promise.all(Array.from({ length: 100 }, (_, i) => state.save(scope, `k${i}`, batch)));
    const { commit, oldest } = await state.inspect();
    assertEquals(commit, 1602);
    assert(oldest > 1 && commit - oldest >= 1000, `the oldest kept of ${commit} is ${oldest}`);
    await state.close();
    const logs = (await listDriver(await driver())).filter((key) => /^[^!]*!log!/.test(key));
    assert(logs.length <= 1400, `${logs.length} records are kept`);
    const again = await open();
    assertEquals([await again.load(scope, "first"), (await again.load<string>(scope, "first large"))?.length], ["kept", 50_000]);
    assertEquals((await again.keys(scope).toArray()).length, 102);
    assertEquals((await again.save(scope, "first", "again")).revision, 2);
  });

  test("flush() resolves when all that was accepted is durable", async ({ open }) => {
    const state = await open();
    await state.flush();
    const saves = Array.from({ length: 10 }, (_, i) => state.save(scope, `k${i}`, i, { class: i % 2 === 0 ? "bulk" : "standard" }));
    await Promise.all(saves);
    await state.flush();
    assertEquals((await (await open()).keys(scope).toArray()).length, 10);
  });
}
