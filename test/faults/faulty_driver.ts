/**
 * A driver that goes wrong at its n-th call, and before and after that does what the driver below does: one that commits, or one with
 * a log in objects or in segments.
 *
 * @module
 */
import { StateError } from "../../src/errors.ts";
import type { Driver, DriverBatch } from "../../src/store/driver.ts";

/** How a call goes wrong. */
export type Fault =
  /** Throws; nothing was done. */
  | "reject"
  /** Throws a StateError, which says that nothing was written; nothing was. */
  | "refuse"
  /** Does it, then throws: the answer was lost. */
  | "lose"
  /** Does it twice, and answers what came of the second time: a transport that sends again. */
  | "repeat"
  /** Answers late: other calls overtake it. */
  | "delay"
  /**
   * Breaks the promise of `commit`: the checks hold, so many keys are set in their order, nothing else is done, and it throws. An append
   * leaves sixteen times as many bytes, which is no broken promise; anything else throws, and nothing was done.
   */
  | { readonly tear: number };

/** What was asked of a driver, and what is to go wrong. */
export interface Faults {
  readonly driver: Driver;
  /** Calls since it was armed last. */
  readonly calls: number;
  /** Whether something went wrong since it was armed last. */
  readonly hasStruck: boolean;
  /** From now on the n-th call, from 1, goes wrong. `dead`: and nothing works from then on. */
  arm(n: number, fault: Fault, dead?: boolean): void;
  /** Nothing works, until {@linkcode Faults.revive}. `plain`: with errors that do not say whether anything was written. */
  kill(plain?: boolean): void;
  /** Nothing goes wrong any more. */
  revive(): void;
}

/** Wraps a driver. */
export function createFaults(below: Driver): Faults {
  let calls = 0;
  let at = Infinity;
  let fault: Fault = "reject";
  let isDead = false;
  let diesThen = false;
  let isPlain = false;
  let hasStruck = false;

  /** What goes wrong with this call. */
  const next = (): Fault | undefined => {
    if (isDead) return isPlain ? "reject" : "refuse";
    if (++calls !== at) return undefined;
    hasStruck = true;
    isDead = diesThen;
    return fault;
  };
  const failure = (fault: Fault) =>
    fault === "refuse"
      ? new StateError("STATE_DRIVER", "Cannot reach the engine: it is told to fail", { details: {} })
      : new Error("the engine is told to fail");
  const read = async <T>(call: () => Promise<T>): Promise<T> => {
    const wrong = next();
    if (wrong === "delay") {
      const answer = await call();
      await turn();
      return answer;
    }
    if (wrong === undefined || wrong === "repeat") return await call();
    throw failure(wrong);
  };
  /** What changes something: `tear` is how it is half done. */
  const write = async <T>(call: () => Promise<T>, tear: (amount: number) => unknown = () => {}): Promise<T> => {
    const wrong = next();
    if (wrong === undefined) return await call();
    if (wrong === "reject" || wrong === "refuse") throw failure(wrong);
    if (typeof wrong === "object") {
      await tear(wrong.tear);
      throw failure(wrong);
    }
    if (wrong === "delay") await turn();
    const answer = await call();
    if (wrong === "lose") throw failure(wrong);
    return wrong === "repeat" ? await call() : answer;
  };
  const commit = (batch: DriverBatch): Promise<boolean> =>
    write(() => below.commit!(batch), async (amount) => {
      const set = batch.set.slice(0, amount);
      await below.commit!({ ...batch, set, remove: amount > batch.set.length ? batch.remove : [] });
    });
  const { segments } = below;
  const objects: Partial<Driver> = {
    getItem: (key) => read(async () => await below.getItem(key)),
    create: (key, value) => write(() => below.create!(key, value)),
    removeItem: (key) => write(async () => await below.removeItem!(key)),
    ...segments && {
      segments: {
        create: (name, header) => write(() => segments.create(name, header)),
        append: (name, frame, at) =>
          write(
            () => segments.append(name, frame, at),
            (amount) => segments.append(name, frame.subarray(0, 16 * amount), at),
          ),
        read: (name, from, most) => read(() => segments.read(name, from, most)),
        sync: (name, from, bytes) => write(() => segments.sync(name, from, bytes)),
        remove: (name) => write(() => segments.remove(name)),
      },
    },
  };
  return {
    driver: {
      ...below,
      list: (options) => read(() => below.list!(options)),
      ...below.commit === undefined ? objects : { getMany: (keys) => read(() => below.getMany!(keys)), commit },
      dispose: () => {},
    },
    get calls() {
      return calls;
    },
    get hasStruck() {
      return hasStruck;
    },
    arm(n, wrong, dead = false) {
      [calls, at, fault, diesThen, hasStruck] = [0, n, wrong, dead, false];
    },
    kill(plain = false) {
      [isDead, isPlain] = [true, plain];
    },
    revive() {
      [isDead, isPlain, at, diesThen] = [false, false, Infinity, false];
    },
  };
}

/** Everything that waits now goes first. */
function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
