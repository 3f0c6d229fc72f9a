/**
 * How many files are open at once: a process may have thousands of namespaces, and a system gives it fewer files.
 *
 * @module
 */
import type { FileCalls } from "./calls.ts";

/** So many places; whoever finds none free waits for one, in turn. */
export class Places {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  /** All are free. */
  constructor(most: number) {
    this.#free = most;
  }

  /** None is free. */
  get isFull(): boolean {
    return this.#free === 0;
  }

  /** Somebody waits. */
  get isWanted(): boolean {
    return this.#waiting.length > 0;
  }

  /** Waits for a place. */
  async take(): Promise<void> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Leaves it to the next one. */
  give(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free++;
    else next();
  }

  /** The same calls, with a place for each file, and each folder, that is open. */
  around(calls: FileCalls): FileCalls {
    const within = async <T>(act: () => T | Promise<T>): Promise<T> => {
      await this.take();
      try {
        return await act();
      } catch (error) {
        this.give();
        throw error;
      }
    };
    return {
      ...calls,
      open: async (path, how) => {
        const file = await within(() => calls.open(path, how));
        const close = async () => {
          try {
            await file.close();
          } finally {
            this.give();
          }
        };
        return { ...file, close };
      },
      syncFolder: async (path) => {
        await within(() => calls.syncFolder(path));
        this.give();
      },
    };
  }
}
