/**
 * A POSIX file system in memory, as a power loss leaves it: what was synced is there, and of what was not, anything.
 *
 * - A write counts for a running process at once, and for the disk once its file is synced. Until then it may be kept, lost,
 *   torn, or there in size alone, as zeros; whatever became of the writes before it. What was there before is not zeroed.
 * - Appends wait for each other; readers do not wait for them, and may see the beginning of one.
 * - A name counts for the disk once its folder is synced. Until then the changes of one name may be kept up to any of them;
 *   different names are independent of each other.
 * - A sync that failed leaves what was written as if it were clean: a later sync of the same file does not write it. Everybody
 *   who has the file open is told of the failure, once; who opens it later is not.
 * - A sync of a folder that failed changed nothing; a later one may succeed. (File systems with a journal write names into it,
 *   and stop altogether when that fails.)
 *
 * @module
 */
import type { FileCalls, FolderEntry, OpenAs, OpenFile } from "../../adapters/fs/calls.ts";

/** Which of so many possibilities. */
export type Choose = (possibilities: number) => number;

/** A call, as it is about to be made. */
export interface Call {
  readonly name: keyof FileCalls | keyof OpenFile;
  readonly path: string;
  /** What a file is opened for. */
  readonly how?: OpenAs;
}

/** What goes wrong with a call. */
export interface Fault {
  /** It fails with this code, as in "EIO". A sync that does leaves what it was to write in limbo. */
  readonly code?: string;
  /** It is made all the same, and fails then. */
  readonly isMade?: boolean;
  /** A write takes only so many bytes (below 0: all but so many); with a code it fails then. */
  readonly bytes?: number;
  /** Of a write readers see so many bytes first, and the rest a call later; what others append waits for it. */
  readonly seen?: number;
}

/** Looks at each call before it is made: may wait, may say what goes wrong with it. Where it throws, the process is no more. */
export type Gate = (call: Call) => void | Fault | Promise<void | Fault>;

interface File {
  readonly kind: "file";
  bytes: Uint8Array;
  durable: Uint8Array;
  /** Written since the last sync that succeeded. */
  pending: Write[];
  /** Written before a sync that failed: on the disk or not, and never asked for again. */
  limbo: Write[];
  /** Syncs that failed: each is told to everybody who has the file open, once. */
  failures: Failure[];
  /** When it was last written to. */
  changed: number;
  /** An append that has not come to its end. */
  appending?: Promise<unknown> | undefined;
}

/** A sync that failed. */
interface Failure {
  /** What it was to write, and what nobody has written again and synced since. */
  lost: Range[];
  /** Somebody who could not know of it opened the file before that. */
  isHidden: boolean;
}

/** Bytes of a file: the first one, and the one behind the last. */
type Range = readonly [from: number, to: number];

interface Write {
  readonly at: number;
  readonly bytes: Uint8Array;
}

interface Folder {
  readonly kind: "folder";
  names: Map<string, File | Folder>;
  durable: Map<string, File | Folder>;
  pending: { readonly name: string; readonly node: File | Folder | undefined }[];
}

/** A disk. Processes on it see each other's calls at once. */
export class SimulatedDisk {
  readonly #root: Folder;
  /** How many bytes it holds. */
  capacity: number = Infinity;
  /** What its clock says. */
  now = 0;

  /** An empty disk. */
  constructor(root: Folder = { kind: "folder", names: new Map(), durable: new Map(), pending: [] }) {
    this.#root = root;
  }

  /** A disk with these files, durable. */
  static of(files: ReadonlyMap<string, Uint8Array>): SimulatedDisk {
    const disk = new SimulatedDisk();
    for (const [path, bytes] of files) {
      let folder = disk.#root;
      const names = path.slice(1).split("/");
      for (const name of names.slice(0, -1)) {
        const next = folder.names.get(name) ?? { kind: "folder", names: new Map(), durable: new Map(), pending: [] };
        for (const all of [folder.names, folder.durable]) all.set(name, next);
        folder = next as Folder;
      }
      const file: File = { kind: "file", bytes, durable: bytes, pending: [], limbo: [], failures: [], changed: 0 };
      for (const all of [folder.names, folder.durable]) all.set(names.at(-1)!, file);
    }
    return disk;
  }

