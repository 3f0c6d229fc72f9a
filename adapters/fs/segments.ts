/**
 * Append-only files, kept open.
 *
 * @module
 */
import type { DriverSegments } from "../../src/store/driver.ts";
import type { FileCalls, OpenFile } from "./calls.ts";
import { codeOf, isAbsent, isNoFile, tooLarge } from "./errors.ts";
import type { Folders } from "./folders.ts";
import { fileOf } from "./objects.ts";
import { Places } from "./places.ts";

/** Files kept open for the next call. */
const KEPT = 16;
/** Files open at once, at the most; and for a moment beside them. */
const [MOST, BRIEFLY] = [64, 16];
/** What is read of a file at once, at the most: they are far smaller, unless something else writes into them. */
const MOST_BYTES = 512 * 1024 * 1024;

interface Kept {
  readonly file: OpenFile;
  /** Calls at work on it: it is closed after the last one. */
  users: number;
  isDoomed: boolean;
  /** Something was appended and not synced: only whoever had the file open then is told if that fails. */
  isUnsynced: boolean;
  /** One sync at a time: of two, only one is told of a failure. */
  syncing: Promise<unknown>;
  /** Why it could be opened to be read, and not to be appended to. */
  readonly refusal: unknown;
}

/** What opening a file to append may fail with that may be read all the same. */
const refusals: ReadonlySet<unknown> = new Set(["EACCES", "EPERM", "EROFS"]);

/** The segments below a directory. */
export class Segments implements DriverSegments {
  readonly #directory: string;
  readonly #places: Places = new Places(MOST);
  /** Calls for files that stay open, and for those that do not. */
  readonly #lasting: FileCalls;
  readonly #brief: FileCalls;
  readonly #folders: Folders;
  readonly #kept: Map<string, Kept | Promise<Kept | undefined>> = new Map();
  /** Where a sync failed: what stands below this byte, and was not durable before, may be on no disk. */
  readonly #doubtful: Map<string, number> = new Map();

  /** None is open yet. */
  constructor(directory: string, calls: FileCalls, folders: Folders) {
    this.#directory = directory;
    this.#lasting = this.#places.around(calls);
    this.#brief = new Places(BRIEFLY).around(calls);
    this.#folders = folders;
  }

  async create(name: string, header: Uint8Array): Promise<boolean> {
    const { folder, path } = fileOf(this.#directory, name);
    return await this.#folders.within(folder, async () => {
      let file;
      try {
        file = await this.#brief.open(path, "create");
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
      await this.#folders.sync(folder);
      return true;
    });
  }

