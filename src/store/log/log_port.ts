/**
 * Atomic batches on a driver that has none: a batch is a frame in an exclusive log, current values are runs and, in memory,
 * what the log says since the last checkpoint.
 *
 * The order is everything: a frame counts once it is durable behind the one before it, and nobody is told of it earlier;
 * checkpoints follow, and only what two of them do without is removed.
 *
 * @module
 */
import { toHex } from "../../digest.ts";
import { isStateError, StateError } from "../../errors.ts";
import type { Driver, DriverBatch, DriverItem, DriverListOptions, DriverSupports } from "../driver.ts";
import { type Port, reasonOf, type Stored } from "../port.ts";
import { corrupt, type Seal } from "../seal.ts";
import { createLogPaths, type LogPaths, type StoredCheckpoint } from "./checkpoint.ts";
import { Checkpointer } from "./checkpointer.ts";
import { createNamespaceLog, findCheckpoint } from "./found.ts";
import { formatFrame, type Frame, type FrameBody } from "./frame.ts";
import { Memory } from "./memory.ts";
import { mergeSlices, RunReader, Superseded } from "./runs.ts";
import { Removed, SegmentJournal, Unknown } from "./segment_journal.ts";

/** What a log is opened with. */
export interface LogOptions {
  readonly driver: Driver;
  /** Everything of the namespace begins with it: `app!`. */
  readonly root: string;
  readonly seal: Seal;
  readonly random: (bytes: number) => Uint8Array;
  readonly now: () => number;
  readonly readOnly: boolean;
  readonly cacheBytes: number;
  readonly onWarning: (warning: { readonly code: string; readonly message: string }) => void;
  readonly tuning?: Partial<LogTuning>;
}

/** When what is done. */
export interface LogTuning {
  /** Frames behind the checkpoint from which the next one is due. */
  readonly frames: number;
  /** The same in bytes of frames. */
  readonly bytes: number;
  /** A segment of this size is sealed. */
  readonly segmentBytes: number;
  /** A maker that was not heard of for so long is not waited for. */
  readonly makerMs: number;
}

/** The largest batch: a frame is read as a whole, and its keys stand in memory until the next checkpoint. */
const most = { valueBytes: 256 * 1024, batchOps: 4096, batchBytes: 1024 * 1024 };
/** A maker of runs that was not heard of for an hour is not waited for. */
const MAKER_MS = 60 * 60 * 1000;

/** A driver that takes only small batches gets small frames, and a checkpoint sooner. */
function limitsOf({ valueBytes, batchOps, batchBytes }: DriverSupports): typeof most {
  const least = (name: keyof typeof most, own: number) => Math.min(most[name], own);
  return {
    valueBytes: least("valueBytes", valueBytes),
    batchOps: least("batchOps", batchOps),
    batchBytes: least("batchBytes", batchBytes),
  };
}

/** With these, commits wait for a checkpoint at 64 frames or 1 MiB, and segments are of 8 MiB. */
function tuningOf({ batchOps, batchBytes }: typeof most): LogTuning {
  return {
    frames: Math.min(40, Math.ceil(batchOps / 8)),
    bytes: Math.ceil(batchBytes * 0.625),
    segmentBytes: 8 * batchBytes,
    makerMs: MAKER_MS,
  };
}

/** Loads of a checkpoint before what it names counts as lost. */
const RELOADS = 5;

/** What is known of an open log. */
export interface Known {
  base: StoredCheckpoint;
  journal: SegmentJournal;
  readonly memory: Memory;
  /** Segments that were sealed since the base, with the last frame in each. */
  sealed: (readonly [name: string, last: number])[];
  /** Tokens that frames since the base have said. */
  making: (readonly [token: string, frame: number, at: number])[];
}

/** A log as a port. */
export class LogPort implements Port {
  readonly name: string;
  readonly supports: DriverSupports;
  readonly options: LogOptions & { readonly tuning: LogTuning };
  readonly paths: LogPaths;
  readonly reader: RunReader;
  /** What was set aside when the log was loaded. */
  readonly setAside: string[] = [];
  /** Frames that were read behind the checkpoint when the log was loaded. */
  replayed = 0;
  readonly #writer: string;
  readonly #checkpointer: Checkpointer;
  #known: Known | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #refreshing: Promise<void> | undefined;

  /** A log that nothing was read of yet. */
  constructor(options: LogOptions) {
    const { driver, root, seal, cacheBytes } = options;
    const limits = limitsOf(driver.supports!);
    this.options = { ...options, tuning: { ...tuningOf(limits), ...options.tuning } };
    this.name = driver.name ?? "unnamed";
    this.supports = { ...driver.supports!, ...limits, commit: true, list: "ordered", binary: false, keyBytes: 64 * 1024 };
    this.paths = createLogPaths(root);
    this.reader = new RunReader(driver, seal, cacheBytes);
    this.#writer = toHex(options.random(6));
    this.#checkpointer = new Checkpointer(this);
  }