  /** What a power loss leaves, of all that it may leave. */
  crash(choose: Choose): SimulatedDisk {
    const left = new SimulatedDisk(survivor(this.#root, choose, new Map()) as Folder);
    left.now = this.now;
    return left;
  }

  /**
   * Whether a sync failed that nobody has made good, or not all of it, while somebody who could not know of it had the file open: what
   * that one saw a power loss may take. Who was told of it makes good what it goes on with itself; what others had appended, and did not
   * live to be told of, it does not.
   */
  get isBetrayed(): boolean {
    const isSo = (node: File | Folder): boolean =>
      node.kind === "file" ? node.failures.some(({ lost, isHidden }) => isHidden && lost.length > 0) : [...node.names.values()].some(isSo);
    return isSo(this.#root);
  }

  /** The calls of one process. */
  process(gate: Gate = () => {}): FileCalls {
    const call = async <T>(name: Call["name"], path: string, act: (fault: Fault) => T | Promise<T>, how?: OpenAs): Promise<T> => {
      const fault = await gate(how === undefined ? { name, path } : { name, path, how }) ?? fine;
      if (fault.code !== undefined && !fault.isMade && name !== "write" && name !== "sync") throw failure(fault.code, `${name} ${path}`);
      const result = await act(fault);
      if (fault.code !== undefined) throw failure(fault.code, `${name} ${path}`);
      return result;
    };
    const unlink = (path: string) =>
      call("unlink", path, () => {
        const node = this.#find(path);
        if (node.kind === "folder") throw failure("EISDIR", path);
        this.#put(path, undefined);
      });
    return {
      open: (path, how) => call("open", path, () => this.#open(path, how, call), how),
      link: (from, to) =>
        call("link", to, () => {
          const node = this.#find(from);
          if (node.kind === "folder") throw failure("EPERM", from);
          this.#put(to, node);
        }),
      unlink,
      remove: unlink,
      rename: (from, to) =>
        call("rename", to, () => {
          const node = this.#find(from);
          const folder = this.#folder(to.slice(0, to.lastIndexOf("/")));
          const name = to.slice(to.lastIndexOf("/") + 1);
          folder.names.delete(name);
          this.#put(to, node);
          this.#put(from, undefined);
        }),
      mkdir: (path) => call("mkdir", path, () => this.#put(path, { kind: "folder", names: new Map(), durable: new Map(), pending: [] })),
      rmdir: (path) =>
        call("rmdir", path, () => {
          if (this.#folder(path).names.size > 0) throw failure("ENOTEMPTY", path);
          this.#put(path, undefined);
        }),
      readdir: (path) =>
        call(
          "readdir",
          path,
          (): readonly FolderEntry[] => [...this.#folder(path).names].map(([name, { kind }]) => ({ name, isFolder: kind === "folder" })),
        ),
      syncFolder: (path) =>
        call("syncFolder", path, () => {
          const folder = this.#folder(path);
          folder.durable = new Map(folder.names);
          folder.pending = [];
        }),
    };
  }

  /** All files, with what is in them. */
  get files(): ReadonlyMap<string, Uint8Array> {
    const files = new Map<string, Uint8Array>();
    const walk = (folder: Folder, path: string): void => {
      for (const [name, node] of folder.names) {
        node.kind === "file" ? files.set(`${path}/${name}`, node.bytes) : walk(node, `${path}/${name}`);
      }
    };
    walk(this.#root, "");
    return files;
  }

  /** Bytes in all files. */
  get size(): number {
    const sizeOf = (node: File | Folder): number =>
      node.kind === "file" ? node.bytes.length : [...node.names.values()].reduce((sum, child) => sum + sizeOf(child), 0);
    return sizeOf(this.#root);
  }

  #open(
    path: string,
    how: OpenAs,
    call: <T>(name: Call["name"], path: string, act: (fault: Fault) => T | Promise<T>) => Promise<T>,
  ): OpenFile {
    if (how === "create") {
      this.#put(path, {
        kind: "file",
        bytes: new Uint8Array(),
        durable: new Uint8Array(),
        pending: [],
        limbo: [],
        failures: [],
        changed: this.now,
      });
    }
    const file = this.#find(path);
    if (file.kind === "folder") throw failure("EISDIR", path);
    for (const failed of file.failures) if (failed.lost.length > 0) failed.isHidden = true;
    const unknown = file.failures.length;
    let told = unknown;
    return {
      write: (bytes) =>
        call("write", path, async ({ bytes: allowed, code, isMade, seen }) => {
          while (file.appending !== undefined) await file.appending;
          const room = this.capacity === Infinity ? Infinity : this.capacity - this.size;
          const most = allowed === undefined
            ? (code === undefined || isMade ? Infinity : 0)
            : allowed < 0
            ? bytes.length + allowed
            : allowed;
          const taken = bytes.slice(0, Math.max(0, Math.min(most, room)));
          if (taken.length === 0 && bytes.length > 0) throw failure(code ?? "ENOSPC", path);
          const at = file.bytes.length;
          const append = (from: number, to: number) => {
            const part = { at: at + from, bytes: taken.slice(from, to) };
            file.bytes = written(file.bytes, part);
            file.changed = this.now;
            file.pending.push(part);
          };
          append(0, seen ?? taken.length);
          if (seen === undefined || seen >= taken.length) return taken.length;
          // The process may die meanwhile; the call goes on to its end.
          file.appending = call("write", path, () => {}).catch(() => {}).then(() => {
            append(seen, taken.length);
            file.appending = undefined;
          });
          await file.appending;
          return taken.length;
        }),
      writeAt: (at, bytes) =>
        call("writeAt", path, ({ bytes: most = bytes.length }) => {
          if (how !== "mend") throw failure("EBADF", path);
          const taken = bytes.slice(0, Math.max(0, most));
          file.bytes = written(file.bytes, { at, bytes: taken });
          file.pending.push({ at, bytes: taken });
          return taken.length;
        }),
      read: (from, length) => call("read", path, () => file.bytes.slice(from, from + length)),
      sync: () =>
        call("sync", path, ({ code }) => {
          if (code !== undefined) {
            const lost = file.pending.map(({ at, bytes }): Range => [at, at + bytes.length]);
            file.limbo.push(...file.pending);
            file.pending = [];
            file.failures.push({ isHidden: false, lost });
          }
          if (told < file.failures.length) {
            told = file.failures.length;
            throw failure(code ?? "EIO", path);
          }
          for (const write of file.pending) {
            file.durable = written(file.durable, write);
            for (const failed of file.failures) failed.lost = without(failed.lost, [write.at, write.at + write.bytes.length]);
          }
          file.pending = [];
        }),
      stat: () => call("stat", path, () => ({ size: file.bytes.length, changedMs: file.changed })),
      sizeInPlace: () =>
        call("stat", path, () => {
          try {
            return this.#find(path) === file ? file.bytes.length : undefined;
          } catch {
            return undefined;
          }
        }),
      close: () => {},
    };
  }

  #find(path: string): File | Folder {
    let node: File | Folder = this.#root;
    for (const name of path.split("/").filter((part) => part !== "")) {
      if (node.kind === "file") throw failure("ENOTDIR", path);
      const child: File | Folder | undefined = node.names.get(name);
      if (child === undefined) throw failure("ENOENT", path);
      node = child;
    }
    return node;
  }

  #folder(path: string): Folder {
    const node = this.#find(path);
    if (node.kind === "file") throw failure("ENOTDIR", path);
    return node;
  }

  #put(path: string, node: File | Folder | undefined): void {
    const cut = path.lastIndexOf("/");
    const folder = this.#folder(path.slice(0, cut));
    const name = path.slice(cut + 1);
    if (node !== undefined && folder.names.has(name)) throw failure("EEXIST", path);
    if (node === undefined) folder.names.delete(name);
    else folder.names.set(name, node);
    folder.pending.push({ name, node });
  }
}

/** The process that made a call is no more. */
export class Crash extends Error {}

const fine: Fault = {};

function failure(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: "${path}"`), { code });
}

function written(bytes: Uint8Array, { at, bytes: added }: Write): Uint8Array {
  const grown = new Uint8Array(Math.max(bytes.length, at + added.length));
  grown.set(bytes);
  grown.set(added, at);
  return grown;
}

/** What is left of ranges without the bytes of one. */
function without(ranges: readonly Range[], [from, to]: Range): Range[] {
  return ranges.flatMap(([start, end]): Range[] => [[start, Math.min(end, from)], [Math.max(start, to), end]]).filter(([start, end]) =>
    start < end
  );
}

/** What of a node a power loss leaves. A file with several names is one file after it, too. */
function survivor(node: File | Folder, choose: Choose, met: Map<File, File>): File | Folder {
  if (node.kind === "file") {
    const known = met.get(node);
    if (known !== undefined) return known;
    let bytes = node.durable;
    for (const write of [...node.limbo, ...node.pending]) bytes = kept(bytes, write, choose);
    const file: File = { kind: "file", bytes, durable: bytes, pending: [], limbo: [], failures: [], changed: node.changed };
    met.set(node, file);
    return file;
  }
  const left = new Map(node.durable);
  const changes = new Map<string, (File | Folder | undefined)[]>();
  for (const { name, node: changed } of node.pending) changes.set(name, [...changes.get(name) ?? [], changed]);
  for (const [name, steps] of changes) {
    const count = choose(steps.length + 1);
    if (count === 0) continue;
    const last = steps[count - 1];
    if (last === undefined) left.delete(name);
    else left.set(name, last);
  }
  const names = new Map([...left].map(([name, child]) => [name, survivor(child, choose, met)]));
  return { kind: "folder", names, durable: new Map(names), pending: [] };
}

function kept(bytes: Uint8Array, write: Write, choose: Choose): Uint8Array {
  const { at, bytes: added } = write;
  switch (choose(4)) {
    case 0:
      return bytes;
    case 1:
      return written(bytes, write);
    case 2:
      return at + added.length <= bytes.length ? bytes : written(new Uint8Array(at + added.length), { at: 0, bytes });
    default:
      return written(bytes, { at, bytes: added.subarray(0, choose(added.length)) });
  }
}

/** Nothing that was not synced is left. */
export const nothing: Choose = () => 0;

/** Possibilities from a seed (Lehmer's generator). */
export function seeded(seed: number): Choose {
  let state = seed % 2_147_483_646 + 1;
  return (possibilities) => (state = state * 48_271 % 2_147_483_647) % possibilities;
}

/** Every way to choose, depth first, up to so many. True: that was all of them. */
export async function exhaustively(most: number, run: (choose: Choose) => Promise<void>): Promise<boolean> {
  const path: { taken: number; readonly of: number }[] = [];
  for (let count = 0; count < most; count++) {
    let depth = 0;
    await run((possibilities) => {
      const step = path[depth] ??= { taken: 0, of: possibilities };
      depth++;
      return step.taken;
    });
    while (path.length > 0 && path.at(-1)!.taken === path.at(-1)!.of - 1) path.pop();
    if (path.length === 0) return true;
    path.at(-1)!.taken++;
  }
  return false;
}
