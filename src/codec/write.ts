/**
 * Writing any supported value as tagged JSON, without recursion.
 *
 * @module
 */
import { toBase64url } from "../digest.ts";
import { StateError } from "../errors.ts";
import { bytesOf, type Kind, kindOf } from "./kind.ts";

/** What bounds an encoded value. */
export interface EncodeOptions {
  /** The longest path into a value, in steps. */
  readonly depth: number;
  /** Where to stop writing: the caller still has to measure the UTF-8 of the text. @default Infinity */
  readonly valueBytes?: number;
}

/** An object whose items are being written. */
interface Frame {
  readonly id: number;
  readonly kind: Kind;
  readonly node: object;
  /** The names of the items; else they are `items`, by position. */
  readonly keys: readonly string[] | undefined;
  readonly items: ArrayLike<unknown>;
  readonly length: number;
  /** What follows the last item. */
  readonly end: string;
  /** The next item; beyond `length` once all is written. */
  next: number;
}

/** A value as tagged JSON; what it throws stands at `encodeValue`. */
export function writeTagged(root: unknown, { depth, valueBytes = Infinity }: EncodeOptions): string {
  let text = "";
  const frames: Frame[] = [];
  /** The objects met, with their frame if they have one. */
  const met = new Map<object, Pick<Frame, "id"> & Partial<Frame>>();
  /** Keys as JSON: the same few come again and again. */
  const names = new Map<string, string>();
  let count = 0;
  let thrown: unknown;

  function pathTo(length = frames.length): string {
    return "$" + frames.slice(0, length).map(stepOf).join("");
  }

  function refusal(why: string, cause?: unknown): StateError {
    const path = pathTo();
    return new StateError("STATE_INVALID_VALUE", `Cannot store a value: ${path} ${why}`, { details: { path }, cause });
  }

  function refuse(why: string): never {
    throw thrown = refusal(why);
  }

  function bound(limit: "depth" | "valueBytes", actual: number, max: number): void {
    if (actual <= max) return;
    const message = `Cannot store a value: limits.${limit} is ${max}, it has ${actual} or more`;
    throw thrown = new StateError("STATE_TOO_LARGE", message, { details: { limit, actual, max } });
  }

  function tag(name: string, payload: string): void {
    text += `{"$":["${name}",${payload}]}`;
  }

  function put(value: unknown): void {
    bound("depth", frames.length, depth);
    bound("valueBytes", text.length + (typeof value === "string" ? value.length : 0), valueBytes);
    switch (typeof value) {
      case "string":
      case "boolean":
        text += JSON.stringify(value);
        break;
      case "undefined":
      case "number":
        if (Number.isFinite(value) && !Object.is(value, -0)) text += value;
        else text += `{"$":"${Object.is(value, -0) ? "-0" : value}"}`;
        break;
      case "bigint":
        tag("bigint", `"${value.toString(16)}"`);
        break;
      case "object":
        if (value === null) text += "null";
        else putObject(value);
        break;
      default:
        refuse(`is a ${typeof value}`);
    }
  }

  /** Refers to an object that has been met; false if it has not. */
  function refer(value: object): boolean {
    const first = met.get(value);
    if (!first) return false;
    if (first.next! <= first.length!) {
      const path = pathTo();
      const to = pathTo(frames.indexOf(first as Frame));
      throw thrown = new StateError("STATE_CIRCULAR", `Cannot store a value: ${path} is ${to} again`, { details: { path, to } });
    }
    tag("ref", `${first.id}`);
    return true;
  }

  function putObject(origin: object): void {
    if (refer(origin)) return;
    let node = origin;
    let kind = kindOf(node);
    if (!kind || kind === "Object" || kind === "Array" || kind === "null") {
      const { toJSON } = node as { readonly toJSON?: unknown };
      if (typeof toJSON === "function") {
        const answer: unknown = toJSON.call(node);
        if (typeof answer !== "object" || answer === null) return put(answer);
        node = answer;
        if (refer(node)) return void met.set(origin, met.get(node)!);
        kind = kindOf(node);
      }
    }
    if (!kind) refuse(`is an instance of ${node.constructor?.name || "an unnamed class"}`);
    const frame = open(kind, node);
    met.set(origin, frame).set(node, frame);
  }

  /** Begins an object, and pushes its frame if it has items. */
  function open(kind: Kind, node: object): { readonly id: number } {
    let extra = Object.getOwnPropertySymbols(node).length > 0;
    let keys: readonly string[] | undefined;
    let items: ArrayLike<unknown> | undefined;
    let start = `{"$":["${kind}",[`;
    let end = "]]}";
    if (kind === "Array") {
      items = node as readonly unknown[];
      extra ||= Object.keys(node).length > items.length;
      [start, end] = ["[", "]"];
    } else if (kind === "Object" || kind === "null") {
      items = keys = Object.keys(node);
      [start, end] = kind === "null" || keys.includes("$") ? [`{"$":["${kind}",{`, "}]}"] : ["{", "}"];
    } else {
      // A typed array's elements are keys of its own, too many to look among them for others.
      extra ||= !(ArrayBuffer.isView(node) && kind !== "DataView") && Reflect.ownKeys(node).length > 0;
      if (kind === "Map") items = [...Map.prototype.entries.call(node)].flat();
      if (kind === "Set") items = [...Set.prototype.values.call(node)];
    }
    if (extra) refuse("has a symbol as a key, or properties besides its items");
    const id = count++;
    if (!items) {
      putLeaf(kind, node);
      return { id };
    }
    text += start;
    const frame = { id, kind, node, keys, items, length: items.length, end, next: 0 };
    frames.push(frame);
    return frame;
  }

  function putLeaf(kind: Kind, node: object): void {
    if (kind === "Date") return tag(kind, JSON.stringify(Date.prototype.getTime.call(node)));
    const bytes = bytesOf(node, kind) ?? refuse("has bytes whose memory is shared or resizable");
    bound("valueBytes", text.length + bytes.length, valueBytes);
    tag(kind, `"${toBase64url(bytes)}"`);
  }

  function putNext(frame: Frame): void {
    const { node, keys, items } = frame;
    const at = frame.next++;
    if (at > 0) text += ",";
    if (keys) {
      const key = keys[at]!;
      let name = names.get(key);
      if (!name) names.set(key, name = JSON.stringify(key) + ":");
      text += name;
      return put((node as Record<string, unknown>)[key]);
    }
    const item = items[at];
    if (item === undefined && !Object.hasOwn(items, at)) refuse("is a hole in an array");
    put(item);
  }

  try {
    put(root);
    for (let frame; (frame = frames.at(-1));) {
      if (frame.next < frame.length) {
        putNext(frame);
      } else {
        text += frame.end;
        frame.next++;
        frames.pop();
      }
    }
    return text;
  } catch (error) {
    throw error === thrown ? error : refusal("could not be read", error);
  }
}

/** The step of a path from a frame's object to the item that is being written. */
function stepOf({ kind, keys, next }: Frame): string {
  const at = next - 1;
  if (keys) return /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(keys[at]!) ? `.${keys[at]}` : `[${JSON.stringify(keys[at])}]`;
  if (kind === "Map") return `.${at % 2 ? "values" : "keys"}()[${at >> 1}]`;
  return `${kind === "Set" ? ".values()" : ""}[${at}]`;
}