  /** What is known of the log; undefined: there is none. */
  get known(): Known | undefined {
    return this.#known;
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
      const known = this.#known;
      if (known === undefined) return [];
      const { prefix, after, limit, reverse = false, values = false } = options;
      const { runs } = known.base;
      const items: DriverItem[] = [];
      let range = { prefix, after, reverse };
      const inMemory = known.memory.slice(range);
      for (;;) {
        const wanted = limit - items.length;
        const slices = [inMemory(range.after), ...await Promise.all(runs.map((run) => this.reader.slice(run, range, wanted)))];
        const { entries, isWhole, end } = mergeSlices(slices, reverse, wanted);
        items.push(...entries.map(([key, value]) => values ? { key, value: value! } : { key }));
        if (isWhole || items.length >= limit) return items;
        range = { ...range, after: end };
      }
    });
  }

  async commit(batch: DriverBatch): Promise<boolean> {
    const { options } = this;
    if (options.readOnly) throw new StateError("STATE_READ_ONLY", "Cannot write: the state was opened with readOnly", { details: {} });
    for (;;) {
      await this.#checkpointer.room();
      const done = await this.exclusively(() => this.#retrying(() => this.#write(batch))).catch((error) => {
        if (isStateError(error) || error instanceof Unknown) throw error;
        throw failed("write to", this.name, error);
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
        if (attempt >= RELOADS) {
          throw failed("write to", this.name, error);
        }
      }
    }
  }

  /** Writes a checkpoint of what is behind the last one, and lets what is at work end. */
  async close(): Promise<void> {
    await this.#checkpointer.close();
  }

  /** Takes away what is not needed any more, after everything was removed. */
  async shrink(): Promise<void> {
    await this.#checkpointer.shrink();
  }

  /** Lets nothing but this use what is known until it is done. */
  async exclusively<T>(act: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(act);
    this.#turn = turn.catch(() => {});
    return await turn;
  }

  /** Adds a frame of our own behind the last one, whatever others add meanwhile. */
  async add(body: Pick<FrameBody, "token" | "ops">): Promise<void> {
    while (!await this.#append({ ...this.#next(), ...body })) await this.catchUp();
  }

  /** Adds a frame with which the log goes on in another segment; false: others were quicker. */
  async seal(next: string): Promise<boolean> {
    return await this.#append({ ...this.#next(), ops: [], next });
  }

  /** Takes over a checkpoint that stands. */
  adopt(checkpoint: StoredCheckpoint): void {
    const known = this.#known!;
    const { frame } = checkpoint;
    if (checkpoint.id !== known.base.id || frame > known.journal.position.number) {
      this.#known = this.#begin(checkpoint);
      return;
    }
    known.base = checkpoint;
    known.memory.forget(frame);
    known.sealed = known.sealed.filter(([, last]) => last > frame);
    known.making = known.making.filter(([, said]) => said > frame);
  }

  /** Reads on to the end of the log, or loads it. */
  async catchUp(): Promise<void> {
    let isBehind = false;
    for (let attempt = 1;; attempt++) {
      try {
        if (isBehind) await this.#reload();
        isBehind = false;
        if (this.#known === undefined) await this.#load();
        else {
          const { journal } = this.#known;
          const { name } = journal.position;
          this.#take(await journal.read(), name);
        }
        return;
      } catch (error) {
        if (!(error instanceof Removed)) throw error;
        if (attempt === RELOADS) throw corrupt("the log", `${error.message}, and the newest checkpoint needs it`);
        isBehind = true;
      }
    }
  }

  /** What stands under keys, by what is known. */
  async #current(keys: readonly string[]): Promise<(string | undefined)[]> {
    const known = this.#known;
    if (known === undefined) return keys.map(() => undefined);
    const { runs } = known.base;
    const found = keys.map((key) => known.memory.get(key));
    return await Promise.all(found.map(async (entry, i) => {
      if (entry !== undefined) return entry.value;
      for (const run of runs) {
        const entry = await this.reader.find(run, keys[i]!);
        if (entry !== undefined) return entry.value;
      }
      return undefined;
    }));
  }

  /** One try to write a batch; undefined: another frame took the number. */
  async #write(batch: DriverBatch): Promise<boolean | undefined> {
    if (this.#known === undefined) await this.catchUp();
    if (!await this.#holds(batch)) {
      // What is known may be old.
      await this.catchUp();
      if (!await this.#holds(batch)) return false;
    }
    if (this.#known === undefined) {
      await createNamespaceLog(this);
      await this.catchUp();
      return undefined;
    }
    const ops = [
      ...batch.set.map(([key, value]) => [key, textOf(key, value)] as const),
      ...batch.remove.map((key) => [key, undefined] as const),
    ];
    if (ops.length === 0) {
      const before = this.#known.journal.position.number;
      await this.catchUp();
      return this.#known?.journal.position.number === before ? true : undefined;
    }
    if (await this.#append({ ...this.#next(), ops })) return true;
    await this.catchUp();
    return undefined;
  }

  async #holds({ checks }: DriverBatch): Promise<boolean> {
    const found = await this.#current(checks.map(({ key }) => key));
    return checks.every(({ is }, i) => found[i] === is);
  }

  #next(): Pick<FrameBody, "number" | "prev" | "writer"> {
    const { number, digest } = this.#known!.journal.position;
    return { number: number + 1, prev: digest, writer: this.#writer };
  }

  async #append(body: FrameBody): Promise<boolean> {
    const known = this.#known!;
    const frame = await formatFrame(body, this.options.seal);
    const { name } = known.journal.position;
    const won = await known.journal.append(frame).catch((error) => {
      // Whoever reads on learns where the log is now.
      if (error instanceof Removed) return false;
      throw error;
    });
    if (won) this.#apply(frame, name);
    return won;
  }

  #take(frames: readonly Frame[], name: string): void {
    let segment = name;
    for (const frame of frames) {
      this.#apply(frame, segment);
      if (frame.next !== undefined) segment = frame.next;
    }
  }

  #apply(frame: Frame, segment: string): void {
    const known = this.#known!;
    known.memory.apply(frame);
    if (frame.token !== undefined) known.making.push([frame.token, frame.number, this.options.now()]);
    if (frame.next !== undefined) known.sealed.push([segment, frame.number]);
  }

  #begin(base: StoredCheckpoint): Known {
    const { driver, seal } = this.options;
    const { name, from } = base.segment!;
    const journal = new SegmentJournal(driver.segments!, seal, { name, from, number: base.frame, digest: base.digest });
    return { base, journal, memory: new Memory(), sealed: [], making: [] };
  }

  async #load(): Promise<void> {
    const found = await findCheckpoint(this.options.driver, this.paths, this.options.seal);
    if (found === undefined) return;
    for (const damaged of found.damaged) {
      this.setAside.push(damaged);
      this.options.onWarning({ code: "set-aside", message: `"${damaged}" is damaged; the checkpoint before it and the log serve instead` });
    }
    this.#known = this.#begin(found.checkpoint);
    const { journal } = this.#known;
    const { name } = journal.position;
    const frames = await journal.read();
    this.#take(frames, name);
    this.replayed += frames.length;
    const { torn } = journal;
    if (torn !== undefined && !this.options.readOnly) {
      const where = `${torn.name}, ${torn.bytes} bytes from byte ${torn.from}`;
      this.setAside.push(where);
      this.options.onWarning({ code: "set-aside", message: `The end of the log was never whole, so it was never acknowledged: ${where}` });
    }
  }

  /** What is known is behind: loads the newest checkpoint. */
  async #reload(): Promise<void> {
    const before = this.#known;
    const found = await findCheckpoint(this.options.driver, this.paths, this.options.seal);
    if (found === undefined || before === undefined) {
      this.#known = undefined;
      return;
    }
    const { checkpoint } = found;
    const { number } = before.journal.position;
    if (checkpoint.id === before.base.id && checkpoint.frame < number && checkpoint.generation <= before.base.generation) {
      // Nothing newer: begin again, and see whether the log is all there.
      this.#known = this.#begin(checkpoint);
      this.#take(await this.#known.journal.read(), checkpoint.segment!.name);
      const now = this.#known.journal.position.number;
      if (now < number) throw corrupt("the log", `it ends at frame ${now}, and frame ${number} was read before`);
      return;
    }
    this.adopt(checkpoint);
  }

  /** Whoever asks while nobody has begun to look shares the look. */
  #refresh(): Promise<void> {
    return this.#refreshing ??= this.exclusively(async () => {
      this.#refreshing = undefined;
      await this.catchUp();
    });
  }

  async #reading<T>(read: () => Promise<T>): Promise<T> {
    try {
      return await this.#retrying(read, true);
    } catch (error) {
      if (isStateError(error)) throw error;
      throw failed("read from", this.name, error);
    }
  }

  /** What a run named may have gone with the checkpoint that named it. */
  async #retrying<T>(act: () => Promise<T>, alone = false): Promise<T> {
    for (let attempt = 1;; attempt++) {
      try {
        return await act();
      } catch (error) {
        if (!(error instanceof Superseded)) throw error;
        if (attempt === RELOADS) throw corrupt("the values", `${error.message}, and the newest checkpoint names it`);
        await (alone ? this.exclusively(() => this.#reload()) : this.#reload());
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
