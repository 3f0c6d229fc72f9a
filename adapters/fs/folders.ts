/**
 * Folders: made when something is first written into them, and durable before it is.
 *
 * @module
 */
import { dirname } from "node:path";
import type { FileCalls } from "./calls.ts";
import { codeOf } from "./errors.ts";

/** Makes the folders below, and up to, one directory. */
export class Folders {
  readonly #calls: FileCalls;
  readonly #directory: string;
  /** Folders that stand and whose names are durable, as far as this process knows. */
  readonly #known: Set<string> = new Set();

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
    for (;;) {
      try {
        await this.#calls.mkdir(path);
        break;
      } catch (error) {
        if (codeOf(error) === "EEXIST") break;
        if (codeOf(error) !== "ENOENT" || parent === path) throw error;
        await this.#make(parent);
      }
    }
    try {
      // Also where somebody else has made it: that may be a moment ago.
      await this.#calls.syncFolder(parent);
    } catch (error) {
      // A folder above ours that stood before, and is not ours to open.
      if (path.startsWith(`${this.#directory}/`) || (codeOf(error) !== "EACCES" && codeOf(error) !== "EPERM")) throw error;
    }
    this.#known.add(path);
  }
}
