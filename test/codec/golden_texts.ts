/**
 * Texts of codec "x" as format 1 has them: what is stored once must be read for ever.
 *
 * @module
 */
const one = new Date(1_700_000_000_123);

/** Texts, and the values they stand for. */
export const goldenTexts: readonly (readonly [text: string, value: unknown])[] = [
  ['"text"', "text"],
  ['[1,-0.5,true,false,null,"\\ud800"]', [1, -0.5, true, false, null, "\ud800"]],
  ['{"a":{"b":[]}}', { a: { b: [] } }],
  ['{"$":"undefined"}', undefined],
  ['[{"$":"NaN"},{"$":"Infinity"},{"$":"-Infinity"},{"$":"-0"}]', [NaN, Infinity, -Infinity, -0]],
  ['[{"$":["bigint","0"]},{"$":["bigint","ff"]},{"$":["bigint","-1"]}]', [0n, 255n, -1n]],
  ['[{"$":["Date",1700000000123]},{"$":["Date",null]}]', [one, new Date(NaN)]],
  ['{"$":["Map",["a",1,{"$":["Map",[]]},{"$":"undefined"}]]}', new Map<unknown, unknown>([["a", 1], [new Map(), undefined]])],
  ['{"$":["Set",["a",[1]]]}', new Set(["a", [1]])],
  ['{"$":["Object",{"$":{"$":["Object",{"$":1,"a":2}]}}]}', { $: { $: 1, a: 2 } }],
  ['{"$":["null",{"a":{"$":["null",{"$":1}]}}]}', Object.assign(Object.create(null), { a: Object.assign(Object.create(null), { $: 1 }) })],
  ['{"__proto__":{"x":{"$":["Date",0]}}}', Object.fromEntries([["__proto__", { x: new Date(0) }]])],
  ['[{"$":["Date",1700000000123]},{"$":["ref",1]},[{"$":["ref",1]}],{"$":["ref",2]}]', ((list) => [one, one, list, list])([one])],
  ['{"$":["ArrayBuffer","AQID"]}', new Uint8Array([1, 2, 3]).buffer],
  ['{"$":["DataView","-_8"]}', new DataView(new Uint8Array([0xfb, 0xff]).buffer)],
  ['{"$":["Uint8Array",""]}', new Uint8Array()],
  ['{"$":["Int8Array","_w"]}', new Int8Array([-1])],
  ['{"$":["Uint8Array","_w"]}', new Uint8Array([255])],
  ['{"$":["Uint8ClampedArray","_w"]}', new Uint8ClampedArray([255])],
  ['{"$":["Int16Array","_v8"]}', new Int16Array([-2])],
  ['{"$":["Uint16Array","AgE"]}', new Uint16Array([258])],
  ['{"$":["Int32Array","AgEAAA"]}', new Int32Array([258])],
  ['{"$":["Uint32Array","AgEAAA"]}', new Uint32Array([258])],
  ['{"$":["Float16Array","AD4"]}', new Float16Array([1.5])],
  ['{"$":["Float32Array","AADAPw"]}', new Float32Array([1.5])],
  ['{"$":["Float64Array","AAAAAAAA-D8"]}', new Float64Array([1.5])],
  ['{"$":["BigInt64Array","_v________8"]}', new BigInt64Array([-2n])],
  ['{"$":["BigUint64Array","AgEAAAAAAAA"]}', new BigUint64Array([258n])],
];
