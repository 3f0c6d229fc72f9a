/**
 * Text to values.
 *
 * @module
 */
import { fromBase64url } from "../digest.ts";
import { StateError } from "../errors.ts";
import { classOf } from "./kind.ts";
import { binaryNames, numberNames } from "./tags.ts";

type Items = Record<string | number, unknown>;

/** An object whose items are being revived in place. */
interface Frame {
  readonly kind: string;
  readonly items: Items;
  /** The names of the items, if they have names. */
  readonly keys: readonly string[] | undefined;
  readonly length: number;
  readonly id: number;
  next: number;
}

/**
 * The value that `encodeValue` made a text of.
 *
 * @param parsed what `JSON.parse` makes of the text; it is used up
 * @throws {StateError} STATE_CORRUPT if `encodeValue` cannot have made it
 * @throws {StateError} STATE_UNSUPPORTED if this runtime has no Float16Array and the value does
 */
export function reviveValue(codec: string, parsed: unknown): unknown {
  if (codec === "j") return parsed;
  if (codec !== "x") fail(codec);
  /** Objects by their number; nothing stands for one that is not complete. */
  const nodes: unknown[] = [];
  const frames: Frame[] = [];

  function open(kind: string, items: object): void {
    const keys = Array.isArray(items) ? undefined : Object.keys(items);
    const length = keys ? keys.length : (items as readonly unknown[]).length;
    frames.push({ kind, items: items as Items, keys, length, id: nodes.push(undefined) - 1, next: 0 });
  }

  /** The value of a tag that holds no other values; or nothing, and its object is open. */
  function revive(tag: unknown): unknown {
    if (tag === "undefined") return undefined;
    if (numberNames.includes(tag)) return Number(tag);
    const [kind, payload] = Array.isArray(tag) && tag.length === 2 ? tag : [];
    if (kind === "bigint") return bigint(payload);
    if (kind === "ref") return (Number.isInteger(payload) ? nodes[payload] : undefined) ?? fail("ref");
    const isList = kind === "Map" || kind === "Set";
    if (isList || kind === "Object" || kind === "null") {
      return typeof payload === "object" && payload !== null && Array.isArray(payload) === isList ? open(kind, payload) : fail(kind);
    }
    const node = kind === "Date" ? date(payload) : binary(kind, payload);
    nodes.push(node);
    return node;
  }

  const holder = { root: parsed };
  frames.push({ kind: "", items: holder, keys: ["root"], length: 1, id: 0, next: 0 });
  for (;;) {
    const frame = frames.at(-1)!;
    if (frame.next === frame.length) {
      frames.pop();
      const above = frames.at(-1);
      if (!above) return holder.root;
      store(above, nodes[frame.id] = close(frame));
      continue;
    }
    const key = frame.keys ? frame.keys[frame.next]! : frame.next;
    const value = frame.items[key];
    frame.next++;
    if (typeof value !== "object" || value === null) continue;
    if (Array.isArray(value) || !Object.hasOwn(value, "$")) {
      open("", value);
      continue;
    }
    if (Object.keys(value).length > 1) fail("$");
    const opened = frames.length;
    const revived = revive((value as { readonly $: unknown }).$);
    if (frames.length === opened) store(frame, revived);
  }
}

/** Puts a revived value where its JSON stood. The property exists, so that even `__proto__` is but a name. */
function store({ items, keys, next }: Frame, value: unknown): void {
  items[keys ? keys[next - 1]! : next - 1] = value;
}

function close({ kind, items, length }: Frame): object {
  if (kind === "null") return Object.setPrototypeOf(items, null);
  if (kind !== "Map" && kind !== "Set") return items;
  const list = items as unknown as readonly unknown[];
  const made = kind === "Set" ? new Set(list) : new Map<unknown, unknown>();
  for (let at = 0; made instanceof Map && at < length; at += 2) made.set(list[at], list[at + 1]);
  // A key or element that stands twice, or a key without a value.
  return made.size === (kind === "Set" ? length : length / 2) ? made : fail(kind);
}

function bigint(payload: unknown): bigint {
  const [digits] = /^(?:0|-?[1-9a-f][0-9a-f]*)$/.exec(typeof payload === "string" ? payload : "") ?? fail("bigint");
  const value = BigInt(digits.replace(/^-?/, "0x"));
  return digits.startsWith("-") ? -value : value;
}

function date(payload: unknown): Date {
  const time = payload === null ? NaN : payload;
  const value = new Date(typeof time === "number" ? time : NaN);
  return Object.is(value.getTime(), time) ? value : fail("Date");
}

function binary(kind: unknown, payload: unknown): object {
  const name = binaryNames.find((name) => name === kind) ?? fail("$");
  const { buffer } = (typeof payload === "string" ? fromBase64url(payload) : undefined) ?? fail(name);
  if (name === "ArrayBuffer") return buffer;
  const Class = classOf(name);
  if (!Class) {
    throw new StateError("STATE_UNSUPPORTED", `Cannot read a stored value: this runtime has no ${name}`, { details: { needs: name } });
  }
  try {
    return new Class(buffer);
  } catch {
    // The bytes make no whole number of elements.
    return fail(name);
  }
}

function fail(what: string): never {
  throw new StateError("STATE_CORRUPT", `Cannot read a stored value: ${JSON.stringify(what)} is malformed`, { details: {} });
}
