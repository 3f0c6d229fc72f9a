/**
 * Equality as a stored value must keep it, which is stricter than `deepStrictEqual`.
 *
 * @module
 */
import { deepStrictEqual, ok } from "node:assert/strict";

/**
 * Asserts that two values are equal in everything that a stored value keeps: types, order of properties and entries,
 * -0, prototypes, and which objects are one and the same; and that they share no object.
 */
export function assertSameValue(actual: unknown, expected: unknown): void {
  const twins = new Map<object, object>();
  const taken = new Set<object>();
  const pairs: [actual: unknown, expected: unknown, path: string][] = [[actual, expected, "$"]];
  for (const [a, e, path] of pairs) {
    if (typeof a !== "object" || a === null || typeof e !== "object" || e === null) {
      ok(Object.is(a, e), `${path}: ${String(a)} is not ${String(e)}`);
      continue;
    }
    if (twins.has(e) || taken.has(a)) {
      ok(twins.get(e) === a, `${path}: another object than before`);
      continue;
    }
    ok(a !== e, `${path}: the same object as what was stored`);
    twins.set(e, a);
    taken.add(a);
    ok(Object.getPrototypeOf(a) === Object.getPrototypeOf(e), `${path}: another prototype`);
    const items = itemsOf(a);
    const wanted = itemsOf(e);
    deepStrictEqual(items.map(([name]) => name), wanted.map(([name]) => name), path);
    items.forEach(([name, item], at) => pairs.push([item, wanted[at]![1], `${path}.${name}`]));
  }
}

function itemsOf(value: object): (readonly [string, unknown])[] {
  if (value instanceof Map) return [...value].flat().map((item, at) => [`map ${at}`, item]);
  if (value instanceof Set) return [...value].map((item, at) => [`set ${at}`, item]);
  if (value instanceof Date) return [["time", value.getTime()]];
  if (value instanceof ArrayBuffer) return [["bytes", String(new Uint8Array(value))]];
  if (ArrayBuffer.isView(value)) return [["bytes", String(new Uint8Array(value.buffer, value.byteOffset, value.byteLength))]];
  return Object.entries(value);
}
