/** A driver in memory that has what a log on files needs, and nothing more: exclusive creation, ordered lists, segments. */
import { memory } from "../../adapters/memory.ts";
import type { Driver, DriverListOptions } from "../../src/store/driver.ts";

/** An empty store. Several drivers may share its maps, as several processes share a folder. */
export function createLogDriver(
  items: Map<string, string | Uint8Array> = new Map(),
  files: Map<string, Uint8Array> = new Map(),
): Driver {
  const order = () => [...items.keys(), ...files.keys()].sort();
  return {
    name: "log",
    supports: { ...memory().supports!, commit: false, create: true, list: "ordered", binary: false },
    hasItem: (key) => items.has(key),
    getItem: (key) => items.get(key),
    getKeys: (base) => order().filter((key) => key.startsWith(base)),
    removeItem: (key) => void items.delete(key),
    create: async (key, value) => {
      await undefined;
      if (items.has(key)) return false;
      items.set(key, value);
      return true;
    },
    list: async ({ prefix, after, limit, reverse = false, values = false }: DriverListOptions) => {
      await undefined;
      const keys = order().filter((key) => key.startsWith(prefix) && (after === undefined || (reverse ? key < after : key > after)));
      if (reverse) keys.reverse();
      return keys.slice(0, limit).map((key) => values ? { key, value: items.get(key)! } : { key });
    },
    segments: {
      create: async (name, header) => {
        await undefined;
        if (files.has(name)) return false;
        files.set(name, header);
        return true;
      },
      append: async (name, frame, at) => {
        await undefined;
        const bytes = files.get(name);
        if (bytes === undefined || bytes.length !== (at ?? bytes.length)) return undefined;
        const grown = new Uint8Array(bytes.length + frame.length);
        grown.set(bytes);
        grown.set(frame, bytes.length);
        files.set(name, grown);
        return { start: bytes.length, end: grown.length };
      },
      read: async (name, from) => {
        await undefined;
        const bytes = files.get(name);
        return bytes === undefined || bytes.length < from ? undefined : bytes.subarray(from);
      },
      sync: async () => {},
      remove: async (name) => {
        await undefined;
        files.delete(name);
      },
    },
  };
}
