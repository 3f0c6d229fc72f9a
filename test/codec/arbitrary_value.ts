/**
 * Values of every kind that can be stored, for random tests.
 *
 * @module
 */
import fc from "fast-check";

/** Keys and strings that have been somebody's trouble. */
const awkward = [
  "__proto__",
  "$",
  "$$",
  "constructor",
  "length",
  "toJSON",
  "valueOf",
  "then",
  "0",
  "10",
  "-0",
  "",
  "NaN",
  "a b",
  "\ud800",
  "\udc00x",
  "\u2028",
  "😀",
];

/** A string, any: with unpaired surrogates too. */
export function arbitraryText(): fc.Arbitrary<string> {
  return fc.oneof(
    fc.string({ unit: "grapheme", maxLength: 12 }),
    fc.string({ unit: "binary", maxLength: 12 }),
    fc.array(fc.integer({ min: 0xd7fe, max: 0xe001 }), { maxLength: 4 }).map((units) => String.fromCharCode(...units)),
    fc.constantFrom(...awkward),
  );
}

function arbitraryPrimitive(): fc.Arbitrary<unknown> {
  return fc.oneof(
    { weight: 4, arbitrary: arbitraryText() },
    { weight: 2, arbitrary: fc.double() },
    { weight: 2, arbitrary: fc.integer() },
    fc.boolean(),
    fc.bigInt(),
    fc.constantFrom(null, undefined, NaN, Infinity, -Infinity, -0, 0, Number.MAX_SAFE_INTEGER, Number.MIN_VALUE, 0n, -1n),
  );
}

type View = (new (buffer: ArrayBuffer, offset: number, length: number) => object) & { readonly BYTES_PER_ELEMENT?: number };

const views: readonly View[] = [
  ...[Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array, Float32Array, Float64Array],
  ...[BigInt64Array, BigUint64Array, DataView],
  ...(typeof Float16Array === "function" ? [Float16Array] : []),
];

function arbitraryLeafObject(): fc.Arbitrary<object> {
  const bytes = fc.uint8Array({ maxLength: 40 }).map((given) => given.slice().buffer);
  return fc.oneof(
    fc.date({ noInvalidDate: false }),
    bytes,
    fc.tuple(bytes, fc.constantFrom(...views), fc.nat(3)).map(([buffer, View, skip]) => {
      const size = View.BYTES_PER_ELEMENT ?? 1;
      const whole = Math.floor(buffer.byteLength / size);
      const from = Math.min(skip, whole);
      return new View(buffer, from * size, whole - from);
    }),
  );
}

/** What a node of a generated value is made of: primitives, or nodes made before it. */
interface Piece {
  readonly kind: "array" | "object" | "bare" | "map" | "set" | "leaf";
  readonly leaf: object;
  readonly items: readonly { readonly name: string; readonly primitive: unknown; readonly earlier: number | undefined }[];
}

function assemble(pieces: readonly Piece[], shared: boolean): unknown {
  const nodes: unknown[] = [];
  const used = new Set<number>();
  for (const { kind, leaf, items } of pieces) {
    const values = items.map(({ primitive, earlier }) => {
      if (earlier === undefined || nodes.length === 0) return primitive;
      const index = earlier % nodes.length;
      if (!shared && used.has(index)) return primitive;
      used.add(index);
      return nodes[index];
    });
    const node = kind === "array"
      ? values
      : kind === "set"
      ? new Set(values)
      : kind === "map"
      ? new Map<unknown, unknown>()
      : kind === "leaf"
      ? leaf
      : {};
    if (kind === "bare") Object.setPrototypeOf(node, null);
    for (const [at, { name }] of items.entries()) {
      if (node instanceof Map) node.set(at % 2 ? values[at] : name, values[items.length - 1 - at]);
      else if (kind === "object" || kind === "bare") {
        Object.defineProperty(node, name, { value: values[at], writable: true, enumerable: true, configurable: true });
      }
    }
    nodes.push(node);
  }
  return nodes.at(-1);
}

/**
 * Any value that can be stored.
 *
 * @param shared whether an object may be met twice in it
 */
export function arbitraryValue({ shared = true }: { readonly shared?: boolean } = {}): fc.Arbitrary<unknown> {
  const item = fc.record({
    name: arbitraryText(),
    primitive: arbitraryPrimitive(),
    earlier: fc.option(fc.nat(), { nil: undefined, freq: 1 }),
  });
  const piece = fc.record({
    kind: fc.constantFrom("array", "object", "bare", "map", "set", "leaf"),
    leaf: arbitraryLeafObject(),
    items: fc.array(item, { maxLength: 6 }),
  });
  const built = fc.array(piece, { minLength: 1, maxLength: 12 }).map((pieces) => assemble(pieces as Piece[], shared));
  return fc.oneof({ weight: 6, arbitrary: built }, { weight: 1, arbitrary: arbitraryPrimitive() }, {
    weight: 1,
    arbitrary: fc.jsonValue(),
  });
}
