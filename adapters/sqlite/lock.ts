/**
 * Waiting for a lock that another process holds.
 *
 * @module
 */
import { fileError, isBusy } from "./errors.ts";

/** The longest pause before another try. Of eight processes that write all the time none then waits for more than 0.3 s, with 20 ms 0.7 s. */
const longestPauseMs = 5;

/** Lets the others in this process have their turn. */
export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** How long to try, and what to say when it was in vain. */
export interface Patience {
  readonly file: string;
  readonly doing: "read" | "write to";
  /** From the clock of `performance`. */
  readonly until: number;
  readonly lockedMs: number;
}

/**
 * Tries until the lock is free. SQLite's own waiting would stop the whole process, this does not.
 *
 * @throws {StateError} STATE_DRIVER if it was not free in time
 */
export async function untilFree<T>(attempt: () => T, { file, doing, until, lockedMs }: Patience): Promise<T> {
  for (let tries = 0;; tries++) {
    try {
      return attempt();
    } catch (error) {
      if (!isBusy(error)) throw error;
      if (performance.now() >= until) {
        throw fileError(doing, file, `another process has kept it locked for ${lockedMs / 1000} s`, error);
      }
    }
    // With full jitter, or those who collided would collide again.
    await pause(Math.random() * Math.min(2 ** tries, longestPauseMs));
  }
}
