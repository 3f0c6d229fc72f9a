import { deepEqual, equal, ok, throws } from "node:assert/strict";
import fc from "fast-check";
import { encodeValue } from "../../src/codec/encode.ts";
import { reviveValue } from "../../src/codec/revive.ts";
import { isStateError } from "../../src/errors.ts";
import { arbitraryValue } from "./arbitrary_value.ts";
import { goldenTexts } from "./golden_texts.ts";
import { assertSameValue } from "./same_value.ts";

const isCorrupt = (error: unknown): boolean => isStateError(error, "STATE_CORRUPT");

Deno.test("reviveValue() of a text of format 1 is the value it stood for", () => {
  for (const [text, value] of goldenTexts) assertSameValue(reviveValue("x", JSON.parse(text)), value);
});

Deno.test("reviveValue() gives back what codec j parsed to", () => {
  const parsed = { $: ["Date", 0] };
  equal(reviveValue("j", parsed), parsed);
});

Deno.test("reviveValue() of an unknown codec is STATE_CORRUPT", () => {
  for (const codec of ["", "J", "y", "jx"]) throws(() => reviveValue(codec, 1), isCorrupt);
});

Deno.test("reviveValue() of a malformed tag is STATE_CORRUPT", () => {
  const tags = [
    ...[null, 0, 1, true, "", "null", "nan", "0", "1", "Date", [], {}, ["Date"], ["Date", 0, 0], [["Date"], 0], { $: "NaN" }],
    ...[["undefined", 1], ["Nothing", ""], ["", ""], ["__proto__", {}], ["constructor", {}], ["toString", ""], ["Array", []], [
      "SharedArrayBuffer",
      "",
    ]],
    ...[["Date", "0"], ["Date", 0.5], ["Date", 8.64e15 + 1], ["Date", {}], ["Date", []], ["Date", true], ["Date", "2020-01-01"]],
    ...[
      ["bigint", 1],
      ["bigint", ""],
      ["bigint", "-"],
      ["bigint", "-0"],
      ["bigint", "00"],
      ["bigint", "0x1"],
      ["bigint", "FF"],
      ["bigint", "1n"],
      ["bigint", "1\n"],
      ["bigint", []],
    ],
    ...[["ref", 0], ["ref", -1], ["ref", 0.5], ["ref", "0"], ["ref", "length"], ["ref", "__proto__"], ["ref", null], ["ref", 1e9]],
    ...[["Map", {}], ["Map", "ab"], ["Map", [1]], ["Map", [1, 2, 3]], ["Map", [1, 2, 1, 3]], ["Map", null], ["Map", { length: 2 }]],
    ...[["Set", {}], ["Set", [1, 1]], ["Set", "ab"], ["Set", [{ $: "NaN" }, { $: "NaN" }]], ["Set", [0, { $: "-0" }]]],
    ...[["Object", []], ["Object", null], ["Object", "a"], ["null", []], ["null", null], ["null", 1]],
    ...[["Uint8Array", 1], ["Uint8Array", [1]], ["Uint8Array", "A"], ["Uint8Array", "AB"], ["Uint8Array", "AA=="], ["Uint8Array", "A A"], [
      "Uint8Array",
      "+/",
    ]],
    ...[["Uint16Array", "AA"], ["BigInt64Array", "AAAA"], ["Float64Array", "AAAAAA"], ["ArrayBuffer", null], ["DataView", {}]],
  ];
  for (const tag of tags) {
    for (const text of [{ $: tag }, [[], { $: tag }], { a: { $: ["Map", ["k", { $: tag }]] } }]) {
      throws(() => reviveValue("x", structuredClone(text)), isCorrupt, JSON.stringify(tag));
    }
  }
  for (const text of [{ $: "NaN", a: 1 }, { a: 1, $: ["Date", 0] }]) throws(() => reviveValue("x", text), isCorrupt);
});

Deno.test("reviveValue() refuses a reference to an object that is not complete, so that nothing contains itself", () => {
  for (
    const text of [
      '[{"$":["ref",0]}]',
      '{"a":{"$":["ref",0]}}',
      '{"$":["Map",["a",{"$":["ref",0]}]]}',
      '{"$":["Set",[[{"$":["ref",1]}]]]}',
      '[{"$":["ref",1]},[]]',
    ]
  ) {
    throws(() => reviveValue("x", JSON.parse(text)), isCorrupt, text);
  }
});

