/**
 * Keys as long as the library makes them, on a driver that takes only shorter ones.
 *
 * A segment that is too long is cut, and ends in `~~` (which no encoded name has in it) and a digest; the whole key stands before
 * the value, and is compared when it is read:
 *
 * ```text
 * K1
 * ‹the whole key›
 * ‹value›
 * ```
 *
 * Cut keys that begin alike are in no order, so a list reads all of them together and sorts them: dear, and rare.
 *
 * @module
 */
import { encodeSegment } from "../keys/segment.ts";
import type { Driver, DriverItem, DriverListOptions } from "./driver.ts";
import { corrupt, type Seal } from "./seal.ts";

/** What of a driver is given keys. */
export type KeyedCalls = Required<Pick<Driver, "getMany" | "list" | "commit">>;

/** No key of the library has more segments that a caller names: a namespace, two ids, a key. */
const NAMED = 4;
/** What every key has beside them: what it is of, times, the separators. */
const FIXED_BYTES = 72;
/** Characters of a digest that a cut segment ends in, before they are encoded. */
const DIGEST = 22;
/** A page of those that are read together. */
const PAGE = 100;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * The same calls for keys of any length.
 *
 * @param isLenient what stands under a cut key without its whole one before it is left out; a repair asks for it by `strays`
 */
