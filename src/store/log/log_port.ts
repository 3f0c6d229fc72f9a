/**
 * Atomic batches on a driver that has none: a batch is a frame in an exclusive log, current values are runs and, in memory,
 * what the log says since the last checkpoint.
 *
 * The order is everything: a frame counts once it is durable behind the one before it, and nobody is told of it earlier;
 * checkpoints follow, and only what two of them do without is removed.
 *
 * @module
 */
import { isStateError, StateError } from "../../errors.ts";
import type { DriverBatch, DriverItem, DriverListOptions, DriverSupports } from "../driver.ts";
import { type Port, reasonOf, type Stored } from "../port.ts";
import { corrupt } from "../seal.ts";
import { Checkpointer } from "./checkpointer.ts";
import { Unknown } from "./journal.ts";
import { Log, type LogOptions } from "./log.ts";
import { pinned } from "./pins.ts";
import { mergeSlices, Superseded } from "./runs.ts";

/** Tries of a batch that may be written again. */
const TRIES = 5;
/** Looks at what was superseded meanwhile before the next one is held by a pin. */
const LOOKS = 3;
/** The longest key: one stands in a page. */
const KEY_BYTES = 64 * 1024;

/** A log as a port. */
export class LogPort implements Port {
  readonly name: string;
  readonly supports: DriverSupports;
  readonly isWhole = true;
  readonly #log: Log;
  readonly #checkpointer: Checkpointer;
  #refreshing: Promise<void> | undefined;

