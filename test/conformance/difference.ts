/**
 * Deep equality that knows what the codec must keep: types, prototypes, order of Maps and Sets, -0, NaN, missing and
 * undefined, holes, and which references are shared.
 *
 * @module
 */

/** Where two values first differ, in words; `undefined` if they are the same through and through. */
export function findDifference(actual: unknown, expected: unknown): string | undefined {
  return compare(actual, expected, { path: "$", pairs: new Map(), partners: new Map() });
}

interface Walk {
  readonly path: string;
  /** Which object of the expected value stands for one of the actual value, and the other way round: references are kept. */
  readonly pairs: Map<object, object>;
  readonly partners: Map<object, object>;
}

function compare(actual: unknown, expected: unknown, walk: Walk): string | undefined {
  const differ = () => `${walk.path} is ${name(actual)}, and should be ${name(expected)}`;
  if (!isObject(actual) || !isObject(expected)) return Object.is(actual, expected) ? undefined : differ();
  const partner = walk.pairs.get(actual);
  if (partner !== undefined || walk.partners.has(expected)) {
    return partner === expected ? undefined : `${walk.path} shares its reference with another place than expected`;
  }
  walk.pairs.set(actual, expected);
  walk.partners.set(expected, actual);
  if (Object.getPrototypeOf(actual) !== Object.getPrototypeOf(expected)) return differ();
  return compareContents(actual, expected, walk) ?? compareProperties(actual, expected, walk);
}

/** What an object holds outside its properties. */
function compareContents(actual: object, expected: object, walk: Walk): string | undefined {
  if (actual instanceof Date) return compareAt(actual.getTime(), (expected as Date).getTime(), walk, ".getTime()");
  if (actual instanceof Map) return compareAt([...actual], [...expected as Map<unknown, unknown>], walk, ".entries()");
  if (actual instanceof Set) return compareAt([...actual], [...expected as Set<unknown>], walk, ".values()");
  if (actual instanceof ArrayBuffer) return compareBytes(new Uint8Array(actual), new Uint8Array(expected as ArrayBuffer), walk);
  if (ArrayBuffer.isView(actual)) return compareBytes(bytesOf(actual), bytesOf(expected as ArrayBufferView), walk);
  return undefined;
}

function compareProperties(actual: object, expected: object, walk: Walk): string | undefined {
  if (ArrayBuffer.isView(actual)) return undefined;
  if (Array.isArray(actual)) {
    const difference = compareAt(actual.length, (expected as unknown[]).length, walk, ".length");
    if (difference !== undefined) return difference;
  }
  for (const key of Reflect.ownKeys(expected)) {
    if (!Object.hasOwn(actual, key)) return `${walk.path} lacks ${String(key)}`;
  }
  for (const key of Reflect.ownKeys(actual)) {
    if (!Object.hasOwn(expected, key)) return `${walk.path} has ${String(key)}, and should not`;
    if (key === "length" && Array.isArray(actual)) continue;
    const difference = compareAt(read(actual, key), read(expected, key), walk, `.${String(key)}`);
    if (difference !== undefined) return difference;
  }
  return undefined;
}

/** Not by `object[key]`: an own `__proto__` is data. */
function read(object: object, key: PropertyKey): unknown {
  return Object.getOwnPropertyDescriptor(object, key)?.value;
}

function compareAt(actual: unknown, expected: unknown, walk: Walk, step: string): string | undefined {
  return compare(actual, expected, { ...walk, path: walk.path + step });
}

function compareBytes(actual: Uint8Array, expected: Uint8Array, walk: Walk): string | undefined {
  if (actual.length !== expected.length) return `${walk.path} has ${actual.length} bytes, and should have ${expected.length}`;
  const at = actual.findIndex((byte, i) => byte !== expected[i]);
  return at < 0 ? undefined : `${walk.path} has byte ${actual[at]} at ${at}, and should have ${expected[at]}`;
}

function bytesOf(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/** What a value is, in a few words. */
function name(value: unknown): string {
  if (Object.is(value, -0)) return "-0";
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "string") return value.length > 80 ? `"${value.slice(0, 80)}…" (${value.length})` : JSON.stringify(value);
  if (!isObject(value)) return String(value);
  const kind = (Object.getPrototypeOf(value) as { constructor?: { name?: string } } | null)?.constructor?.name ?? "null-prototype object";
  return value instanceof Date ? `${kind} ${value.getTime()}` : `${kind} with ${Reflect.ownKeys(value).length} properties`;
}