export function withShortKeys(
  driver: KeyedCalls,
  keyBytes: number,
  seal: Seal,
  isLenient = false,
): KeyedCalls & { strays(prefix: string): Promise<readonly Required<DriverItem>[]> } {
  const most = Math.floor((keyBytes - FIXED_BYTES) / NAMED);
  // Encoded, a digest takes three bytes a character at the most.
  const kept = most - 2 - 3 * DIGEST;
  if (kept < 1) throw new RangeError(`Cannot cut keys to ${keyBytes} bytes: that is too short to tell them apart`);

  const isCut = (key: string) => key.includes("~~");
  const shorten = async (key: string): Promise<string> => {
    const segments = key.split("!");
    if (segments.every(({ length }) => length <= most)) return key;
    const long = segments.filter(({ length }) => length > most);
    const digests = await seal(long);
    const cut = new Map(long.map((segment, i) => [segment, `${segment.slice(0, kept)}~~${encodeSegment(digests[i]!.slice(0, DIGEST))}`]));
    return segments.map((segment) => cut.get(segment) ?? segment).join("!");
  };
  /** What all keys begin with that may have been cut like this one, up to the first segment of it that may; undefined: it has none. */
  const groupOf = (key: string): string | undefined => {
    for (let from = 0; from < key.length;) {
      const end = key.indexOf("!", from);
      if ((end < 0 ? key.length : end) - from >= kept) return key.slice(0, from + kept);
      if (end < 0) return undefined;
      from = end + 1;
    }
    return undefined;
  };
  /** What stands under a cut key, if the whole one before it is one that is cut like that. */
  const proven = async (short: string, stored: string | Uint8Array): Promise<Required<DriverItem> | undefined> => {
    const item = attempt(() => unwrap(short, stored));
    return item !== undefined && await shorten(item.key) === short ? item : undefined;
  };
  /** All that begins with a group's prefix, by whole keys, in order. */
  const gather = async (group: string): Promise<DriverItem[]> => {
    const items: DriverItem[] = [];
    let after: string | undefined;
    for (;;) {
      const page = await driver.list({ prefix: group, limit: PAGE, values: true, ...after === undefined ? {} : { after } });
      for (const { key, value } of page) {
        const item = !isCut(key) ? { key, value: value! } : isLenient ? await proven(key, value!) : unwrap(key, value!);
        if (item !== undefined) items.push(item);
      }
      if (page.length < PAGE) break;
      after = page.at(-1)!.key;
    }
    return items.sort((a, b) => a.key < b.key ? -1 : 1);
  };
  const list = async ({ prefix, after, limit, reverse = false, values = false }: DriverListOptions): Promise<readonly DriverItem[]> => {
    const items: DriverItem[] = [];
    const take = (from: readonly DriverItem[]) => {
      for (const { key, value } of reverse ? [...from].reverse() : from) {
        if (items.length === limit || !key.startsWith(prefix)) continue;
        if (after !== undefined && (reverse ? key >= after : key <= after)) continue;
        items.push(values ? { key, value: value! } : { key });
      }
    };
    const alike = groupOf(prefix);
    if (alike !== undefined) {
      take(await gather(alike));
      return items;
    }
    let at = after;
    let group = after === undefined ? undefined : groupOf(after);
    while (items.length < limit) {
      if (group !== undefined) {
        if (group.startsWith(prefix)) take(await gather(group));
        // Behind the group, whichever way.
        at = reverse ? group : `${group}\u{ffff}`;
        group = undefined;
        continue;
      }
      const wanted = limit - items.length;
      const page = await driver.list({ prefix, limit: wanted, reverse, values, ...at === undefined ? {} : { after: at } });
      const plain = page.findIndex(({ key }) => groupOf(key) !== undefined);
      items.push(...plain < 0 ? page : page.slice(0, plain));
      if (plain < 0 && page.length < wanted) break;
      if (plain >= 0) group = groupOf(page[plain]!.key);
      at = page.at(-1)!.key;
    }
    return items;
  };
  return {
    list,
    strays: async (prefix) => {
      const strays: Required<DriverItem>[] = [];
      let after: string | undefined;
      for (;;) {
        const page = await driver.list({ prefix, limit: PAGE, values: true, ...after === undefined ? {} : { after } });
        for (const { key, value } of page) if (isCut(key) && await proven(key, value!) === undefined) strays.push({ key, value: value! });
        if (page.length < PAGE) return strays;
        after = page.at(-1)!.key;
      }
    },
    getMany: async (keys) => {
      const short = await Promise.all(keys.map(shorten));
      const values = await driver.getMany(short);
      const found = await Promise.all(values.map((value, i) => isLenient && value !== undefined ? proven(short[i]!, value) : undefined));
      return values.map((value, i) => {
        if (value === undefined || short[i] === keys[i]) return value;
        if (isLenient) return found[i]?.value;
        const item = unwrap(short[i]!, value);
        if (item.key !== keys[i]) throw corrupt(`"${short[i]}"`, "it is of another key", undefined, keys[i]);
        return item.value;
      });
    },
    commit: async ({ checks, set, remove, durable }) => {
      const wrapped = async <V extends string | Uint8Array | undefined>(key: string, value: V): Promise<readonly [string, V]> => {
        const short = await shorten(key);
        return [short, short === key || value === undefined ? value : wrap(key, value) as V];
      };
      return await driver.commit({
        checks: await Promise.all(checks.map(async ({ key, is }) => {
          const [short, value] = await wrapped(key, is);
          return { key: short, is: value };
        })),
        set: await Promise.all(set.map(([key, value]) => wrapped(key, value))),
        remove: await Promise.all(remove.map(shorten)),
        durable,
      });
    },
  };
}

function attempt<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch {
    return undefined;
  }
}

/** What is put before a value takes so many bytes at the most, under the default limits of keys. */
export const WRAPPING_BYTES: number = 8 * 1024;

function wrap(key: string, value: string | Uint8Array): string | Uint8Array {
  const head = `K1\n${key}\n`;
  if (typeof value === "string") return head + value;
  const bytes = encoder.encode(head);
  const whole = new Uint8Array(bytes.length + value.length);
  whole.set(bytes);
  whole.set(value, bytes.length);
  return whole;
}

/**
 * The whole key and the value of what stands under a cut key.
 *
 * @throws {StateError} STATE_CORRUPT if there is no whole key
 */
export function unwrap(short: string, stored: string | Uint8Array): Required<DriverItem> {
  const isText = typeof stored === "string";
  const end = isText ? stored.indexOf("\n", 3) : stored.indexOf(10, 3);
  // Keys are ASCII: a byte is a character.
  const head = isText ? stored.slice(0, end) : decoder.decode(stored.subarray(0, Math.max(0, end)));
  if (end < 0 || !head.startsWith("K1\n")) throw corrupt(`"${short}"`, "its whole key does not stand before its value");
  return { key: head.slice(3), value: stored.slice(end + 1) };
}
