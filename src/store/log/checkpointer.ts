/**
 * Writing checkpoints while commits go on, merging runs, sealing segments, and removing what two checkpoints do without.
 *
 * What is being made for a checkpoint is said in the log first, so that what a crash leaves behind is found by its token, and
 * so that nobody removes it before it has been given up by a checkpoint.
 *
 * @module
 */
import { toHex } from "../../digest.ts";
import { reasonOf } from "../port.ts";
import { type BuilderParts, RunBuilder, WRITERS } from "./builder.ts";
import { type Checkpoint, formatCheckpoint, type StoredCheckpoint } from "./checkpoint.ts";
import type { FrameBody } from "./frame.ts";
import type { Known, Log } from "./log.ts";
import { countToMerge, isEntry, mergeRuns, planRun } from "./merge.ts";
import { type Position, Unknown } from "./journal.ts";
import { isPinned } from "./pins.ts";
import { nameOf } from "./record_journal.ts";
import { Superseded } from "./runs.ts";
import { firstIn, headerOf } from "./segment_journal.ts";
import type { RunRef } from "./table.ts";

/** Beyond so many runs, commits wait for a merge. */
const MOST_RUNS = 24;
/** Beyond so much of what makes a checkpoint due, commits wait for it. */
const BOUND = 1.6;
/** Pages of so much of what makes a checkpoint due are merged into the run that it writes: more would hold it up. */
const MERGED_AT_ONCE = 2;
/** What a checkpoint repeats of the last batch, at the most. */
const HOT_BYTES = 8 * 1024;
/** Segments listed together. */
const SEGMENTS = 64;
/** Objects removed side by side. */
const REMOVERS = 8;

/**
 * What a new checkpoint changes of the one it is built on, and under which token more is made for a later one; undefined: it
 * has nothing to build on any more.
 */
type Edit = (base: StoredCheckpoint) => Partial<Checkpoint> & { readonly next?: string | undefined } | undefined;

/** Keeps the log of one namespace short. */
export class Checkpointer {
  readonly #log: Log;
  #flushing: Promise<void> | undefined;
  #merging: Promise<void> | undefined;
  /** The checkpoint of which all is removed that it says is. */
  #cleaned = -1;
  /** Segments that were made for nothing, by whomever, are removed. */
  #isSwept = false;
  /** Every process begins a little later or earlier, so that they do not all make the same checkpoint. */
  readonly #slack: number;
  /** After a failure, as many frames more before the next try. */
  #patience = 0;

  /** A checkpointer at rest. */
  constructor(log: Log) {
    this.#log = log;
    this.#slack = 1 + (log.options.random(1)[0]! / 255) * 0.2;
  }

