/**
 * The log of one namespace: what is known of it, and adding to it. Every change waits for its turn.
 *
 * @module
 */
import { toHex } from "../../digest.ts";
import type { Driver, DriverSupports } from "../driver.ts";
import type { LockOptions } from "../port.ts";
import { refuseFeatures } from "../head.ts";
import { corrupt, type Seal } from "../seal.ts";
import { createLogPaths, type LogPaths, type StoredCheckpoint } from "./checkpoint.ts";
import { type Checkpoints, NumberedCheckpoints } from "./checkpoints.ts";
import { createFirst, refuseLostLog } from "./creation.ts";
import { formatFrame, type Frame, type FrameBody } from "./frame.ts";
import { type Journal, Removed } from "./journal.ts";
import { exclusiveStore, type LogStore } from "./log_store.ts";
import { Memory } from "./memory.ts";
import { oneWriterStore } from "./one_writer.ts";
import { RecordJournal } from "./record_journal.ts";
import { RunReader } from "./runs.ts";
import { isNameUnder } from "./shape.ts";
import { SegmentJournal } from "./segment_journal.ts";
import { SlotCheckpoints } from "./slots.ts";

/** What a log is opened with. */
export interface LogOptions {
  readonly driver: Driver;
  /** Everything of the namespace begins with it: `app!`. */
  readonly root: string;
  /** What it begins with on the driver, where that takes no keys so long. @default root */
  readonly shortRoot?: string;
  readonly seal: Seal;
  readonly random: (bytes: number) => Uint8Array;
  readonly now: () => number;
  /** @default setTimeout */
  readonly sleep?: (ms: number) => Promise<void>;
  /** Does something again and again until what it returns is called. @default setInterval */
  readonly every?: (ms: number, act: () => void) => () => void;
  readonly readOnly: boolean;
  readonly lock?: LockOptions;
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
  /** A maker, or a pin, that was not heard of for so long is not waited for. */
  readonly makerMs: number;
  /** Twice as long as lists may lag behind. */
  readonly lagMs: number;
}

/** The most that a batch holds. */
export interface LogLimits {
  readonly valueBytes: number;
  readonly batchOps: number;
  readonly batchBytes: number;
}

/** The largest batch: a frame is read as a whole, and its keys stand in memory until the next checkpoint. */
const most: LogLimits = { valueBytes: 256 * 1024, batchOps: 4096, batchBytes: 1024 * 1024 };
const HOUR_MS = 60 * 60 * 1000;
/** Stores of objects show new ones in their lists at once, or a moment later. */
const LAG_MS = 60 * 1000;

/** A driver that takes only small batches gets small frames, and a checkpoint sooner. */
function limitsOf({ valueBytes, batchOps, batchBytes }: DriverSupports): LogLimits {
  const least = (name: keyof LogLimits, own: number) => Math.min(most[name], own);
  return {
    valueBytes: least("valueBytes", valueBytes),
    batchOps: least("batchOps", batchOps),
    batchBytes: least("batchBytes", batchBytes),
  };
}

/**
 * Frames behind a checkpoint that make the next one due. As objects each costs opening a call; in a segment all are one read, and
 * what bounds opening is their bytes. A checkpoint costs some five files, each synced with its folder.
 */
const OBJECT_FRAMES = 40;
const SEGMENT_FRAMES = 400;

/** With these, commits wait for a checkpoint at 64 objects, 640 frames of a segment, or 1 MiB, and segments are of 8 MiB. */
function tuningOf({ batchOps, batchBytes }: LogLimits, driver: Driver): LogTuning {
  return {
    frames: Math.min(driver.segments === undefined ? OBJECT_FRAMES : SEGMENT_FRAMES, Math.ceil(batchOps / 8)),
    bytes: Math.ceil(batchBytes * 0.625),
    segmentBytes: 8 * batchBytes,
    makerMs: HOUR_MS,
    lagMs: driver.supports!.create && driver.segments === undefined ? LAG_MS : 0,
  };
}

/** Loads of a checkpoint that find nothing newer, before what it names counts as lost. */
const RELOADS = 3;

/** What is known of an open log. */
export interface Known {
  base: StoredCheckpoint;
  journal: Journal;
  readonly memory: Memory;
  /** Segments that were sealed since the base, with the last frame in each. */
  sealed: (readonly [name: string, last: number])[];
  /** What the base says of the last batch before it. */
  hotBase: ReadonlyMap<string, { readonly value: string | undefined }>;
  /** What the last batch says; undefined: what the base says of it. */
  hot: FrameBody["ops"] | undefined;
  /** Tokens that frames since the base have said. */
  making: (readonly [token: string, frame: number, at: number])[];
}

