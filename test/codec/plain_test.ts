import { deepEqual, equal } from "node:assert/strict";
import fc from "fast-check";
import { copyPlainJson } from "../../src/codec/plain.ts";
import { arbitraryValue } from "./arbitrary_value.ts";
import { assertSameValue } from "./same_value.ts";

/** Whether there is a copy: `undefined` is none. */
function isPlainJson(value: unknown, maxDepth: number): boolean {
  return copyPlainJson(value, maxDepth) !== undefined;
}

Deno.test("copyPlainJson() copies every JSON value without -0", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (given) => {
      const value = JSON.parse(JSON.stringify(given));
      const copy = copyPlainJson(value, 1000);
      assertSameValue(copy, value);
      equal(JSON.stringify(copy), JSON.stringify(value));
    }),
  );
});

Deno.test("copyPlainJson() copies only what JSON gives back as it is", () => {
  let yes = 0;
  fc.assert(
    fc.property(arbitraryValue(), (value) => {
      if (!isPlainJson(value, 1000)) return;
      yes++;
      assertSameValue(JSON.parse(JSON.stringify(value)), value);
    }),
    { numRuns: 1000 },
  );
  equal(yes > 100, true);
});

Deno.test("copyPlainJson() copies nothing of what has one odd thing anywhere", () => {
  const shared = {};
  const cyclic: unknown[] = [];
  cyclic.push(cyclic);
  const sparse = [1];
  sparse.length = 2;
  const odd: readonly unknown[] = [
    ...[undefined, NaN, Infinity, -Infinity, -0, 1n, Symbol("s"), () => 1, new Date(0), new Map(), new Uint8Array(1), Object.create(null)],
    ...[
      [shared, shared],
      cyclic,
      sparse,
      Object.assign([1], { x: 1 }),
      { [Symbol("s")]: 1 },
      new (class Point {})(),
      new (class Rows extends Array {})(),
      { toJSON: () => 1 },
      Object.defineProperty({ a: 1 }, "toJSON", { value: () => 1 }),
      Object.defineProperty([1], "toJSON", { value: () => 1 }),
    ],
    ...[Object.setPrototypeOf([], null), Object.setPrototypeOf([], Object.prototype), Object.create(Array.prototype)],
  ];
  for (const value of odd) {
    for (const holder of [value, [value], { a: value }, [1, { b: ["c", { d: value }] }]]) equal(isPlainJson(holder, 1000), false);
  }
});

Deno.test("copyPlainJson() counts steps against its depth", () => {
  equal(isPlainJson(1, 0), true);
  equal(isPlainJson({}, 0), true);
  equal(isPlainJson([1], 0), false);
  equal(isPlainJson([[], [1], []], 1), false);
  equal(isPlainJson([[], [1], []], 2), true);
  equal(isPlainJson({ a: [], b: { c: { d: 1 } }, e: [] }, 3), true);
  equal(isPlainJson({ a: [], b: { c: { d: 1 } }, e: [] }, 2), false);
});

Deno.test("copyPlainJson() reads each property once", () => {
  let reads = 0;
  const object = {
    get a() {
      return reads++;
    },
    get list() {
      return [reads++];
    },
  };
  const asked: PropertyKey[] = [];
  const proxy = new Proxy({ b: [1], c: 2 }, { get: (target, key) => (asked.push(key), Reflect.get(target, key)) });
  const array = Object.defineProperty([0], 0, { enumerable: true, get: () => reads++ });
  assertSameValue(copyPlainJson([object, proxy, array], 1000), [{ a: 0, list: [1] }, { b: [1], c: 2 }, [2]]);
  equal(reads, 3);
  deepEqual(asked, ["toJSON", "b", "c"]);
});
