/**
 * Folders: made when something is first written into them, and durable before it is.
 *
 * @module
 */
import { dirname } from "node:path";
import type { FileCalls } from "./calls.ts";
import { codeOf } from "./errors.ts";

/** Tries to make a folder, while others may remove those above it. */
const TRIES = 4;

/** Why a folder above ours may not be synced. */
const foreign: ReadonlySet<unknown> = new Set(["EACCES", "EPERM", "EROFS", "EINVAL"]);

/** Makes the folders below, and up to, one directory. */
export class Folders {
  readonly #calls: FileCalls;
  readonly #directory: string;
  /** Folders that stand and whose names are durable, as far as this process knows. */
  readonly #known: Set<string> = new Set();
  /** Syncs under way, and the one behind each that whoever asks meanwhile shares. */
  readonly #syncing: Map<string, Promise<void>> = new Map();
  readonly #next: Map<string, Promise<void>> = new Map();

  /** Knows none yet. */
  constructor(directory: string, calls: FileCalls) {
    this.#directory = directory;
    this.#calls = calls;
  }

  /** Runs what needs a folder to be there; makes it if it is not, or is not any more. */
  async within<T>(path: string, act: () => Promise<T>): Promise<T> {
    await this.#make(path);
    try {
      return await act();
    } catch (error) {
      if (codeOf(error) !== "ENOENT") throw error;
      this.#known.clear();
      await this.#make(path);
      return await act();
    }
  }

  async #make(path: string): Promise<void> {
    if (this.#known.has(path)) return;
    const parent = dirname(path);
    const isOurs = path.startsWith(`${this.#directory}/`);
    // A folder that stands may have been made a moment ago by somebody else, and so may those above it: from above, then.
    if (isOurs) await this.#make(parent);
    for (let attempt = 1;; attempt++) {
      try {
        await this.#calls.mkdir(path);
        break;
      } catch (error) {
        if (codeOf(error) === "EEXIST") break;
        // The one above can be made, and does not stand: a link that leads nowhere.
        if (codeOf(error) !== "ENOENT" || parent === path || attempt === TRIES) throw error;
        // What was known to stand is gone.
        this.#known.delete(parent);
        await this.#make(parent);
      }
    }
    await this.#sync(parent, isOurs);
    if (path === this.#directory) {
      for (let above = parent; dirname(above) !== above; above = dirname(above)) await this.#sync(dirname(above), false);
    }
    this.#known.add(path);
  }

  /**
   * Makes durable what a folder holds by now, whoever put it there. Files that are written side by side share a call: one that
   * is under way may have begun too early, the next one has not.
   */
  async sync(path: string): Promise<void> {
    const shared = this.#next.get(path);
    if (shared !== undefined) return await shared;
    const before = this.#syncing.get(path);
    const own = this.#syncAfter(before, path);
    if (before !== undefined) this.#next.set(path, own);
    await own;
  }

  async #syncAfter(before: Promise<void> | undefined, path: string): Promise<void> {
    if (before !== undefined) {
      // What became of it is told to those who shared it.
      await before.catch(() => {});
      this.#next.delete(path);
    }
    const running = (async () => await this.#calls.syncFolder(path))();
    this.#syncing.set(path, running);
    try {
      await running;
    } finally {
      if (this.#syncing.get(path) === running) this.#syncing.delete(path);
    }
  }

  async #sync(path: string, isOurs: boolean): Promise<void> {
    try {
      await this.sync(path);
    } catch (error) {
      // A folder above ours that stood before, and is not ours to open, or on a file system that takes no writes.
      if (isOurs || !foreign.has(codeOf(error))) throw error;
    }
  }
}
