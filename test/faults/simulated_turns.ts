/**
 * Several processes on one simulated disk: each call waits for its turn, and who is next is chosen.
 *
 * A call is chosen once every process waits for one, or is done: whatever a process does between two calls must need no
 * timer and no thread, so that it is over when the queue of microtasks is empty.
 *
 * @module
 */
import { setImmediate } from "node:timers";
import { type Choose, Crash, type Gate } from "./simulated_disk.ts";

/** Gives turns. */
export class Turns {
  readonly #choose: Choose;
  #waiting: { readonly process: number; readonly go: (result: Promise<void> | undefined) => void }[] = [];
  /** For how many turns a process that stands still goes on standing still. */
  readonly #frozen: Map<number, number> = new Map();
  #isOver = false;
  /** Calls that had their turn. */
  made = 0;

  /** Nobody waits yet. */
  constructor(choose: Choose) {
    this.#choose = choose;
  }

  /** The gate of a process. */
  gate(process: number): Gate {
    return () => this.#isOver ? Promise.reject(new Crash("the power is gone")) : new Promise((go) => this.#waiting.push({ process, go }));
  }

  /** Gives turns until all is done, or so many calls were made and the power goes. */
  async run(processes: readonly Promise<unknown>[], most: number = Infinity): Promise<void> {
    let left = processes.length;
    for (const process of processes) process.then(() => left--, () => left--);
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve));
      if (left === 0 && this.#waiting.length === 0) return;
      if (this.made >= most) this.#isOver = true;
      if (this.#isOver) {
        for (const { go } of this.#waiting.splice(0)) go(Promise.reject(new Crash("the power is gone")));
      } else if (this.#waiting.length > 0) this.#next();
    }
  }

  #next(): void {
    const awake = this.#waiting.filter(({ process }) => !this.#frozen.has(process));
    for (const [process, turns] of this.#frozen) turns > 0 ? this.#frozen.set(process, turns - 1) : this.#frozen.delete(process);
    const from = awake.length > 0 ? awake : this.#waiting;
    const next = from[this.#choose(from.length)]!;
    this.#waiting = this.#waiting.filter((waiting) => waiting !== next);
    this.made++;
    next.go(undefined);
    // Now and then a process stands still for long, wherever it is.
    if (this.#choose(40) === 0) this.#frozen.set(next.process, 20 + this.#choose(200));
  }
}
