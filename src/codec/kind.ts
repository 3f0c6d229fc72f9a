/**
 * What an object is, whatever realm it comes from.
 *
 * @module
 */
import { binaryNames } from "./tags.ts";

/** How an object is stored: by the name of its class, or as "null" if it has no prototype. */
export type Kind = string;

const kinds: readonly Kind[] = ["Object", "Array", "Date", "Map", "Set", ...binaryNames];

const source = Function.prototype.toString;

/** A class of this runtime, by name; Float16Array is not in all of them. */
export function classOf(kind: Kind): (new (argument: unknown) => object) | undefined {
  return (globalThis as Record<string, unknown>)[kind] as never;
}

/** The kind of an object; `undefined` for an instance of any other class, subclasses of the kinds included. */
export function kindOf(value: object): Kind | undefined {
  const prototype = Object.getPrototypeOf(value);
  const kind = prototype === Object.prototype ? "Object" : prototype === Array.prototype ? "Array" : kindMadeBy(prototype);
  return Array.isArray(value) === (kind === "Array") ? kind : undefined;
}

function kindMadeBy(prototype: object | null): Kind | undefined {
  if (!prototype) return "null";
  const made = prototype.constructor as (NewableFunction & { readonly isBuffer?: unknown }) | undefined;
  const kind = kinds.find((name) => name === made?.name);
  // A built-in class of another realm is another object, but all engines print both as `function Map() { [native code] }`.
  if (kind && made!.prototype === prototype && source.call(made) === source.call(classOf(kind))) return kind;
  // Node's Buffer, and what is made after it for browsers: subclasses of Uint8Array that everybody takes for bytes.
  return typeof made?.isBuffer === "function" ? "Uint8Array" : undefined;
}

/**
 * The bytes of something binary, not copied; `undefined`: their memory is shared or resizable.
 *
 * @throws {TypeError} if it is not what its class says, or its memory is gone to somebody else
 */
export function bytesOf(value: object, kind: Kind): Uint8Array | undefined {
  // The constructor of a DataView takes nothing but a buffer that is still there.
  const { buffer, byteOffset, byteLength } = kind === "ArrayBuffer" ? new DataView(value as ArrayBuffer) : value as ArrayBufferView;
  if (kindOf(buffer) !== "ArrayBuffer" || (kind === "ArrayBuffer" && (buffer as ArrayBuffer).resizable)) return undefined;
  return new Uint8Array(buffer, byteOffset, byteLength);
}