  async append(
    name: string,
    frame: Uint8Array,
    at?: number,
  ): Promise<{ readonly start: number; readonly end: number } | undefined> {
    return await this.#with(name, async (kept) => {
      const { file, refusal } = kept;
      const before = await file.sizeInPlace();
      if (before === undefined || before !== (at ?? before)) return undefined;
      if (refusal !== undefined) {
        // It may be allowed by the next time.
        await this.#forget(name);
        throw refusal;
      }
      if (this.#doubtful.get(name) === Infinity) this.#doubtful.set(name, before);
      kept.isUnsynced = true;
      const written = await file.write(frame);
      if (written < frame.length) throw new Error(`only ${written} of ${frame.length} bytes were written: the disk may be full`);
      const size = await file.sizeInPlace();
      if (size === undefined) throw new Error(`the segment "${name}" was moved or removed meanwhile`);
      // Where others append at the same time, the frame ends somewhere below.
      return { start: size - frame.length, end: size };
    });
  }

  async read(name: string, from: number, most: number = Infinity): Promise<Uint8Array | undefined> {
    return await this.#with(name, async ({ file }) => {
      const size = await file.sizeInPlace();
      if (size === undefined || size < from) return undefined;
      const length = Math.min(size - from, most);
      if (length > MOST_BYTES) throw tooLarge(name, size - from);
      return length === 0 ? new Uint8Array() : await file.read(from, length);
    });
  }

  async sync(name: string, from: number, bytes: Uint8Array): Promise<void> {
    const isThere = await this.#with(name, async (kept) => {
      const syncing = kept.syncing.then(() => this.#sync(name, kept, from, bytes));
      kept.syncing = syncing.catch(() => {});
      await syncing;
      // Whoever read or wrote these bytes saw them in place; what becomes of the file now comes after that.
      return true;
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
    const file = await this.#brief.open(fileOf(this.#directory, name).path, "mend");
    try {
      for (let at = 0; at < bytes.length;) at += await file.writeAt(from + at, bytes.subarray(at));
    } finally {
      await file.close();
    }
  }

  async remove(name: string): Promise<void> {
    await this.#forget(name);
    try {
      await this.#brief.remove(fileOf(this.#directory, name).path);
    } catch (error) {
      // A folder there is somebody else's.
      if (codeOf(error) !== "ENOENT" && !isNoFile(error)) throw error;
    }
  }

  /** Closes all files; the next call opens them again. */
  async close(): Promise<void> {
    for (const name of [...this.#kept.keys()]) await this.#forget(name);
  }

  /** Runs something on an open file; undefined: it is missing. */
  async #with<T>(name: string, act: (kept: Kept) => Promise<T | undefined>): Promise<T | undefined> {
    const kept = await this.#take(name);
    if (kept === undefined) return undefined;
    try {
      const result = await act(kept);
      // A file without a name is of no use to anybody; another one may have the name by now.
      if (result === undefined) await this.#forget(name);
      return result;
    } finally {
      await this.#release(name, kept);
    }
  }

  /** An open file with one user more: it stays open as long as there is one. */
  async #take(name: string): Promise<Kept | undefined> {
    const found = this.#kept.get(name) ?? this.#open(name);
    // Whoever forgets it waits behind, and closes it after its last user.
    const kept = found instanceof Promise ? await found : found;
    if (kept !== undefined) kept.users++;
    return kept;
  }

  async #release(name: string, kept: Kept): Promise<void> {
    kept.users--;
    if (kept.users > 0) return;
    if (kept.isDoomed) await kept.file.close();
    else if (this.#places.isWanted && !kept.isUnsynced) await this.#forget(name);
  }

  #open(name: string): Promise<Kept | undefined> {
    const opening = this.#opened(fileOf(this.#directory, name).path);
    this.#kept.set(name, opening);
    const settle = (kept?: Kept) => {
      if (this.#kept.get(name) !== opening) return;
      if (kept === undefined) this.#kept.delete(name);
      else this.#kept.set(name, kept);
    };
    opening.then(settle, () => settle());
    return opening;
  }

  async #opened(path: string): Promise<Kept | undefined> {
    await this.#makeRoom();
    const idle = { users: 0, isDoomed: false, isUnsynced: false, syncing: Promise.resolve() };
    try {
      return { ...idle, file: await this.#lasting.open(path, "append"), refusal: undefined };
    } catch (error) {
      // What is no file has taken a file's place.
      if (isAbsent(error) || isNoFile(error)) return undefined;
      if (!refusals.has(codeOf(error))) throw error;
      return { ...idle, file: await this.#lasting.open(path, "read"), refusal: error };
    }
  }

  async #makeRoom(): Promise<void> {
    let spare = this.#kept.size - KEPT;
    for (const [name, kept] of this.#kept) {
      if (spare-- <= 0) return;
      if (kept instanceof Promise || kept.users > 0 || (kept.isUnsynced && !this.#places.isFull)) continue;
      // Who opens it again is not told of a sync that failed meanwhile.
      if (kept.isUnsynced) this.#doubtful.set(name, Infinity);
      await this.#forget(name);
    }
  }

  async #forget(name: string): Promise<void> {
    const found = this.#kept.get(name);
    this.#kept.delete(name);
    const kept = found instanceof Promise ? await found.catch(() => undefined) : found;
    if (kept === undefined || kept.isDoomed) return;
    kept.isDoomed = true;
    if (kept.users === 0) await kept.file.close();
  }
}
