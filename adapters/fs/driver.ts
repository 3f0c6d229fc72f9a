/**
 * The driver over a folder, against the system calls that it is given.
 *
 * @module
 */
import { StateError } from "../../src/errors.ts";
import type { Driver, DriverSegments } from "../../src/store/driver.ts";
import type { FileCalls } from "./calls.ts";
import { codeOf, explain } from "./errors.ts";
import { Folders } from "./folders.ts";
import { createObject, fileOf, listObjects, readObject } from "./objects.ts";
import { Segments } from "./segments.ts";

/** The path as it was given, for messages, and as it is used. */
export interface DirectoryPath {
  readonly given: string;
  readonly absolute: string;
}

/** A driver over a folder. `isLocal` says whether appends of several processes cannot land on each other there. */
export function createDriver({ given, absolute }: DirectoryPath, calls: FileCalls, isLocal: () => boolean): Driver {
  const folders = new Folders(absolute, calls);
  const segments = new Segments(absolute, calls, folders);
  let isChecked = false;
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
      if (!isChecked && !isLocal()) throw remote(given);
      isChecked = true;
      return await write(() => isInDoubt = true);
    } catch (error) {
      throw isInDoubt ? error : explain(error, "write to", given);
    }
  };
  const list: Driver["list"] = (options) => reading(() => listObjects(calls, absolute, options));
  const getItem = (key: string) => reading(() => readObject(calls, fileOf(absolute, key).path));
  return {
    name: `fs ${given}`,
    supports: {
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
    },
    hasItem: async (key) => await getItem(key) !== undefined,
    getItem,
    getKeys: async (base) => (await list({ prefix: base, limit: Infinity })).map(({ key }) => key),
    getMany: (keys) => Promise.all(keys.map(getItem)),
    list,
    removeItem: (key) =>
      writing(async () => {
        try {
          await calls.unlink(fileOf(absolute, key).path);
        } catch (error) {
          if (codeOf(error) !== "ENOENT") throw error;
        }
      }),
    create: (key, value) => writing((inDoubt) => createObject(calls, folders, fileOf(absolute, key), value, inDoubt)),
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
    append: (name, frame) => segments.append(name, frame),
    read: (name, from) => reading(() => segments.read(name, from)),
    sync: (name, from, bytes) => segments.sync(name, from, bytes),
    remove: (name) => writing(() => segments.remove(name)),
  };
}

function remote(given: string): StateError {
  return new StateError(
    "STATE_UNSUPPORTED",
    `Cannot write to the folder "${given}": it is on a network or user-space file system, where what several processes append may ` +
      "land on each other; use a local folder",
    { details: { needs: "atomic append" } },
  );
}
