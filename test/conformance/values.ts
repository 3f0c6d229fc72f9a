/**
 * Values come out as they went in, through the store and not from a cache; what could not is refused by its path.
 *
 * @module
 */
import { StateScope } from "../../src/keys/scopes.ts";
import { assert, assertEquals, assertMisuse, assertStateError, failureOf } from "./assert.ts";
import { numbered, type Stage, type Test } from "./suite.ts";

const scope = StateScope.agent("gpt-4");

/** Fails unless each value comes back the same to the state that saved it, to a new one, and over a restart. */
async function assertRoundTrips({ open }: Stage, makeAll: () => readonly unknown[]): Promise<void> {
  const state = await open();
  const values = makeAll();
  for (const [i, value] of values.entries()) await state.save(scope, numbered("v", i), value);
  // Made again, so that what is expected is not what the store was given.
  const expected = makeAll();
  const check = async (name: string) => {
    const reader = await open();
    for (const [i, value] of expected.entries()) assertEquals(await reader.load(scope, numbered("v", i)), value, `${name} ${i}`);
  };
  for (const [i, value] of expected.entries()) assertEquals(await state.load(scope, numbered("v", i)), value, `own ${i}`);
  await check("another state's");
  await state.close();
  await check("a new state's");
}

/** An array that holds an array, and so on: so many levels, around null. */
function nest(levels: number): unknown {
  let value: unknown = null;
  for (let i = 0; i < levels; i++) value = [value];
  return value;
}

class Plain {
  n = 1;
}

/** Characters that no run-length or dictionary shortens much. */
function noise(length: number): string {
  let seed = 1;
  let text = "";
  while (text.length < length) {
    seed = Math.imul(seed, 1_664_525) + 1_013_904_223 | 0;
    text += (seed >>> 0).toString(36);
  }
  return text.slice(0, length);
}

