/**
 * What each test of the suite runs on: an empty store of the subject, opened as often as the test likes, closed and
 * destroyed behind it.
 *
 * @module
 */
import { isStateError } from "../../src/errors.ts";
import { openState, type OpenStateOptions } from "../../src/open.ts";
import type { StateManager } from "../../src/state/manager.ts";
import type { Driver, DriverBatch, DriverSupports } from "../../src/store/driver.ts";

/** A test runner: `describe` and `it` of node:test, bun:test, Deno's, Mocha's, or two functions of one's own. */
export interface Runner {
  /** Names a group of tests; the body registers them at once. */
  describe(name: string, body: () => void): void;
  /** Registers a test. */
  it(name: string, body: () => Promise<void>): void;
}

/** A driver under test. */
export interface Subject {
  /** For the names of the tests. */
  readonly name: string;
  /** Makes an empty store. Every test asks for its own. */
  create(): Promise<Place>;
}

/** A store that drivers open. */
export interface Place {
  /**
   * A driver on the store, as another process would open it; what one has written stays for the next. Where `supports.writers` is
   * `"one"`, the same object each time: only states on one object write as one.
   */
  open(): Promise<Driver>;
  /** Called once all drivers are disposed. */
  destroy(): Promise<void>;
}

/** What a test gets. */
export interface Stage {
  readonly supports: DriverSupports;
  /** A driver of its own on the store, disposed after the test unless a state closes it. */
  driver(): Promise<Driver>;
  /** A state on a driver of its own, as in another process; or on the `driver` given. Closed after the test. */
  open(options?: OpenStateOptions): Promise<StateManager>;
}

/** Registers a test. */
export type Test = (name: string, body: (stage: Stage) => Promise<void>) => void;

/** What a plain driver, one that declares nothing, can be counted on for. */
const plainSupports: DriverSupports = {
  commit: false,
  create: false,
  list: "scan",
  writers: "one",
  durability: "eventual",
  strongReads: false,
  binary: false,
  valueBytes: 64 * 1024,
  keyBytes: 512,
  batchOps: 1,
  batchBytes: 64 * 1024,
};

/** A registrar of tests that run on the subject. */
export function createTest(runner: Runner, subject: Subject): Test {
  return (name, body) => runner.it(name, () => runTest(subject, body));
}

async function runTest(subject: Subject, body: (stage: Stage) => Promise<void>): Promise<void> {
  const place = await subject.create();
  const states: StateManager[] = [];
  const drivers: Driver[] = [];
  try {
    const first = await place.open();
    drivers.push(first);
    let isFirstTaken = false;
    await body({
      supports: first.supports ?? plainSupports,
      driver: async () => {
        if (!isFirstTaken) {
          isFirstTaken = true;
          return first;
        }
        const driver = await place.open();
        drivers.push(driver);
        return driver;
      },
      open: async (options = {}) => {
        const driver = options.driver ?? await place.open();
        // Whether a state that does not open has disposed its driver depends on how far it came; twice does no harm.
        const state = await openState({ ...options, driver }).catch((error) => {
          if (!drivers.includes(driver)) drivers.push(driver);
          throw error;
        });
        states.push(state);
        return state;
      },
    });
  } finally {
    // A test that failed half-way may leave a state that cannot flush any more; its own failure is the one to tell.
    await Promise.allSettled(states.map((state) => state.close()));
    await Promise.allSettled(drivers.map((driver) => driver.dispose?.()));
    await place.destroy();
  }
}

/** A clock for `openState({ now })` that stands until it is moved. */
export interface Clock {
  readonly now: () => number;
  advance(ms: number): void;
}

/** A clock that stands at some moment. */
export function createClock(at: number = Date.UTC(2030, 0, 1)): Clock {
  return {
    now: () => at,
    advance: (ms) => {
      at += ms;
    },
  };
}

/** A promise that the test settles itself. */
export interface Gate<T = void> {
  readonly promise: Promise<T>;
  open(value: T): void;
}

/** Something to wait for, and to let happen. */
export function createGate<T = void>(): Gate<T> {
  // Not Promise.withResolvers(), which Node 20 lacks.
  let open!: (value: T) => void;
  const promise = new Promise<T>((resolve) => open = resolve);
  return { promise, open };
}

/** `make(0)`, `make(1)`, … all at once. */
export function times<T>(count: number, make: (i: number) => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: count }, (_, i) => make(i)));
}

