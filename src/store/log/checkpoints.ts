/**
 * Finding the newest checkpoint, and creating the next one, exclusively.
 *
 * @module
 */
import { isStateError } from "../../errors.ts";
import { corrupt, type Seal } from "../seal.ts";
import { type LogPaths, parseCheckpoint, type StoredCheckpoint } from "./checkpoint.ts";
import type { LogStore } from "./log_store.ts";

/** The newest checkpoint that proves itself. */
export interface Found {
  readonly checkpoint: StoredCheckpoint;
  /** Those above it that do not. */
  readonly damaged: readonly string[];
}

/** The checkpoints of one log. */
export interface Checkpoints {
  /**
   * The newest one that proves itself. Undefined: there is none at all.
   *
   * @throws {StateError} STATE_CORRUPT if there are some, and none proves itself
   */
  find(): Promise<Found | undefined>;
  /** The number of the newest one, where one with this number was seen before. Never below what stood when it was called. */
  newest(known: number): Promise<number>;
  /** True: it stands, durable. False: another one has its number. */
  create(checkpoint: StoredCheckpoint): Promise<boolean>;
  /** Takes away those with lower numbers. */
  removeBelow(generation: number): Promise<void>;
}

/** Looks before a checkpoint that is listed and not there counts as lost. */
const LOOKS = 12;
/** Keys listed together. */
const PAGE = 64;
/** Numbers looked at that are taken and cannot be read: a driver that can read nothing at all says so of any number. */
const MOST_UNREAD = 16;
/** Tries to create a checkpoint. */
const TRIES = 3;

/** What lists are allowed. */
export interface Lag {
  readonly now: () => number;
  /** A list may be behind by half of it; the other half is for whoever stands still after a list. 0: lists show what there is. */
  readonly lagMs: number;
}

/**
 * Checkpoints under their numbers, on a store that lists. A list may lag behind: it shows where to begin, and those above are
 * looked for one by one. So one that a lagging list shows must stay until it shows a later one (`staying`), and who looked for
 * those above much later than at the list looks at it again.
 */
export class NumberedCheckpoints implements Checkpoints {
  readonly #store: LogStore;
  readonly #paths: LogPaths;
  readonly #seal: Seal;
  readonly #sleep: (ms: number) => Promise<void>;
  readonly #lag: Lag;

  /** Those under these paths. */
  constructor(store: LogStore, paths: LogPaths, seal: Seal, sleep: (ms: number) => Promise<void>, lag: Lag) {
    this.#store = store;
    this.#paths = paths;
    this.#seal = seal;
    this.#sleep = sleep;
    this.#lag = lag;
  }

  async find(): Promise<Found | undefined> {
    for (let look = 1;; look++) {
      const { listed, isOld } = await this.#look();
      const newest = listed[0] ?? (await this.#get(0) === undefined ? undefined : 0);
      const found = newest === undefined ? undefined : await this.#newestFrom(newest, listed);
      if (!isOld() && (found !== undefined || newest === undefined)) return found;
      if (look === LOOKS) {
        if (isOld()) throw new Error("the driver is slower than its lists may lag behind");
        throw corrupt("the log", `its checkpoint ${newest} is listed, and it is missing`);
      }
      if (look > 1) await this.#sleep(2 ** look);
    }
  }

  async newest(known: number): Promise<number> {
    for (let look = 1;; look++) {
      const { listed: [listed = 0], isOld } = await this.#look();
      const least = Math.max(listed, known);
      const newest = least + (await this.#from(least + 1)).size;
      if (!isOld()) return newest;
      if (look === LOOKS) throw new Error("the driver is slower than its lists may lag behind");
    }
  }

  async create({ generation, text }: StoredCheckpoint): Promise<boolean> {
    const name = this.#paths.checkpoint(generation);
    for (let attempt = 1;; attempt++) {
      try {
        if (await this.#store.create(name, text)) return true;
        // What stands there may be this very one, and is durable now: after a try that failed, or a transport that tried twice.
        return await this.#get(generation) === text;
      } catch (error) {
        if (attempt === TRIES) throw error;
      }
    }
  }

  async removeBelow(generation: number): Promise<void> {
    const older = await this.#list(this.#paths.checkpoint(generation));
    for (const listed of older.reverse()) await this.#store.removeItem(this.#paths.checkpoint(listed));
  }

  /** The newest that proves itself, and not below a number; undefined: others came meanwhile. */
  async #newestFrom(listed: number, all: readonly number[]): Promise<Found | undefined> {
    const texts = await this.#from(listed);
    if (texts.size === 0) return undefined;
    const damaged: string[] = [];
    let failure: unknown;
    for (const generation of [...[...texts.keys()].reverse(), ...all.filter((below) => below < listed)]) {
      const text = texts.get(generation) ?? await this.#get(generation);
      // A newer one took its place meanwhile.
      if (text === undefined) return undefined;
      try {
        if (isStateError(text)) throw text;
        return { checkpoint: await parseCheckpoint(text, generation, this.#paths, this.#seal), damaged };
      } catch (error) {
        if (!isStateError(error, "STATE_CORRUPT")) throw error;
        failure ??= error;
        damaged.push(this.#paths.checkpoint(generation));
      }
    }
    throw failure;
  }

  /** What is listed, and whether that was too long ago to be gone on from. */
  async #look(): Promise<{ readonly listed: readonly number[]; readonly isOld: () => boolean }> {
    const { now, lagMs } = this.#lag;
    const begun = now();
    const listed = await this.#list();
    return { listed, isOld: () => lagMs > 0 && now() - begun > lagMs / 2 };
  }

  /** The numbers that are listed, newest first, from some on downwards. */
  async #list(after?: string): Promise<number[]> {
    const { checkpoints } = this.#paths;
    // Somebody else's files may stand among ours: below every letter there are numbers alone.
    for (let from = after ?? `${checkpoints}a`;;) {
      const items = await this.#store.list!({ prefix: checkpoints, after: from, limit: PAGE, reverse: true });
      const names = items.map(({ key }) => key.slice(checkpoints.length));
      const numbers = names.filter((name) => /^\d{16}$/.test(name)).map(Number).filter(Number.isSafeInteger);
      if (numbers.length > 0 || items.length < PAGE) return numbers;
      from = items.at(-1)!.key;
    }
  }

  /** What stands under a number and those right above it. */
  async #from(generation: number): Promise<ReadonlyMap<number, unknown>> {
    const texts = new Map<number, unknown>();
    for (let unread = 0;; generation++) {
      const text = await this.#get(generation);
      if (text === undefined) return texts;
      if (isStateError(text) && ++unread > MOST_UNREAD) throw text;
      texts.set(generation, text);
    }
  }

  async #get(generation: number): Promise<unknown> {
    return await standingAt(this.#store, this.#paths.checkpoint(generation));
  }
}

/** What stands under a key. Where the driver has it and cannot trust it, the error: the place is taken all the same. */
export async function standingAt(store: LogStore, key: string): Promise<unknown> {
  try {
    return await store.getItem(key) ?? undefined;
  } catch (error) {
    if (isStateError(error, "STATE_CORRUPT")) return error;
    throw error;
  }
}