/** One log. */
export class Log {
  readonly options: LogOptions & { readonly tuning: LogTuning; readonly sleep: (ms: number) => Promise<void> };
  readonly limits: LogLimits;
  readonly paths: LogPaths;
  readonly store: LogStore;
  readonly checkpoints: Checkpoints;
  readonly reader: RunReader;
  /** What was set aside when the log was loaded, by where a person finds it. */
  readonly setAside: string[] = [];
  /** Frames that were read behind the checkpoint when the log was loaded. */
  replayed = 0;
  readonly #writer: string;
  #known: Known | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  /** A log that nothing was read of yet. */
  constructor(options: LogOptions) {
    const { driver, root, shortRoot = root, seal, random, now, cacheBytes, lock = {}, onWarning } = options;
    const { sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms)), every = repeat } = options;
    this.limits = limitsOf(driver.supports!);
    this.options = { ...options, sleep, tuning: { ...tuningOf(this.limits, driver), ...options.tuning } };
    this.paths = createLogPaths(shortRoot);
    this.#writer = toHex(random(6));
    const { paths } = this;
    this.store = driver.supports!.create
      ? exclusiveStore(driver)
      : oneWriterStore({ driver, paths, seal, writer: this.#writer, now, sleep, every, lock, onWarning });
    this.checkpoints = this.store.list === undefined
      ? new SlotCheckpoints(this.store, paths, seal)
      : new NumberedCheckpoints(this.store, paths, seal, sleep, { now, lagMs: this.options.tuning.lagMs });
    this.reader = new RunReader(this.store, seal, cacheBytes);
  }

  /** What is known of the log; undefined: there is none. */
  get known(): Known | undefined {
    return this.#known;
  }

  /** Lets nothing but this use what is known until it is done. */
  async exclusively<T>(act: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(act);
    this.#turn = turn.catch(() => {});
    return await turn;
  }

  /** Makes the log of a namespace that has none. */
  async create(): Promise<void> {
    await createFirst(this);
    await this.catchUp();
  }

  /** One try to add a frame behind the last one. False: another frame took its number. */
  async append(body: Pick<FrameBody, "token" | "ops" | "next">): Promise<boolean> {
    const known = this.#known!;
    const { number, digest, name } = known.journal.position;
    const frame = await formatFrame({ ...body, number: number + 1, prev: digest, writer: this.#writer }, this.options.seal);
    const won = await known.journal.append(frame).catch((error) => {
      // Whoever reads on learns where the log is now.
      if (error instanceof Removed) return false;
      throw error;
    });
    if (won) this.#apply(frame, name);
    return won;
  }

  /** Adds a frame behind the last one, whatever others add meanwhile. */
  async add(body: Pick<FrameBody, "token" | "ops">): Promise<void> {
    while (!await this.append(body)) await this.catchUp();
  }

  /** Takes over a checkpoint that stands. */
  adopt(checkpoint: StoredCheckpoint): void {
    if (!this.options.readOnly) refuseFeatures(checkpoint.write);
    const known = this.#known!;
    const { frame } = checkpoint;
    if (checkpoint.id !== known.base.id || frame > known.journal.position.number) {
      this.#known = this.#begin(checkpoint);
      return;
    }
    known.base = checkpoint;
    known.hotBase = hotOf(checkpoint);
    known.memory.forget(frame);
    known.sealed = known.sealed.filter(([, last]) => last > frame);
    known.making = known.making.filter(([, said]) => said > frame);
  }

  /** Reads on to the end of the log, or loads it. */
  async catchUp(): Promise<void> {
    let isBehind = false;
    for (let futile = 0;;) {
      try {
        if (isBehind && !await this.reload()) futile++;
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
        if (futile === RELOADS) throw corrupt("the log", `${error.message}, and the newest checkpoint needs it`);
        isBehind = true;
      }
    }
  }

  /** What is known is behind: loads the newest checkpoint. False: nothing is newer than what was known. */
  async reload(): Promise<boolean> {
    const before = this.#known;
    const found = await this.checkpoints.find();
    if (found === undefined || before === undefined) {
      this.#known = undefined;
      return false;
    }
    const { checkpoint } = found;
    const { number } = before.journal.position;
    const isNewer = checkpoint.generation > before.base.generation;
    if (checkpoint.id === before.base.id && checkpoint.frame < number && !isNewer) {
      // Begin again, and see whether the log is all there.
      this.#known = this.#begin(checkpoint);
      this.#take(await this.#known.journal.read(), checkpoint.segment.name);
      const now = this.#known.journal.position.number;
      if (now < number) throw corrupt("the log", `it ends at frame ${now}, and frame ${number} was read before`);
      return false;
    }
    this.adopt(checkpoint);
    return isNewer;
  }

  /** Learns of a checkpoint that others made. The number of the newest one that stands, damaged or not. */
  async adoptNewer(): Promise<number> {
    await this.catchUp();
    const known = this.#known;
    if (known === undefined) return -1;
    const newest = await this.checkpoints.newest(known.base.generation);
    if (newest <= known.base.generation) return newest;
    const found = await this.checkpoints.find();
    if (found !== undefined && found.checkpoint.generation > known.base.generation) this.adopt(found.checkpoint);
    await this.catchUp();
    return newest;
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
    const { root } = this.options;
    if (!frame.ops.every(([key]) => key.startsWith(root))) throw corrupt(`frame ${frame.number}`, "it is about another namespace");
    known.memory.apply(frame);
    if (frame.ops.length > 0) known.hot = frame.ops;
    if (frame.token !== undefined) known.making.push([frame.token, frame.number, this.options.now()]);
    if (frame.next !== undefined) known.sealed.push([segment, frame.number]);
  }

  #begin(base: StoredCheckpoint): Known {
    const { seal, root, readOnly } = this.options;
    const { segments } = this.store;
    if (base.root !== root) throw corrupt(`checkpoint ${base.generation} of the log`, "it is another namespace's");
    if (isNameUnder(this.paths.segments, base.segment.name) !== (segments !== undefined)) {
      throw corrupt(`checkpoint ${base.generation} of the log`, "it says that the log is where the driver has none");
    }
    const at = { ...base.segment, number: base.frame, digest: base.digest };
    const journal = segments === undefined
      ? new RecordJournal(this.store, seal, at, () => this.#horizon())
      : new SegmentJournal(segments, seal, at, readOnly);
    return { base, hotBase: hotOf(base), journal, memory: new Memory(), sealed: [], hot: undefined, making: [] };
  }

  /** The horizon of the newest checkpoint. */
  async #horizon(): Promise<number> {
    const { base } = this.#known!;
    if (await this.checkpoints.newest(base.generation) <= base.generation) return base.horizon;
    const found = await this.checkpoints.find();
    if (found === undefined) return Infinity;
    // One that is damaged may have had a higher one: that of the frame which the one before it holds.
    return found.damaged.length > 0 ? found.checkpoint.frame : found.checkpoint.horizon;
  }

  async #load(): Promise<void> {
    const found = await this.checkpoints.find();
    if (found === undefined) {
      // Whoever writes is refused before a new one is made.
      if (this.options.readOnly) await refuseLostLog(this);
      return;
    }
    const { driver } = this.options;
    const placeOf = (name: string) => driver.placeOf?.(name) ?? name;
    for (const damaged of found.damaged.map(placeOf)) {
      this.#putAside(damaged, `"${damaged}" is damaged; the checkpoint before it and the log serve instead`);
    }
    // Whoever made the first one may not have made it durable yet, and there is none before it: trying to make it does that.
    if (found.checkpoint.generation === 0 && !this.options.readOnly && this.store.segments !== undefined) {
      await this.checkpoints.create(found.checkpoint);
    }
    if (!this.options.readOnly) refuseFeatures(found.checkpoint.write);
    this.#known = this.#begin(found.checkpoint);
    const { journal } = this.#known;
    const readOn = async () => {
      const { name } = journal.position;
      const frames = await journal.read();
      this.#take(frames, name);
      this.replayed += frames.length;
    };
    await readOn();
    // Of what somebody is writing this very moment only the beginning may have been seen.
    if (journal.torn !== undefined) await readOn();
    const { torn } = journal;
    if (torn !== undefined) {
      const where = `${placeOf(torn.name)}, ${torn.bytes} bytes from byte ${torn.from}`;
      this.#putAside(where, `The end of the log was never whole, so it was never acknowledged: ${where}`);
    }
  }

  #putAside(what: string, message: string): void {
    if (this.setAside.includes(what)) return;
    this.setAside.push(what);
    this.options.onWarning({ code: "set-aside", message });
  }
}

function hotOf({ hot }: StoredCheckpoint): Known["hotBase"] {
  return new Map(hot.map(([key, value]) => [key, { value: value ?? undefined }]));
}

function repeat(ms: number, act: () => void): () => void {
  const timer = setInterval(act, ms);
  // Where timers keep a program alive, this one need not.
  (timer as { unref?: () => void }).unref?.();
  return () => clearInterval(timer);
}