/** B12 and B13, and values of all sizes. */
export function testValues(test: Test): void {
  test("B12 JSON's types come back as they are", (stage) =>
    assertRoundTrips(stage, () => [
      0,
      1,
      -1,
      0.1 + 0.2,
      Number.MAX_VALUE,
      Number.MIN_VALUE,
      Number.MAX_SAFE_INTEGER,
      1e21,
      true,
      false,
      null,
      "text",
      [],
      {},
      [[], {}, [null]],
      { a: { b: { c: [1, "2", { d: null }] } } },
      { "": 1, " ": 2, "a.b": 3, "a[0]": 4, "$": 5, "@": 6, "toString": 7, "length": 8, "constructor": 9, "hasOwnProperty": 10 },
      { 2: "b", 1: "a", "-1": "c", "01": "d" },
    ]));

  test("B12 strings stay strings, whatever they look like", (stage) =>
    assertRoundTrips(stage, () => [
      "456",
      "null",
      "undefined",
      "",
      '{"a":1}',
      "[1]",
      "true",
      "NaN",
      "-0",
      "2030-01-01T00:00:00.000Z",
      '{"$":["bigint","1"]}',
      "nul\0 and \u0001 and \u2028 and \ufeff",
      "é e\u0301 😀 \u{10ffff}",
      "\ud800 alone",
      "alone \udc00",
      "line\nline\r\nline",
      "</script>",
      "constructor",
    ]));

  test("B12 what JSON cannot say comes back all the same", (stage) =>
    assertRoundTrips(stage, () => [
      NaN,
      Infinity,
      -Infinity,
      -0,
      0n,
      -123456789012345678901234567890n,
      new Date(1_700_000_000_123),
      new Date(NaN),
      new Date(-8.64e15),
      [undefined, 1, undefined],
      { u: undefined, n: null },
      new Map<unknown, unknown>([["a", 1], [1, "b"], [new Date(0), [NaN]], [null, undefined]]),
      new Set<unknown>([1, "1", 1n, null, new Map()]),
      new Map(),
      new Set(),
      { [new Date(0).toISOString()]: new Map([["inner", new Map([["k", new Date(5)]])]]) },
      [new Map([[{ key: "object" }, new Set([-0])]])],
      Object.assign(Object.create(null), { bare: true }),
    ]));

  test("B12 bytes of every kind come back as their kind", (stage) =>
    assertRoundTrips(stage, () => {
      const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
      return [
        bytes,
        new Uint8Array(),
        bytes.subarray(3, 9),
        bytes.buffer.slice(0, 16),
        new Uint8ClampedArray([0, 255]),
        new Int8Array([-1]),
        new Int16Array([-2, 3]),
        new Uint16Array([65535]),
        new Int32Array([-4]),
        new Uint32Array([2 ** 32 - 1]),
        new Float32Array([NaN, -0, 1.5]),
        new Float64Array([Math.PI, -Infinity]),
        new BigInt64Array([-5n]),
        new BigUint64Array([2n ** 64n - 1n]),
        new DataView(new ArrayBuffer(4), 1, 2),
        { nested: [new Map([["bytes", new Uint8Array([1])]])] },
      ];
    }));

  test('B12 "__proto__" and its like are data, never a prototype', async (stage) => {
    const make = () => [
      JSON.parse('{"__proto__":1}'),
      JSON.parse('{"__proto__":{"polluted":true},"b":[{"__proto__":null}]}'),
      JSON.parse('{"constructor":{"prototype":{"polluted":true}},"toString":1}'),
      new Map([["__proto__", new Map([["__proto__", 1n]])]]),
      { list: [undefined, JSON.parse('{"__proto__":{"polluted":1}}')], when: new Date(0) },
    ];
    await assertRoundTrips(stage, make);
    assertEquals(({} as { polluted?: unknown }).polluted, undefined);
    const state = await stage.open();
    await state.save(StateScope.user("__proto__"), "__proto__", JSON.parse('{"__proto__":[1]}'));
    assertEquals(await state.load(StateScope.user("__proto__"), "__proto__"), JSON.parse('{"__proto__":[1]}'));
    assertEquals((await state.loadMany(StateScope.user("__proto__"), ["__proto__"])).size, 1);
  });

  test("B12 a shared reference stays shared", (stage) =>
    assertRoundTrips(stage, () => {
      const shared = { n: 1 };
      const bytes = new Uint8Array([1, 2]);
      const date = new Date(0);
      return [[shared, shared], { a: shared, b: { c: shared } }, new Map([[shared, shared]]), [bytes, bytes], { date, again: [date] }];
    }));

  test("B12 an object that knows its JSON is stored as that", async ({ open }) => {
    const state = await open();
    class Money {
      constructor(readonly cents: number) {}
      toJSON() {
        return { cents: this.cents };
      }
    }
    await state.save(scope, "k", { price: new Money(5), url: new URL("https://example.org/") });
    assertEquals(await state.load(scope, "k"), { price: { cents: 5 }, url: "https://example.org/" });
  });

  test("B12 a toJSON that is not enumerable is asked like one that is, and its answer judged", async ({ open }) => {
    const state = await open();
    const hidden = (of: object, answer: unknown) => Object.defineProperty(of, "toJSON", { value: () => answer });
    const answers = [NaN, -0, new Date(0), new Map([[1, 2]]), { n: NaN }, [new Set([1])], null, "x"];
    for (const answer of answers) {
      for (const value of [hidden({ x: 1 }, answer), hidden([1, 2], answer)]) {
        await state.save(scope, "top", value);
        await state.save(scope, "inside", { a: [value] });
        assertEquals(await state.load(scope, "top"), answer);
        assertEquals(await state.load(scope, "inside"), { a: [answer] });
      }
    }
    await assertStateError(() => state.save(scope, "k", [hidden({}, () => 1)]), "STATE_INVALID_VALUE", "a function");
    await assertStateError(() => state.save(scope, "k", [hidden([], [, 1])]), "STATE_INVALID_VALUE", "a hole");
  });

  test("B12 a value whose toJSON gives undefined is misuse like undefined itself, in every verb", async ({ open }) => {
    const state = await open();
    for (const value of [undefined, { toJSON: () => undefined }, Object.defineProperty({ x: 1 }, "toJSON", { value: () => undefined })]) {
      await assertMisuse(() => state.save(scope, "k", value), "save", /undefined/);
      await assertMisuse(() => state.save(scope, "k", value, { class: "bulk" }), "bulk", /undefined/);
      await assertMisuse(() => state.update(scope, "k", () => value as never), "update", /undefined/);
      await assertMisuse(() => state.transaction((tx) => tx.save(scope, "k", value)), "transaction", /undefined/);
      await assertMisuse(() => state.transaction((tx) => tx.update(scope, "k", () => value as never)), "update in one", /undefined/);
    }
    assertEquals(await state.has(scope, "k"), false);
    await state.save(scope, "k", { $: "undefined" });
    assertEquals(await state.load(scope, "k"), { $: "undefined" });
  });

  test("B12 an accessor that answers otherwise each time is stored as it answered once", async ({ open }) => {
    const state = await open();
    for (const [first, then] of [[1, NaN], ["x", new Map([[1, 2]])], [[1], undefined], [true, new Date(0)]] as const) {
      let asked = 0;
      await state.save(scope, "k", {
        get a() {
          return asked++ === 0 ? first : then;
        },
      });
      assertEquals([await state.load(scope, "k"), asked], [{ a: first }, 1]);
    }
  });

  test("B12 what would not come back is STATE_INVALID_VALUE, and names the path", async ({ open }) => {
    const state = await open();
    class More extends Map {}
    const refused: [value: unknown, path: string][] = [
      [() => 1, "$"],
      [Symbol("s"), "$"],
      [new WeakMap(), "$"],
      [new Plain(), "$"],
      [{ tools: [0, 1, { run: () => 1 }] }, "$.tools[2].run"],
      [[[Symbol("s")]], "$[0][0]"],
      [{ a: { b: new Plain() } }, "$.a.b"],
      [{ list: [new WeakSet()] }, "$.list[0]"],
      [{ error: new Error("x") }, "$.error"],
      [{ pattern: /x/ }, "$.pattern"],
      [{ promise: Promise.resolve() }, "$.promise"],
      [{ more: new More() }, "$.more"],
    ];
    for (const [value, path] of refused) {
      const save = await assertStateError(() => state.save(scope, "k", value), "STATE_INVALID_VALUE", path);
      assertEquals(save.details.path, path);
      const inside = await assertStateError(() => state.transaction((tx) => tx.save(scope, "k", value)), "STATE_INVALID_VALUE", path);
      assertEquals(inside.details.path, path);
    }
    await assertStateError(() => state.update(scope, "k", () => ({ f: () => 1 }) as never), "STATE_INVALID_VALUE");
    await assertStateError(() => state.once(scope, "k", () => ({ f: () => 1 })), "STATE_INVALID_VALUE");
    assertEquals(await state.keys(scope).toArray(), []);
  });

  test("B12 a cycle is STATE_CIRCULAR, and names the path and where it leads back", async ({ open }) => {
    const state = await open();
    const own: Record<string, unknown> = {};
    own.self = own;
    const deep = { a: [{ b: {} as Record<string, unknown> }] };
    deep.a[0]!.b.up = deep.a;
    const map = new Map<string, unknown>();
    map.set("self", [map]);
    assertEquals((await assertStateError(() => state.save(scope, "k", own), "STATE_CIRCULAR")).details, { path: "$.self", to: "$" });
    assertEquals((await assertStateError(() => state.save(scope, "k", deep), "STATE_CIRCULAR")).details, {
      path: "$.a[0].b.up",
      to: "$.a",
    });
    await assertStateError(() => state.save(scope, "k", map), "STATE_CIRCULAR");
    assertEquals(await state.has(scope, "k"), false);
  });

  test('B13 {"a":{"a":1}} and a tree of same-shaped nodes are no cycle', (stage) =>
    assertRoundTrips(stage, () => {
      const tree = (depth: number): unknown => depth === 0 ? null : { left: tree(depth - 1), right: tree(depth - 1) };
      return [{ a: { a: 1 } }, tree(6), [[[]], [[]]]];
    }));

  test("B13 a depth of 1,000 is stored, and more is STATE_TOO_LARGE, however deep", async (stage) => {
    await assertRoundTrips(stage, () => [nest(1000), nest(999)]);
    const state = await stage.open();
    for (const levels of [1001, 1002, 5000, 100_000]) {
      const { details } = await assertStateError(() => state.save(scope, "k", nest(levels)), "STATE_TOO_LARGE", `${levels} levels`);
      assertEquals([details.limit, details.max], ["depth", 1000]);
    }
    const shallow = await stage.open({ limits: { depth: 3 } });
    await shallow.save(scope, "k", nest(3));
    await assertStateError(() => shallow.save(scope, "k", nest(4)), "STATE_TOO_LARGE");
    assertEquals(await shallow.load(scope, "k"), nest(3));
  });

  test("values of 0 to 300 KiB come back, on both sides of every bound", (stage) =>
    assertRoundTrips(stage, () => {
      const sizes = [1000, 2047, 2048, 2049, 8191, 8192, 16_383, 65_535, 65_536, 65_537, 131_072, 300_000];
      return sizes.flatMap((size) => [noise(size), "é".repeat(size / 2)]);
    }));

  test("a value of 1 MiB and one of 5 MiB come back, and so do their successors", async ({ open }) => {
    const state = await open();
    const [one, five] = [noise(1024 * 1024), { text: noise(5 * 1024 * 1024 - 1000), when: new Date(0) }];
    await state.save(scope, "one", one);
    await state.save(scope, "five", five);
    await state.save(scope, "one", [one, 2]);
    const reader = await open();
    for (const each of [state, reader]) {
      assertEquals((await each.load<[string, number]>(scope, "one"))?.[1], 2);
      const found = await each.load<typeof five>(scope, "five");
      assert(found?.text === five.text && found.when.getTime() === 0, "5 MiB should come back");
    }
    assertEquals((await reader.entries(scope).toArray()).map(({ key, revision }) => [key, revision]), [["five", 1], ["one", 2]]);
    await reader.save(scope, "five", "small");
    assertEquals(await state.load(scope, "five"), "small");
    assertEquals(await state.delete(scope, "one"), true);
    assertEquals(await reader.load(scope, "one"), undefined);
  });

  test("bytes of 1 MiB come back", async ({ open }) => {
    const state = await open();
    const bytes = Uint8Array.from({ length: 1024 * 1024 }, (_, i) => i * 7 ^ i >> 8);
    await state.save(scope, "k", { bytes });
    const found = await (await open()).load<{ bytes: Uint8Array }>(scope, "k");
    assertEquals(found?.bytes, bytes);
  });

  test("a value over limits.valueBytes is STATE_TOO_LARGE in every verb, and one at the limit is stored", async ({ open }) => {
    const state = await open({ limits: { valueBytes: 1000 } });
    // The quotes count.
    await state.save(scope, "fits", "x".repeat(998));
    const large = "x".repeat(999);
    const calls = [
      () => state.save(scope, "k", large),
      () => state.save(scope, "k", large, { class: "bulk" }),
      () => state.save(scope, "k", large, { class: "ephemeral" }),
      () => state.save(scope, "k", large, { class: "archive" }),
      () => state.save(scope, "k", "é".repeat(500)),
      () => state.save(scope, "k", new Uint8Array(1000)),
      () => state.update(scope, "fits", (text) => `${text}xx`),
      () => state.once(scope, "k", () => large),
      () => state.transaction((tx) => tx.save(scope, "k", large)),
    ];
    for (const call of calls) {
      const { details } = await assertStateError(call, "STATE_TOO_LARGE", String(call));
      assertEquals([details.limit, details.max, details.actual > 1000], ["valueBytes", 1000, true]);
    }
    assertEquals([await state.keys(scope).toArray(), (await state.entry(scope, "fits"))?.revision], [["fits"], 1]);
  });

  test("a limit that is unknown, or no whole number above zero, is a RangeError", async ({ open }) => {
    for (
      const limits of [{ valueBytes: 0 }, { keyBytes: -1 }, { depth: 1.5 }, { cacheBytes: NaN }, { bytes: 5 } as Record<string, number>]
    ) {
      const failure = await failureOf(open({ limits }), JSON.stringify(limits));
      assert(
        failure instanceof RangeError && /limits\./.test(failure.message),
        `${JSON.stringify(limits)} should be a RangeError, and is ${failure}`,
      );
    }
  });
}
