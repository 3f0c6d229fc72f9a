/**
 * Append-only files, kept open.
 *
 * @module
 */
import type { DriverSegments } from "../../src/store/driver.ts";
import type { FileCalls, OpenFile } from "./calls.ts";
import { codeOf } from "./errors.ts";
import type { Folders } from "./folders.ts";
import { fileOf } from "./objects.ts";

/** Files kept open for the next call. */
const KEPT = 16;

interface Kept {
  readonly file: OpenFile;
  /** Calls at work on it: it is closed after the last one. */
  users: number;
  isDoomed: boolean;
  /** Something was appended and not synced: only whoever had the file open then is told if that fails. */
  isUnsynced: boolean;
  /** One sync at a time: of two, only one is told of a failure. */
  syncing: Promise<unknown>;
}

/** The segments below a directory. */
export class Segments implements DriverSegments {
  readonly #calls: FileCalls;
  readonly #directory: string;
  readonly #folders: Folders;
  readonly #kept: Map<string, Kept | Promise<Kept | undefined>> = new Map();
  /** Where a sync failed: what stands below this byte, and was not durable before, may be on no disk. */
  readonly #doubtful: Map<string, number> = new Map();

  /** None is open yet. */
  constructor(directory: string, calls: FileCalls, folders: Folders) {
    this.#directory = directory;
    this.#calls = calls;
    this.#folders = folders;
  }

  async create(name: string, header: Uint8Array): Promise<boolean> {
    const { folder, path } = fileOf(this.#directory, name);
    return await this.#folders.within(folder, async () => {
      let file;
      try {
        file = await this.#calls.open(path, "create");
      } catch (error) {
        if (codeOf(error) === "EEXIST") return false;
        throw error;
      }
      try {
        for (let at = 0; at < header.length;) at += await file.write(header.subarray(at));
        await file.sync();
      } finally {
        await file.close();
      }
      await this.#calls.syncFolder(folder);
      return true;
    });
  }

  async append(name: string, frame: Uint8Array): Promise<{ readonly start: number; readonly end: number } | undefined> {
    return await this.#with(name, async (kept) => {
      const { file } = kept;
      const before = await file.stat();
      if (before.links === 0) return undefined;
      if (this.#doubtful.get(name) === Infinity) this.#doubtful.set(name, before.size);
      kept.isUnsynced = true;
      const written = await file.write(frame);
      if (written < frame.length) throw new Error(`only ${written} of ${frame.length} bytes were written: the disk may be full`);
      const { size, links } = await file.stat();
      if (links === 0) throw new Error(`the segment "${name}" was removed meanwhile`);
      // Where others append at the same time, the frame ends somewhere below.
      return { start: size - frame.length, end: size };
    });
  }

  async read(name: string, from: number): Promise<Uint8Array | undefined> {
    return await this.#with(name, async ({ file }) => {
      const { size, links } = await file.stat();
      if (links === 0) return undefined;
      return size <= from ? new Uint8Array() : await file.read(from, size - from);
    });
  }

  async sync(name: string, from: number, bytes: Uint8Array): Promise<void> {
    const isThere = await this.#with(name, async (kept) => {
      const syncing = kept.syncing.then(() => this.#sync(name, kept, from, bytes));
      kept.syncing = syncing.catch(() => {});
      await syncing;
      return (await kept.file.stat()).links > 0 ? true : undefined;
    });
    if (isThere === undefined) throw new Error(`the segment "${name}" was removed`);
  }

  async #sync(name: string, kept: Kept, from: number, bytes: Uint8Array): Promise<void> {
    try {
      if (from < (this.#doubtful.get(name) ?? 0)) await this.#mend(name, from, bytes);
      await kept.file.sync();
      kept.isUnsynced = false;
    } catch (error) {
      this.#doubtful.set(name, Infinity);
      this.#doubtful.set(name, (await kept.file.stat()).size);
      throw error;
    }
  }

  /** Writes bytes over themselves, so that the next sync writes them to the disk. */
  async #mend(name: string, from: number, bytes: Uint8Array): Promise<void> {
    const file = await this.#calls.open(fileOf(this.#directory, name).path, "mend");
    try {
      for (let at = 0; at < bytes.length;) at += await file.writeAt(from + at, bytes.subarray(at));
    } finally {
      await file.close();
    }
  }

  async remove(name: string): Promise<void> {
    await this.#forget(name);
    try {
      await this.#calls.unlink(fileOf(this.#directory, name).path);
    } catch (error) {
      if (codeOf(error) !== "ENOENT") throw error;
    }
  }

  /** Closes all files; the next call opens them again. */
  async close(): Promise<void> {
    for (const name of [...this.#kept.keys()]) await this.#forget(name);
  }

  /** Runs something on an open file; undefined: it is missing. */
  async #with<T>(name: string, act: (kept: Kept) => Promise<T | undefined>): Promise<T | undefined> {
    const waiting = this.#kept.get(name) ?? this.#open(name);
    const kept = waiting instanceof Promise ? await waiting : waiting;
    if (kept === undefined) return undefined;
    kept.users++;
    try {
      const result = await act(kept);
      // A file without a name is of no use to anybody; another one may have the name by now.
      if (result === undefined) await this.#forget(name);
      return result;
    } finally {
      kept.users--;
      if (kept.isDoomed && kept.users === 0) await kept.file.close();
    }
  }

  #open(name: string): Promise<Kept | undefined> {
    const opening = (async () => {
      try {
        const file = await this.#calls.open(fileOf(this.#directory, name).path, "append");
        const kept: Kept = { file, users: 0, isDoomed: false, isUnsynced: false, syncing: Promise.resolve() };
        this.#kept.set(name, kept);
        await this.#forgetOldest();
        return kept;
      } catch (error) {
        this.#kept.delete(name);
        if (codeOf(error) === "ENOENT") return undefined;
        throw error;
      }
    })();
    if (!this.#kept.has(name)) this.#kept.set(name, opening);
    return opening;
  }

  async #forgetOldest(): Promise<void> {
    let spare = this.#kept.size - KEPT;
    for (const [name, kept] of this.#kept) {
      if (spare-- <= 0) return;
      if (!(kept instanceof Promise) && kept.users === 0 && !kept.isUnsynced) await this.#forget(name);
    }
  }

  async #forget(name: string): Promise<void> {
    const waiting = this.#kept.get(name);
    this.#kept.delete(name);
    const kept = await waiting;
    if (kept === undefined || kept.isDoomed) return;
    kept.isDoomed = true;
    if (kept.users === 0) await kept.file.close();
  }
}