/** Lets timers and input have their turn: on some engines nothing else that a polling loop awaits would. */
export function breathe(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}

/** `000`, `001`, … so that order of names is order of numbers. */
export function numbered(prefix: string, i: number, digits = 4): string {
  return prefix + String(i).padStart(digits, "0");
}

/** Whether an act got STATE_CONFLICT; any other failure is thrown on. */
export async function conflicts(act: Promise<unknown>): Promise<boolean> {
  try {
    await act;
    return false;
  } catch (error) {
    if (isStateError(error, "STATE_CONFLICT")) return true;
    throw error;
  }
}

/** A driver that can be cut off from its store. */
export interface Plug {
  readonly driver: Driver;
  /** From now on every call fails, as if the network were gone. */
  pull(): void;
  /** All is well again. */
  push(): void;
  /** The next so many commits are done, and their answers are lost. */
  loseAnswers(commits: number): void;
}

/** Puts a plug between a driver and its store. */
export function createPlug(inner: Driver): Plug {
  let isPulled = false;
  let lost = 0;
  const through = <A extends unknown[], R>(call: (...args: A) => R | Promise<R>) => async (...args: A): Promise<R> => {
    if (isPulled) throw new Error("the plug is pulled");
    return await call(...args);
  };
  return {
    driver: {
      ...inner,
      hasItem: through(inner.hasItem),
      getItem: through(inner.getItem),
      getKeys: through(inner.getKeys),
      ...(inner.setItem && { setItem: through(inner.setItem) }),
      ...(inner.removeItem && { removeItem: through(inner.removeItem) }),
      ...(inner.getMany && { getMany: through(inner.getMany) }),
      ...(inner.create && { create: through(inner.create) }),
      ...(inner.list && { list: through(inner.list) }),
      ...(inner.segments && {
        segments: {
          create: through(inner.segments.create),
          append: through(async (name: string, frame: Uint8Array, at?: number) => {
            const landed = await inner.segments!.append(name, frame, at);
            if (lost === 0) return landed;
            lost--;
            throw new Error("the answer is lost");
          }),
          read: through(inner.segments.read),
          sync: through(inner.segments.sync),
          remove: through(inner.segments.remove),
        },
      }),
      ...(inner.commit && {
        commit: through(async (batch: DriverBatch) => {
          const written = await inner.commit!(batch);
          if (lost === 0) return written;
          lost--;
          throw new Error("the answer is lost");
        }),
      }),
    },
    pull: () => {
      isPulled = true;
    },
    push: () => {
      isPulled = false;
    },
    loseAnswers: (commits) => {
      lost = commits;
    },
  };
}

/** Every key in the driver, in order. */
export async function listDriver(driver: Driver): Promise<string[]> {
  return [...await driver.getKeys("")].sort();
}

/** Everything in the driver, keys and values, but for the leases of those who have it open. */
export async function readDriver(driver: Driver): Promise<Map<string, unknown>> {
  const contents = new Map<string, unknown>();
  for (const key of await listDriver(driver)) {
    if (/^[^!]+!lease$/.test(key)) continue;
    contents.set(key, isSegment(key) && driver.segments ? await driver.segments.read(key, 0) : await driver.getItem(key));
  }
  return contents;
}

/** Takes everything out of the driver. */
export async function wipeDriver(driver: Driver): Promise<void> {
  for (const key of await listDriver(driver)) {
    if (driver.supports?.commit) await driver.commit!({ checks: [], set: [], remove: [key], durable: false });
    else if (isSegment(key) && driver.segments) await driver.segments.remove(key);
    else await driver.removeItem!(key);
  }
}

/**
 * The keys in the driver but for what stays of a namespace that was dropped: on a log, its last checkpoint and segment or
 * frame, and the lease of who has it open.
 */
export async function listLeft(driver: Driver): Promise<string[]> {
  const keys = await listDriver(driver);
  return driver.supports?.commit ? keys : keys.filter((key) => !/^[^!]+!(?:(?:ckpt|seg|frame)!|lease$)/.test(key));
}

/** Those keys that a driver of files can hold side by side: none is a folder of another one, and no name is empty. */
export function asPlaces(keys: readonly string[], supports: DriverSupports): readonly string[] {
  if (supports.commit) return keys;
  return keys.filter((key) => !/^!|!!|!$/.test(key) && !keys.some((other) => other.startsWith(`${key}!`)));
}

function isSegment(key: string): boolean {
  return /^[^!]+!seg!/.test(key);
}