  /** Begins a checkpoint if one is due. */
  wake(): void {
    if (this.#flushing !== undefined || !this.#isDue(this.#slack)) return;
    this.#flushing = this.#flush().then(
      () => {
        this.#patience = 0;
      },
      (error) => {
        this.#patience = this.#log.known?.memory.frames ?? 0;
        this.#warn("The log could not be shortened", error);
      },
    ).finally(() => this.#flushing = undefined);
  }

  /** Resolves once there is room behind the last checkpoint. */
  async room(): Promise<void> {
    const { known } = this.#log;
    if (known === undefined) return;
    if (known.base.runs.length > MOST_RUNS && this.#merging !== undefined) await this.#merging;
    if (this.#flushing !== undefined && this.#isDue(BOUND)) await this.#flushing;
  }

  /** A last checkpoint, if anything is behind the one before. */
  async close(): Promise<void> {
    await this.#flushing;
    const { known, options } = this.#log;
    if (known !== undefined && !options.readOnly && known.memory.frames > 0) {
      await this.#flush().catch((error) => this.#warn("The log could not be shortened", error));
    }
    await this.#merging;
  }

  /** Three checkpoints in a row, the first one in a segment of its own: after them only what they name is left. */
  async shrink(): Promise<void> {
    for (let left = 3; left > 0; left--) {
      await this.#flushing;
      await this.#flush({ rotate: left === 3, mergeAll: true });
      await this.#merging;
    }
  }

  #isDue(factor: number): boolean {
    const { known, options: { tuning } } = this.#log;
    if (known === undefined) return false;
    const { frames, bytes } = known.memory;
    return frames - this.#patience >= tuning.frames * factor || bytes >= tuning.bytes * factor && frames > this.#patience;
  }

  #warn(what: string, error: unknown): void {
    this.#log.options.onWarning({ code: "checkpoint", message: `${what}, and will be later: ${reasonOf(error)}` });
  }

  /** What is in memory becomes a run. */
  async #flush(how?: { readonly rotate: boolean; readonly mergeAll: boolean }): Promise<void> {
    const log = this.#log;
    const { seal, random, tuning } = log.options;
    const { store, paths } = log;
    const token = toHex(random(12));
    const taken = await log.exclusively(async () => {
      await log.adoptNewer();
      const { known } = log;
      if (known === undefined || known.memory.frames === 0 && how === undefined) return undefined;
      const isLong = known.journal.position.from >= tuning.segmentBytes;
      if (store.segments !== undefined && (how?.rotate || isLong)) await this.#rotate();
      await log.add({ ops: [], token });
      // With no older run there is nothing to say that something is gone about.
      const isFirst = known.base.runs.length === 0;
      const entries = known.memory.sorted().filter(([, value]) => !isFirst || value !== undefined);
      const { base, hot } = known;
      return {
        entries,
        runs: how === undefined && this.#merging === undefined ? base.runs : [],
        isFirst,
        position: known.journal.position,
        hot: hot === undefined ? base.hot : smallest(hot),
        sealed: [...base.sealed, ...known.sealed],
      };
    });
    if (taken === undefined) return;
    const { entries, runs: older, isFirst, position, hot, sealed } = taken;
    const objects = { store, seal, paths, limitBytes: log.limits.valueBytes, token, count: 0 };
    const builder = new RunBuilder(objects);
    const { parts, inputs, dropped } = await planRun(entries, older, log.reader, builder.reuseBytes, MERGED_AT_ONCE * tuning.bytes);
    for (const part of parts) await (isEntry(part) ? builder.add(part) : builder.take(part));
    const run = await builder.finish();
    const countOf = (runs: readonly RunRef[]) => how?.mergeAll ? runs.length : countToMerge(runs);
    // What is named goes by another token than what is not named yet: the maker may be given up.
    const merging = toHex(random(12));
    const stands = await this.#publish(builder, (base) => {
      if (base.frame >= position.number || isFirst && base.runs.length > 0) return undefined;
      // Others have merged them.
      if (inputs.some(({ name }, i) => base.runs[i]?.name !== name)) return undefined;
      // Segments that even the older of the two checkpoints has read to their end.
      const done = sealed.filter(([, last]) => last <= base.frame);
      const rest = base.runs.slice(inputs.length);
      const runs = run === undefined ? rest : [run, ...rest];
      return {
        next: this.#merging === undefined && countOf(runs) > (how?.mergeAll ? 0 : 1) ? merging : undefined,
        frame: position.number,
        digest: position.digest,
        segment: { name: position.name, from: position.from },
        runs,
        hot,
        dropped: [...done.map(([name]) => name), ...this.#framesBetween(base, position), ...dropped],
        sealed: sealed.filter(([, last]) => last > base.frame),
      };
    });
    if (!stands) return;
    this.#merging ??= this.#merge({ ...objects, token: merging, count: 0 }, countOf(this.#log.known!.base.runs)).catch((error) => {
      // Where something is gone, others have merged it.
      if (!(error instanceof Superseded)) this.#warn("Runs could not be merged", error);
    }).finally(() => this.#merging = undefined);
  }

  /** The newest runs become one, as far as they are not small beside the next older one. */
  async #merge(objects: BuilderParts, count: number): Promise<void> {
    const log = this.#log;
    const { runs } = log.known!.base;
    if (!this.#isSaid(objects.token, log.known!.base)) return;
    const inputs = runs.slice(0, count);
    const isLast = count === runs.length;
    const builder = new RunBuilder(objects);
    const dropped = await mergeRuns([], inputs, isLast, log.reader, builder);
    const run = await builder.finish();
    await this.#publish(builder, (base) => {
      const at = base.runs.findIndex(({ name }) => name === inputs[0]!.name);
      if (at < 0 || inputs.some(({ name }, i) => base.runs[at + i]?.name !== name)) return undefined;
      if ((at + count === base.runs.length) !== isLast) return undefined;
      return { runs: base.runs.toSpliced(at, count, ...run === undefined ? [] : [run]), dropped };
    });
  }

  /** Makes the next checkpoint, and removes what the one before the last needed. False: others were quicker. */
  async #publish({ token, names }: RunBuilder, edit: Edit): Promise<boolean> {
    const log = this.#log;
    const { seal, tuning } = log.options;
    const published = await log.exclusively(async () => {
      const newest = await log.adoptNewer();
      const { known } = log;
      if (known === undefined) return undefined;
      const { base } = known;
      const { text: _, ...last } = base;
      const edited = this.#isSaid(token, base) ? edit(base) : undefined;
      if (edited === undefined) return undefined;
      const { next: nextToken, ...changes } = edited;
      const frame = changes.frame ?? base.frame;
      // Asked for once: by a clock that jumps, a maker would be at work and given up at the same time.
      const now = log.options.now();
      const making = [...base.making, ...known.making.filter(([, said]) => said <= frame)].filter(([name]) => name !== token);
      if (nextToken !== undefined) making.push([nextToken, frame, now]);
      const isClean = this.#cleaned === base.generation;
      const isLate = ([, , at]: readonly [string, number, number]) => now - at > tuning.makerMs;
      const next = await formatCheckpoint({
        ...last,
        horizon: base.frame,
        ...changes,
        // Where one above is damaged, its number is taken all the same.
        generation: Math.max(base.generation, newest) + 1,
        at: now,
        staying: this.#staying(base, now),
        making: making.filter((maker) => !isLate(maker)),
        abandoned: [...isClean ? [] : base.abandoned, ...making.filter(isLate).map(([name]) => name)],
        removing: isClean ? base.dropped : [...base.removing, ...base.dropped],
        dropped: changes.dropped ?? [],
      }, seal);
      if (!await log.checkpoints.create(next)) return undefined;
      // Where this one was paused for long, its number may have been used before, and removed; or others have built on it.
      if (await log.checkpoints.newest(next.generation) !== next.generation) return "overtaken";
      log.adopt(next);
      return next;
    });
    if (published === "overtaken") return false;
    // What was made for nothing is in no checkpoint.
    const cleaning = published === undefined ? this.#remove(names.toReversed()) : this.#clean(published);
    await cleaning.catch((error) => this.#warn("What is not needed any more could not be removed", error));
    return published !== undefined;
  }

  /**
   * Older checkpoints that a list which lags may show as the newest, with a time at which each stood for certain: the last one
   * that every list shows by now, and those behind it. A checkpoint's own `at` is no such time: it may have been created long
   * after it was made.
   */
  #staying(base: StoredCheckpoint, now: number): Checkpoint["staying"] {
    const { tuning } = this.#log.options;
    if (tuning.lagMs === 0) return [];
    const all = [...base.staying, [base.generation, now] as const];
    const shown = all.findLastIndex(([, at]) => now - at > tuning.lagMs);
    return all.slice(Math.max(0, shown));
  }

  /** The objects of the frames that a new checkpoint holds, and the one before it does not. */
  #framesBetween({ segment }: StoredCheckpoint, { name, from }: Position): string[] {
    if (this.#log.store.segments !== undefined) return [];
    return Array.from({ length: from - segment.from }, (_, i) => nameOf(name, segment.from + i));
  }

  /** Whether the log says that a token's objects are being made: a checkpoint may have given it up, or be done with it. */
  #isSaid(token: string, base: StoredCheckpoint): boolean {
    return [...base.making, ...this.#log.known!.making].some(([name]) => name === token);
  }

  /** Removes the checkpoints before the last two, and what only they named, unless somebody reads that still. */
  async #clean({ generation, frame, staying, removing, abandoned }: StoredCheckpoint): Promise<void> {
    const log = this.#log;
    if (await isPinned(log)) return;
    await log.checkpoints.removeBelow(Math.min(generation - 1, ...staying.map(([older]) => older)));
    await this.#remove(removing);
    for (const token of abandoned) await this.#removeToken(token);
    if (!this.#isSwept) await this.#sweepSegments(frame);
    [this.#cleaned, this.#isSwept] = [generation, true];
  }

  /**
   * Removes segments that were made to go on in and that no seal names: their makers are gone, or have not come to it yet. Which of
   * the two is known once the log has come so far that the seal of such a one can have no number any more.
   */
  async #sweepSegments(frame: number): Promise<void> {
    const { known, paths, store: { list, segments } } = this.#log;
    if (known === undefined || segments === undefined || list === undefined) return;
    for (let after = paths.segments;;) {
      const names = (await list({ prefix: paths.segments, after, limit: SEGMENTS })).map(({ key }) => key);
      // Somebody else's files may stand among ours.
      const ours = names.filter((name) => /^\d{16}-[0-9a-f]{16}$/.test(name.slice(paths.segments.length)));
      await this.#remove(ours.filter((name) => firstIn(name) <= frame && !isNamed(name, known)));
      if (names.length < SEGMENTS) return;
      after = names.at(-1)!;
    }
  }

  async #remove(names: readonly string[]): Promise<void> {
    const { paths, store } = this.#log;
    for (let i = 0; i < names.length; i += REMOVERS) {
      await Promise.all(
        names.slice(i, i + REMOVERS).map((name) => name.startsWith(paths.segments) ? store.segments?.remove(name) : store.removeItem(name)),
      );
    }
  }

  /** Removes what was made under a token that no checkpoint will ever name: numbered from 0, some of them begun, or removed, side by side. */
  async #removeToken(token: string): Promise<void> {
    const { paths, store } = this.#log;
    let count = 0;
    for (let number = 0; number <= count + Math.max(WRITERS, REMOVERS); number++) {
      if ((await store.getItem(paths.run(token, number)) ?? undefined) !== undefined) count = number + 1;
    }
    // The last one first: what is left after a crash is found in the same way.
    while (count > 0) await store.removeItem(paths.run(token, --count));
  }

  /** The log goes on in a new segment. */
  async #rotate(): Promise<void> {
    const log = this.#log;
    const segments = log.store.segments!;
    this.#isSwept = false;
    const first = log.known!.journal.position.number + 1;
    const name = log.paths.segment(first, toHex(log.options.random(8)));
    if (!await segments.create(name, headerOf(first))) return;
    const stands = await log.append({ ops: [], next: name }).catch((error) => {
      if (!(error instanceof Unknown)) throw error;
      return false;
    });
    if (stands) return;
    // Others were quicker, and their frame is durable: the seal behind it counts for nothing. Or the seal stands all the same, or
    // it stood, and so much happened since that nobody can see it any more.
    await log.catchUp();
    if (log.known !== undefined && !isNamed(name, log.known)) await segments.remove(name);
  }
}

/** As much of a batch as a checkpoint repeats. */
function smallest(ops: FrameBody["ops"]): Checkpoint["hot"] {
  let left = HOT_BYTES;
  return ops.filter(([key, value = ""]) => {
    const bytes = key.length + value.length;
    if (bytes > left) return false;
    left -= bytes;
    return true;
  }).map(([key, value]) => [key, value ?? null]);
}

/** Whether a segment is a part of the log. */
function isNamed(name: string, { base, journal, sealed }: Known): boolean {
  const names = [journal.position.name, base.segment?.name, ...base.dropped, ...[...base.sealed, ...sealed].map(([name]) => name)];
  return names.includes(name);
}