  /** A log that nothing was read of yet. */
  constructor(options: LogOptions) {
    this.#log = new Log(options);
    const { driver } = options;
    this.name = driver.name ?? "unnamed";
    this.supports = { ...driver.supports!, ...this.#log.limits, commit: true, list: "ordered", binary: false, keyBytes: KEY_BYTES };
    this.#checkpointer = new Checkpointer(this.#log);
  }

  /** What was set aside when the log was loaded. */
  get setAside(): readonly string[] {
    return this.#log.setAside;
  }

  /** Frames that were read behind the checkpoint when the log was loaded. */
  get replayed(): number {
    return this.#log.replayed;
  }

  /** Takes the lock, where there is one. */
  async open(): Promise<void> {
    if (!this.#log.options.readOnly) await this.#log.store.open();
  }

  /** What all keys of the namespace begin with, as its newest checkpoint says; undefined: there is none. */
  async findRoot(): Promise<string | undefined> {
    return (await this.#log.checkpoints.find())?.checkpoint.root;
  }

  async getMany(keys: readonly string[]): Promise<readonly (Stored | undefined)[]> {
    return await this.#reading(async () => {
      await this.#refresh();
      return await this.#current(keys);
    });
  }

  async list(options: DriverListOptions): Promise<readonly DriverItem[]> {
    return await this.#reading(async () => {
      await this.#refresh();
      const { known, reader } = this.#log;
      if (known === undefined) return [];
      const { prefix, after, limit, reverse = false, values = false } = options;
      const { runs } = known.base;
      const items: DriverItem[] = [];
      let range = { prefix, after, reverse };
      const inMemory = known.memory.slice(range);
      for (;;) {
        const wanted = limit - items.length;
        const slices = [inMemory(range.after), ...await Promise.all(runs.map((run) => reader.slice(run, range, wanted)))];
        const { entries, isWhole, end } = mergeSlices(slices, reverse, wanted);
        items.push(...entries.map(([key, value]) => values ? { key, value: value! } : { key }));
        if (isWhole || items.length >= limit) return items;
        range = { ...range, after: end };
      }
    });
  }

  async commit(batch: DriverBatch): Promise<boolean> {
    const log = this.#log;
    if (log.options.readOnly) throw new StateError("STATE_READ_ONLY", "Cannot write: the state was opened with readOnly", { details: {} });
    const tried = { mayStand: false };
    for (;;) {
      await this.#checkpointer.room();
      const done = await log.exclusively(() => this.#retrying(() => this.#write(batch, tried), (act) => act())).catch((error) => {
        const isDriver = !isStateError(error) || isStateError(error, "STATE_DRIVER");
        if (error instanceof Unknown || !isDriver) throw error;
        if (tried.mayStand) throw new Unknown(reasonOf(error), { cause: error });
        throw isStateError(error) ? error : failed("write to", this.name, error);
      });
      if (done === undefined) continue;
      if (done) this.#checkpointer.wake();
      return done;
    }
  }

  async repeat(batch: DriverBatch): Promise<boolean> {
    for (let attempt = 1;; attempt++) {
      try {
        return await this.commit(batch);
      } catch (error) {
        if (isStateError(error)) throw error;
        if (attempt >= TRIES) throw failed("write to", this.name, error);
      }
    }
  }

  /** Writes a checkpoint of what is behind the last one, and lets what is at work end. */
  async close(): Promise<void> {
    try {
      await this.#checkpointer.close();
    } finally {
      await this.#log.store.close();
    }
  }

  /** Gives the lock back, where there is one. */
  async abandon(): Promise<void> {
    await this.#log.store.close();
  }

  /** Takes away what is not needed any more, after everything was removed. */
  async shrink(): Promise<void> {
    await this.#checkpointer.shrink();
  }

  /** What stands under keys, by what is known. */
  async #current(keys: readonly string[]): Promise<(string | undefined)[]> {
    const { known, reader } = this.#log;
    if (known === undefined) return keys.map(() => undefined);
    const { runs } = known.base;
    const found = keys.map((key) => known.memory.get(key) ?? known.hotBase.get(key));
    return await Promise.all(found.map(async (entry, i) => {
      if (entry !== undefined) return entry.value;
      for (const run of runs) {
        const entry = await reader.find(run, keys[i]!);
        if (entry !== undefined) return entry.value;
      }
      return undefined;
    }));
  }

  /** One try to write a batch; undefined: another frame took the number. */
  async #write(batch: DriverBatch, tried: { mayStand: boolean }): Promise<boolean | undefined> {
    const log = this.#log;
    if (log.known === undefined) await log.catchUp();
    if (!await this.#holds(batch)) {
      // What is known may be old.
      await log.catchUp();
      if (!await this.#holds(batch)) return false;
    }
    if (log.known === undefined) {
      await log.create();
      return undefined;
    }
    const ops = [
      ...batch.set.map(([key, value]) => [key, textOf(key, value)] as const),
      ...batch.remove.map((key) => [key, undefined] as const),
    ];
    if (ops.length === 0) {
      const before = log.known.journal.position.number;
      await log.catchUp();
      return log.known?.journal.position.number === before ? true : undefined;
    }
    tried.mayStand = false;
    if (await log.append({ ops })) return true;
    // It may have stood, and be gone with all that a newer checkpoint holds: what is read next tells, and nothing else does.
    tried.mayStand = true;
    await log.catchUp();
    return undefined;
  }

  async #holds({ checks }: DriverBatch): Promise<boolean> {
    const found = await this.#current(checks.map(({ key }) => key));
    return checks.every(({ is }, i) => found[i] === is);
  }

  /** Whoever asks while nobody has begun to look shares the look. */
  #refresh(): Promise<void> {
    return this.#refreshing ??= this.#log.exclusively(async () => {
      this.#refreshing = undefined;
      await this.#log.catchUp();
    });
  }

  async #reading<T>(read: () => Promise<T>): Promise<T> {
    try {
      return await this.#retrying(read, (act) => this.#log.exclusively(act));
    } catch (error) {
      if (isStateError(error)) throw error;
      throw failed("read from", this.name, error);
    }
  }

  /**
   * What a run named may have gone with the checkpoint that named it: then that of a newer one is looked at. Who was overtaken
   * a few times has the next one kept until it is done. What is damaged may have been repaired, with a newer one.
   */
  async #retrying<T>(act: () => Promise<T>, inTurn: (act: () => Promise<boolean>) => Promise<boolean>): Promise<T> {
    let futile = 0;
    for (let look = 1;; look++) {
      try {
        if (look <= LOOKS) return await act();
        return await pinned(this.#log, async () => {
          await inTurn(() => this.#log.reload());
          return await act();
        });
      } catch (error) {
        if (isStateError(error, "STATE_CORRUPT") && await inTurn(() => this.#log.reload()).catch(() => false)) continue;
        if (!(error instanceof Superseded)) throw error;
        if (await inTurn(() => this.#log.reload())) futile = 0;
        else if (futile++ > 0) throw corrupt("the values", `${error.message}, and the newest checkpoint names it`);
      }
    }
  }
}

function failed(verb: string, name: string, cause: unknown): StateError {
  return new StateError("STATE_DRIVER", `Cannot ${verb} driver "${name}": ${reasonOf(cause)}`, { details: {}, cause });
}

function textOf(key: string, value: Stored): string {
  if (typeof value !== "string") throw new TypeError(`Cannot write "${key}": a log holds text`);
  return value;
}