Deno.test("reviveValue() overflows the stack over no malformed tag", () => {
  let deep: unknown = 1;
  for (let level = 0; level < 100_000; level++) deep = [deep];
  for (const tag of [deep, ["Date", deep], ["bigint", deep], ["ref", deep], ["Uint8Array", deep], [deep, 1], ["Nothing", deep]]) {
    throws(() => reviveValue("x", { $: tag }), isCorrupt);
  }
});

Deno.test("reviveValue() reads a BigInt of a million digits and refuses one that is followed by something", () => {
  const digits = "f".repeat(1_000_000);
  equal(reviveValue("x", { $: ["bigint", digits] }), (1n << 4_000_000n) - 1n);
  throws(() => reviveValue("x", { $: ["bigint", digits + "g"] }), isCorrupt);
});

Deno.test("reviveValue() takes __proto__ for a name, wherever it stands", () => {
  const texts = [
    '{"__proto__":{"$":["Map",[]]}}',
    '{"$":["Object",{"__proto__":{"$":["null",{}]}}]}',
    '{"$":["null",{"__proto__":{"$":["Date",0]}}]}',
    '[{"__proto__":{"$":"NaN"}}]',
  ];
  for (const text of texts) {
    const revived = reviveValue("x", JSON.parse(text)) as object;
    const holder = Array.isArray(revived) ? revived[0] : revived;
    deepEqual(Reflect.ownKeys(holder), ["__proto__"]);
    ok([Object.prototype, null].includes(Object.getPrototypeOf(holder)));
  }
});

/** Replaces one node of a parsed text by another. */
function replaceNode(parsed: unknown, at: number, by: unknown): unknown {
  const places: [holder: Record<string, unknown>, key: string][] = [];
  const root = { root: parsed };
  const queue: object[] = [root];
  for (const holder of queue) {
    for (const [key, value] of Object.entries(holder)) {
      places.push([holder as Record<string, unknown>, key]);
      if (typeof value === "object" && value !== null) queue.push(value);
    }
  }
  const [holder, key] = places[at % places.length]!;
  Object.defineProperty(holder, key, { value: by, writable: true, enumerable: true, configurable: true });
  return root.root;
}

Deno.test("reviveValue() of a damaged text is STATE_CORRUPT or a value that can be stored", () => {
  const damage = fc.oneof(
    fc.jsonValue(),
    fc.constantFrom("Date", "Map", "Object", "null", "ref", "bigint", "Uint8Array").chain((kind) =>
      fc.jsonValue().map((payload) => ({ $: [kind, payload] }))
    ),
    fc.nat(20).map((id) => ({ $: ["ref", id] })),
  );
  const prototypes = Object.getOwnPropertyNames(Object.prototype).length;
  let revived = 0;
  fc.assert(
    fc.property(arbitraryValue(), fc.nat(), damage, (value, at, by) => {
      const { text } = encodeValue({ value, when: new Date(0) }, { depth: 1000 });
      const parsed = replaceNode(JSON.parse(text), at, structuredClone(by));
      let result: unknown;
      try {
        result = reviveValue("x", parsed);
      } catch (error) {
        ok(isCorrupt(error), String(error));
        return;
      }
      revived++;
      encodeValue(result, { depth: 1000 });
    }),
    { numRuns: 1000 },
  );
  ok(revived > 30);
  equal(Object.getOwnPropertyNames(Object.prototype).length, prototypes);
});

Deno.test("reviveValue() of a kind that this runtime lacks is STATE_UNSUPPORTED", () => {
  const { Float16Array: original } = globalThis;
  Reflect.deleteProperty(globalThis, "Float16Array");
  try {
    throws(
      () => reviveValue("x", { $: ["Float16Array", "AD4"] }),
      (error) => isStateError(error, "STATE_UNSUPPORTED") && error.details.needs === "Float16Array",
    );
  } finally {
    Object.defineProperty(globalThis, "Float16Array", { value: original, writable: true, configurable: true });
  }
});
