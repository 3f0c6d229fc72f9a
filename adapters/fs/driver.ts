/**
 * The driver over a folder, against the system calls that it is given.
 *
 * @module
 */
import type { Driver, DriverListOptions, DriverSegments, DriverSupports } from "../../src/store/driver.ts";
import type { FileCalls } from "./calls.ts";
import { codeOf, explain, isNoFile } from "./errors.ts";
import { Folders } from "./folders.ts";
import { Leftovers } from "./leftovers.ts";
import { pathOf } from "./names.ts";
import { createObject, fileOf, listObjects, readObject, replaceObject } from "./objects.ts";
import { Places } from "./places.ts";
import { Segments } from "./segments.ts";

/** The path as it was given, for messages, and as it is used. */
export interface DirectoryPath {
  readonly given: string;
  readonly absolute: string;
}

/** Whole files that are read and written at once, at the most. */
const OPEN_OBJECTS = 32;

/** What a folder takes, wherever it is. */
const supports: DriverSupports = {
  commit: false,
  create: true,
  list: "ordered",
  writers: "many",
  durability: "fsync",
  strongReads: true,
  binary: true,
  valueBytes: 64 * 1024 * 1024,
  keyBytes: 4096,
  batchOps: 1_000_000,
  batchBytes: 1024 * 1024 * 1024,
};

/**
 * A driver over a folder. `isLocal` says whether appends of several processes cannot land on each other there; where they can,
 * one process writes at a time, whole files, under a lease. `now`: the clock that files are dated by.
 */
export function createDriver(
  { given, absolute }: DirectoryPath,
  system: FileCalls,
  isLocal: () => boolean,
  now: () => number = Date.now,
): Driver {
  const calls = new Places(OPEN_OBJECTS).around(system);
  const folders = new Folders(absolute, calls);
  const leftovers = new Leftovers(calls, now);
  const reading = async <T>(read: () => Promise<T>): Promise<T> => {
    try {
      return await read();
    } catch (error) {
      throw explain(error, "read", given);
    }
  };
  /** Whatever fails has written nothing, unless it says that it may have. */
  const writing = async <T>(write: (inDoubt: () => void) => Promise<T>): Promise<T> => {
    let isInDoubt = false;
    try {
      return await write(() => isInDoubt = true);
    } catch (error) {
      throw isInDoubt ? error : explain(error, "write to", given);
    }
  };
  const place = (key: string) => fileOf(absolute, key);
  const list = (options: DriverListOptions) => reading(() => listObjects(calls, absolute, options, supports.valueBytes));
  const getItem = (key: string) => reading(() => readObject(calls, place(key).path, supports.valueBytes));
  const plain = {
    name: `fs ${given}`,
    hasItem: async (key: string) => await getItem(key) !== undefined,
    getItem,
    getKeys: async (base: string) => (await list({ prefix: base, limit: Infinity })).map(({ key }) => key),
    placeOf: (key: string) => pathOf(key).join("/"),
    removeItem: (key: string) =>
      writing(async () => {
        try {
          await calls.remove(place(key).path);
        } catch (error) {
          // A folder there is somebody else's.
          if (codeOf(error) !== "ENOENT" && !isNoFile(error)) throw error;
        }
      }),
  };
  if (!isLocal()) {
    return {
      ...plain,
      supports: { ...supports, create: false, list: "scan", writers: "one", binary: false },
      setItem: async (key, value) => {
        await writing((inDoubt) => replaceObject(calls, folders, place(key), value, inDoubt));
        await leftovers.sweep(place(key).folder);
      },
    };
  }
  const segments = new Segments(absolute, system, folders);
  return {
    ...plain,
    supports,
    getMany: (keys) => Promise.all(keys.map(getItem)),
    list,
    create: async (key, value) => {
      const isNew = await writing((inDoubt) => createObject(calls, folders, place(key), value, inDoubt));
      await leftovers.sweep(place(key).folder);
      return isNew;
    },
    segments: typed(segments, reading, writing),
    dispose: () => segments.close(),
  };
}

function typed(
  segments: Segments,
  reading: <T>(read: () => Promise<T>) => Promise<T>,
  writing: <T>(write: (inDoubt: () => void) => Promise<T>) => Promise<T>,
): DriverSegments {
  return {
    create: (name, header) => writing(() => segments.create(name, header)),
    // The log finds out itself what became of an append or a sync that failed.
    append: (name, frame, at) => segments.append(name, frame, at),
    read: (name, from, most) => reading(() => segments.read(name, from, most)),
    sync: (name, from, bytes) => segments.sync(name, from, bytes),
    remove: (name) => writing(() => segments.remove(name)),
  };
}
