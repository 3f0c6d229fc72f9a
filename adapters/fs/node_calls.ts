/**
 * The system calls as Node, Deno and Bun have them. What takes microseconds is done at once; what waits for the disk is not.
 *
 * @module
 */
import * as node from "node:fs";
import { dirname } from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import type { FileCalls, OpenFile } from "./calls.ts";
import { isAbsent } from "./errors.ts";

/** More than this is read and written beside other work. */
const AT_ONCE_BYTES = 256 * 1024;

const { constants } = node;
/** What is no file but a pipe must not be waited for. */
const NO_WAIT = constants.O_NONBLOCK ?? 0;
const flags = {
  read: constants.O_RDONLY | NO_WAIT,
  append: constants.O_RDWR | constants.O_APPEND | NO_WAIT,
  mend: constants.O_WRONLY | NO_WAIT,
  create: constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY,
};

const syncData = promisify(node.fdatasync);
const syncAll = promisify(node.fsync);
const remove = promisify(node.unlink);
const write = promisify(node.write) as (fd: number, bytes: Uint8Array) => Promise<{ readonly bytesWritten: number } | number>;
const read = promisify(node.read) as (
  fd: number,
  bytes: Uint8Array,
  offset: number,
  length: number,
  position: number,
) => Promise<{ readonly bytesRead: number } | number>;

/** The runtime's own file system. */
export const nodeCalls: FileCalls = {
  open: (path, how) => {
    const fd = node.openSync(path, flags[how], 0o600);
    const opened = node.fstatSync(fd);
    if (opened.isFile()) return openFile(fd, path, opened);
    node.closeSync(fd);
    throw Object.assign(new Error(`EISDIR: what stands there is no file, open '${path}'`), { code: "EISDIR" });
  },
  link: (from, to) => node.linkSync(from, to),
  unlink: (path) => node.unlinkSync(path),
  remove: (path) => remove(path),
  rename: (from, to) => node.renameSync(from, to),
  mkdir: (path) => {
    node.mkdirSync(path, { mode: 0o700 });
  },
  rmdir: (path) => node.rmdirSync(path),
  readdir: (path) =>
    node.readdirSync(path, { withFileTypes: true }).flatMap((entry) => {
      const kind = entry.isSymbolicLink() ? targetOf(`${path}/${entry.name}`) : entry;
      return kind?.isDirectory() || kind?.isFile() ? [{ name: entry.name, isFolder: kind.isDirectory() }] : [];
    }),
  syncFolder: async (path) => {
    // Windows has no such thing as a folder that can be synced; there the entry is durable with the file.
    if (process.platform === "win32") return;
    const folder = node.openSync(path, flags.read);
    try {
      await syncAll(folder);
    } finally {
      node.closeSync(folder);
    }
  },
};

function targetOf(link: string): node.Stats | undefined {
  try {
    return node.statSync(link);
  } catch {
    // It leads nowhere, or in a circle.
    return undefined;
  }
}

function openFile(fd: number, path: string, opened: node.Stats): OpenFile {
  return {
    write: async (bytes) => {
      if (bytes.length <= AT_ONCE_BYTES) return node.writeSync(fd, bytes);
      const written = await write(fd, bytes);
      return typeof written === "number" ? written : written.bytesWritten;
    },
    writeAt: (from, bytes) => node.writeSync(fd, bytes, 0, bytes.length, from),
    read: async (from, length) => {
      const bytes = new Uint8Array(length);
      for (let at = 0; at < length;) {
        const left = Math.min(length - at, 1 << 30);
        const got = left <= AT_ONCE_BYTES ? node.readSync(fd, bytes, at, left, from + at) : await read(fd, bytes, at, left, from + at);
        const count = typeof got === "number" ? got : got.bytesRead;
        if (count === 0) return bytes.subarray(0, at);
        at += count;
      }
      return bytes;
    },
    sync: () => syncData(fd),
    stat: () => {
      const { size, mtimeMs } = node.fstatSync(fd);
      return { size, changedMs: mtimeMs };
    },
    sizeInPlace: () => {
      try {
        const { dev, ino, size } = node.statSync(path);
        return dev === opened.dev && ino === opened.ino ? size : undefined;
      } catch (error) {
        if (isAbsent(error)) return undefined;
        throw error;
      }
    },
    close: () => node.closeSync(fd),
  };
}

/** Network and user-space file systems by the magic numbers of `statfs(2)`: NFS, SMB and CIFS, FUSE, 9P. */
const remote: ReadonlySet<number> = new Set([0x6969, 0x517b, 0xfe534d42, 0xff534d42, 0x65735546, 0x01021997]);

/** Whether appends of several processes to one file of this folder are certain not to land on each other. */
export function appendsAtomically(folder: string): boolean {
  try {
    return !remote.has(Number(node.statfsSync(folder).type) >>> 0);
  } catch {
    // Not made yet: the folder above decides. Where it cannot be asked at all, as on Windows, there are no such numbers either.
    const above = dirname(folder);
    return above === folder || appendsAtomically(above);
  }
}
