import { equal } from "node:assert/strict";
import fc from "fast-check";
import { isPlainJson } from "../../src/codec/plain.ts";
import { arbitraryValue } from "./arbitrary_value.ts";
import { assertSameValue } from "./same_value.ts";

Deno.test("isPlainJson() says yes to every JSON value without -0", () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => isPlainJson(JSON.parse(JSON.stringify(value)), 1000)));
});

Deno.test("isPlainJson() says yes only to what JSON gives back as it is", () => {
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

Deno.test("isPlainJson() says no to one odd thing anywhere", () => {
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
    ],
    ...[Object.setPrototypeOf([], null), Object.setPrototypeOf([], Object.prototype), Object.create(Array.prototype)],
  ];
  for (const value of odd) {
    for (const holder of [value, [value], { a: value }, [1, { b: ["c", { d: value }] }]]) equal(isPlainJson(holder, 1000), false);
  }
});

Deno.test("isPlainJson() counts steps against its depth", () => {
  equal(isPlainJson(1, 0), true);
  equal(isPlainJson({}, 0), true);
  equal(isPlainJson([1], 0), false);
  equal(isPlainJson([[], [1], []], 1), false);
  equal(isPlainJson([[], [1], []], 2), true);
  equal(isPlainJson({ a: [], b: { c: { d: 1 } }, e: [] }, 3), true);
  equal(isPlainJson({ a: [], b: { c: { d: 1 } }, e: [] }, 2), false);
});
