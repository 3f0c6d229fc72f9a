/**
 * Files in the making that nobody makes any more.
 *
 * @module
 */
import type { FileCalls } from "./calls.ts";
import { TEMPORARY } from "./objects.ts";

/**
 * A file in the making was written to a moment ago, or its maker is gone, or stands still. Should that one go on after so long, it
 * finds its file missing, and makes another one.
 */
const ABANDONED_MS = 60 * 60 * 1000;

/** Removes what makers left, in folders that something is written into. */
export class Leftovers {
  readonly #calls: FileCalls;
  readonly #now: () => number;
  readonly #swept: Set<string> = new Set();

  /** Has looked nowhere yet. */
  constructor(calls: FileCalls, now: () => number) {
    this.#calls = calls;
    this.#now = now;
  }

  /** Removes what is left in a folder, once. */
  async sweep(folder: string): Promise<void> {
    if (this.#swept.has(folder)) return;
    this.#swept.add(folder);
    try {
      for (const { name, isFolder } of await this.#calls.readdir(folder)) {
        if (!isFolder && TEMPORARY.test(name)) await this.#remove(`${folder}/${name}`);
      }
    } catch { /* It is in nobody's way. */ }
  }

  async #remove(path: string): Promise<void> {
    const file = await this.#calls.open(path, "read");
    try {
      const { changedMs } = await file.stat();
      if (this.#now() - changedMs > ABANDONED_MS) await this.#calls.remove(path);
    } finally {
      await file.close();
    }
  }
}
