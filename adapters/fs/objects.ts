/**
 * Whole files: written once, beside their place, and put there in one step.
 *
 * @module
 */
import type { DriverItem, DriverListOptions } from "../../src/store/driver.ts";
import type { FileCalls } from "./calls.ts";
import { codeOf, isAbsent, isNoFile, noFile, tooLarge } from "./errors.ts";
import type { Folders } from "./folders.ts";
import { isName, isOurs, pathOf } from "./names.ts";

/** Before bytes; text of ours begins with a letter. */
const BYTES = 0;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Where a key's file is. */
export interface FilePlace {
  readonly folder: string;
  readonly path: string;
}

/** Where a key's file is, below a directory. */
export function fileOf(directory: string, key: string): FilePlace {
  const parts = [directory, ...pathOf(key)];
  return { folder: parts.slice(0, -1).join("/"), path: parts.join("/") };
}

/** The names of files in the making. */
export const TEMPORARY: RegExp = /^\.tmp-[0-9a-f]{24}$/;

/** Names a file in the making. */
export function temporaryName(): string {
  return `.tmp-${Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

/**
 * What stands in a file, of at most so many bytes; undefined: there is none.
 *
 * @throws {StateError} STATE_CORRUPT if it is larger, or no file
 */
export async function readObject(calls: FileCalls, path: string, mostBytes: number): Promise<string | Uint8Array | undefined> {
  let file;
  try {
    file = await calls.open(path, "read");
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw isNoFile(error) ? noFile(path) : error;
  }
  try {
    const { size } = await file.stat();
    if (size > mostBytes + 1) throw tooLarge(path, size);
    const bytes = await file.read(0, size);
    return bytes[0] === BYTES ? bytes.slice(1) : decoder.decode(bytes);
  } finally {
    await file.close();
  }
}

/** Writes a file that must not be there yet; `linked` is told before it may be. False: it is there. */
export async function createObject(
  calls: FileCalls,
  folders: Folders,
  place: FilePlace,
  value: string | Uint8Array,
  linked: () => void,
): Promise<boolean> {
  return await beside(calls, folders, place, value, async (temporary) => {
    linked();
    return await isLinked(calls, temporary, place.path);
  });
}

/** Writes a file in place of what stands there, in one step; `renamed` is told before it may be. */
export async function replaceObject(
  calls: FileCalls,
  folders: Folders,
  place: FilePlace,
  value: string | Uint8Array,
  renamed: () => void,
): Promise<void> {
  await beside(calls, folders, place, value, async (temporary) => {
    renamed();
    await calls.rename(temporary, place.path);
  });
}

/** Writes a file under a name of its own, puts it in its place, and makes that durable. */
async function beside<T>(
  calls: FileCalls,
  folders: Folders,
  { folder }: FilePlace,
  value: string | Uint8Array,
  put: (temporary: string) => Promise<T>,
): Promise<T> {
  const bytes = typeof value === "string" ? encoder.encode(value) : prefixed(value);
  return await folders.within(folder, async () => {
    // Random and exclusive: a name that was used before could be another name of a file that counts.
    const temporary = `${folder}/${temporaryName()}`;
    const file = await calls.open(temporary, "create");
    try {
      try {
        for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
        await file.sync();
      } finally {
        await file.close();
      }
      const result = await put(temporary);
      // Also where it was there before: its name may not be durable yet.
      await folders.sync(folder);
      return result;
    } finally {
      try {
        await calls.unlink(temporary);
      } catch { /* It has its place, or is in nobody's way. */ }
    }
  });
}

async function isLinked(calls: FileCalls, from: string, to: string): Promise<boolean> {
  try {
    await calls.link(from, to);
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw error;
  }
}

function prefixed(bytes: Uint8Array): Uint8Array {
  const whole = new Uint8Array(bytes.length + 1);
  whole.set(bytes, 1);
  return whole;
}

/** A page of keys in order, depth first: a folder's keys come before those of the names that it is the beginning of. */
export async function listObjects(
  calls: FileCalls,
  directory: string,
  options: DriverListOptions,
  mostBytes: number,
): Promise<readonly DriverItem[]> {
  const { prefix, after, limit, reverse = false, values = false } = options;
  const items: DriverItem[] = [];
  const isWanted = (key: string) => key.startsWith(prefix) && (after === undefined || (reverse ? key < after : key > after));
  const mayHold = (under: string) =>
    (under.startsWith(prefix) || prefix.startsWith(under)) &&
    (after === undefined || (reverse ? under < after : `${under}\u{ffff}` > after));
  const walk = async (folder: string, under: string): Promise<void> => {
    let entries;
    try {
      entries = await calls.readdir(folder);
    } catch (error) {
      if (!isAbsent(error)) throw error;
      // Gone meanwhile, or never made. Unless all of it is no folder.
      if (codeOf(error) === "ENOTDIR") await calls.readdir(directory);
      return;
    }
    // A folder may hold thousands, and few of them be asked for.
    const wanted = entries.filter(({ name, isFolder }) =>
      isOurs(name) && (isFolder ? mayHold(`${under}${name}!`) : isWanted(`${under}${name}`))
    );
    wanted.sort((a, b) => (a.name < b.name) === reverse ? 1 : -1);
    for (const { name, isFolder } of wanted) {
      if (items.length >= limit) return;
      const [key, path] = [`${under}${name}`, `${folder}/${name}`];
      if (isFolder) await walk(path, `${key}!`);
      else if (!values) items.push({ key });
      else {
        const value = await readObject(calls, path, mostBytes);
        if (value !== undefined) items.push({ key, value });
      }
    }
  };
  // Where it can, it begins below: there may be thousands of namespaces.
  const above = prefix.split("!").slice(0, -1);
  if (above.every(isName)) await walk([directory, ...above].join("/"), above.map((part) => `${part}!`).join(""));
  return items;
}
