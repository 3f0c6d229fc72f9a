import { deepEqual, equal, throws } from "node:assert/strict";
import { Buffer } from "node:buffer";
import { runInNewContext } from "node:vm";
import { bytesOf, kindOf } from "../../src/codec/kind.ts";

Deno.test("kindOf() names what an object is, in any realm", () => {
  const sources = [
    "{}",
    "[]",
    "new Date(0)",
    "new Map()",
    "new Set()",
    "new ArrayBuffer(1)",
    "new DataView(new ArrayBuffer(1))",
    "new Uint8Array(1)",
    "new BigInt64Array(1)",
  ];
  const kinds = ["Object", "Array", "Date", "Map", "Set", "ArrayBuffer", "DataView", "Uint8Array", "BigInt64Array"];
  for (const run of [(source: string) => (0, eval)(source), (source: string) => runInNewContext(source)]) {
    deepEqual(sources.map((source) => kindOf(run(`(${source})`))), kinds);
  }
  equal(kindOf(Object.create(null)), "null");
  equal(kindOf(Buffer.from("a")), "Uint8Array");
});

Deno.test("kindOf() knows no class but those", () => {
  const make: Record<string, new () => object> = {
    Object: class Object {},
    Date: class Date extends globalThis.Date {},
    Map: class Map extends globalThis.Map {},
    Array: class Array extends globalThis.Array {},
    Uint8Array: class Uint8Array extends globalThis.Uint8Array {},
  };
  for (const [name, Class] of Object.entries(make)) equal(kindOf(new Class()), undefined, name);
  for (
    const value of [new Error("x"), /x/, new WeakMap(), Promise.resolve(), Object(1), new SharedArrayBuffer(1), Object.create({}), () => 1]
  ) {
    equal(kindOf(value), undefined);
  }
});

Deno.test("bytesOf() gives the bytes of a view, no more than it shows", () => {
  const { buffer } = new Uint8Array([1, 2, 3, 4]);
  deepEqual(bytesOf(new Uint16Array(buffer, 2), "Uint16Array"), new Uint8Array([3, 4]));
  deepEqual(bytesOf(new DataView(buffer, 1, 2), "DataView"), new Uint8Array([2, 3]));
  deepEqual(bytesOf(buffer, "ArrayBuffer"), new Uint8Array([1, 2, 3, 4]));
});

Deno.test("bytesOf() of memory that may change is undefined, and of memory that is gone throws", () => {
  const gone = new Uint8Array(1);
  structuredClone(gone, { transfer: [gone.buffer] });
  throws(() => bytesOf(gone, "Uint8Array"), TypeError);
  throws(() => bytesOf(gone.buffer, "ArrayBuffer"), TypeError);
  equal(bytesOf(new Uint8Array(new SharedArrayBuffer(1)), "Uint8Array"), undefined);
  equal(bytesOf(new ArrayBuffer(1, { maxByteLength: 2 }), "ArrayBuffer"), undefined);
  throws(() => bytesOf(Object.create(ArrayBuffer.prototype), "ArrayBuffer"), TypeError);
});
