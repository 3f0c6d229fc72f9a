/**
 * Several processes in one simulated world: each call and each sleep waits for its turn, who is next is chosen, and time is
 * what the turns make of it.
 *
 * A call is chosen once every process waits for one, or is done: whatever a process does between two calls must need no
 * timer and no thread, so that it is over when the queue of microtasks is empty.
 *
 * @module
 */
import { setImmediate } from "node:timers";
import { type Choose, Crash } from "./simulated_disk.ts";

/** What else happens to processes beside their turns. */
export interface TurnsOptions {
  /** One in so many turns its process stands still afterwards, for 20 to 220 turns of others; 0: none does. @default 40 */
  readonly pauses?: number;
  /** One in so many turns its process dies; 0: none does. @default 0 */
  readonly deaths?: number;
  /** A turn takes up to so many milliseconds. @default 0 */
  readonly turnMs?: number;
  /** What the clock says at first. @default 0 */
  readonly now?: number;
}

interface Waiting {
  readonly process: number;
  /** Not before the clock says so. */
  readonly from: number;
  readonly isCall: boolean;
  readonly go: (result: Promise<void> | undefined) => void;
}

/** The process that made a call is no more. What it had sent may still arrive. */
export class Death extends Crash {
  /** A death, of whoever waited for a call that was sent before, or wants to make one after. */
  constructor(readonly wasSent: boolean) {
    super("the process is dead");
  }
}

/** Gives turns. */
export class Turns {
  readonly #choose: Choose;
  readonly #options: Required<TurnsOptions>;
  #waiting: Waiting[] = [];
  /** For how many turns a process that stands still goes on standing still. */
  readonly #frozen: Map<number, number> = new Map();
  readonly #dead: Set<number> = new Set();
  #now: number;
  #isOver = false;
  /** Turns that were given. */
  made = 0;

  /** Nobody waits yet. */
  constructor(choose: Choose, options: TurnsOptions = {}) {
    this.#choose = choose;
    this.#options = { pauses: 40, deaths: 0, turnMs: 0, now: 0, ...options };
    this.#now = this.#options.now;
  }

  /** What the clock says, in milliseconds. */
  get now(): number {
    return this.#now;
  }

  /** The gate of a process: resolves when its call has its turn. */
  gate(process: number): () => Promise<void> {
    return () => this.#wait(process, 0, true);
  }

  /** Resolves when so much time went by, and it is the process's turn. */
  sleep(process: number, ms: number): Promise<void> {
    return this.#wait(process, this.#now + ms, false);
  }

  /** From now on every call of a process fails. */
  kill(process: number): void {
    this.#dead.add(process);
    const lost = this.#waiting.filter((waiting) => waiting.process === process);
    this.#waiting = this.#waiting.filter((waiting) => waiting.process !== process);
    for (const { go, isCall } of lost) go(Promise.reject(new Death(isCall)));
  }

  /** A process stands still for so many turns of others. */
  freeze(process: number, turns: number): void {
    this.#frozen.set(process, turns);
  }

  /** Whether a process was killed. */
  isDead(process: number): boolean {
    return this.#dead.has(process);
  }

  /** Gives turns until all is done, or so many were given and the power goes. */
  async run(processes: readonly Promise<unknown>[], most: number = Infinity): Promise<void> {
    let left = processes.length;
    for (const process of processes) process.then(() => left--, () => left--);
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve));
      // Whoever still sleeps when all is done need not be woken.
      if (left === 0 && !this.#waiting.some(({ isCall }) => isCall)) return;
      if (this.made >= most) this.#isOver = true;
      if (this.#isOver) {
        for (const { go } of this.#waiting.splice(0)) go(Promise.reject(new Crash("the power is gone")));
      } else if (this.#waiting.length > 0) this.#next();
    }
  }

  #wait(process: number, from: number, isCall: boolean): Promise<void> {
    if (this.#isOver) return Promise.reject(new Crash("the power is gone"));
    if (this.#dead.has(process)) return Promise.reject(new Death(false));
    return new Promise((go) => this.#waiting.push({ process, from, isCall, go }));
  }

  #next(): void {
    const { pauses, deaths, turnMs } = this.#options;
    const choose = this.#choose;
    const awake = this.#waiting.filter(({ process }) => !this.#frozen.has(process));
    for (const [process, turns] of this.#frozen) turns > 0 ? this.#frozen.set(process, turns - 1) : this.#frozen.delete(process);
    const able = awake.length > 0 ? awake : this.#waiting;
    // Where all sleep, time flies.
    const first = able.reduce((least, { from }) => Math.min(least, from), Infinity);
    this.#now = Math.max(this.#now, first);
    const due = able.filter(({ from }) => from <= this.#now);
    const next = due[choose(due.length)]!;
    this.#waiting = this.#waiting.filter((waiting) => waiting !== next);
    this.made++;
    if (turnMs > 0) this.#now += choose(turnMs + 1);
    if (deaths > 0 && choose(deaths) === 0) {
      next.go(Promise.reject(new Death(next.isCall)));
      return this.kill(next.process);
    }
    next.go(undefined);
    // Now and then a process stands still for long, wherever it is.
    if (pauses > 0 && choose(pauses) === 0) this.freeze(next.process, 20 + choose(200));
  }
}
