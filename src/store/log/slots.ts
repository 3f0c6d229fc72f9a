/**
 * Checkpoints where nothing can be listed and nothing created exclusively: two fixed places that one writer writes in turn, so
 * that one of them is whole whatever becomes of the other.
 *
 * @module
 */
import { isStateError } from "../../errors.ts";
import { corrupt, type Seal } from "../seal.ts";
import { type LogPaths, parseCheckpoint, type StoredCheckpoint } from "./checkpoint.ts";
import { type Checkpoints, type Found, standingAt } from "./checkpoints.ts";
import type { LogStore } from "./log_store.ts";

/** Looks at places that are being written while they are looked at. */
const LOOKS = 10;

/** The two places. */
export class SlotCheckpoints implements Checkpoints {
  readonly #store: LogStore;
  readonly #paths: LogPaths;
  readonly #seal: Seal;
  /** The newest one that was seen whole. */
  #newest: StoredCheckpoint | undefined;

  /** Those under these paths. */
  constructor(store: LogStore, paths: LogPaths, seal: Seal) {
    this.#store = store;
    this.#paths = paths;
    this.#seal = seal;
  }

  async find(): Promise<Found | undefined> {
    let seen: readonly unknown[] = [];
    for (let look = 1;; look++) {
      const texts: unknown[] = [];
      try {
        return await this.#find(texts);
      } catch (error) {
        // Each was torn when it was looked at, and not both at once.
        const isOther = texts.some((text, slot) => text !== seen[slot]);
        if (!isStateError(error, "STATE_CORRUPT") || !isOther || look === LOOKS) throw error;
        seen = texts;
      }
    }
  }

  async #find(texts: unknown[]): Promise<Found | undefined> {
    let best: StoredCheckpoint | undefined;
    const damaged: string[] = [];
    let failure: unknown;
    let isUnread = false;
    for (const slot of [0, 1]) {
      const text = await standingAt(this.#store, this.#paths.slot(slot));
      texts.push(isStateError(text) ? text.message : text);
      if (text === undefined) continue;
      isUnread ||= isStateError(text);
      try {
        if (isStateError(text)) throw text;
        const checkpoint = await this.#parse(text, slot);
        if (best === undefined || checkpoint.generation > best.generation) best = checkpoint;
      } catch (error) {
        if (!isStateError(error, "STATE_CORRUPT")) throw error;
        failure ??= error;
        damaged.push(this.#paths.slot(slot));
      }
    }
    this.#newest = best;
    if (best !== undefined) return { checkpoint: best, damaged };
    // A first checkpoint that was torn was never acknowledged, and there is nothing behind it.
    const isFirst = damaged.length === 1 && damaged[0] === this.#paths.slot(0) && !isUnread;
    if (isFirst && !await this.#hasFrames()) return undefined;
    if (failure !== undefined) throw failure;
    return undefined;
  }

  async newest(known: number): Promise<number> {
    if (this.#store.isAlone()) return known;
    const found = await this.find();
    return Math.max(known, found?.checkpoint.generation ?? known);
  }

  async create(checkpoint: StoredCheckpoint): Promise<boolean> {
    const { generation, text } = checkpoint;
    const standing = await this.#standing(generation);
    if (standing?.text === text) return true;
    if (standing !== undefined && standing.generation >= generation) return false;
    const before = this.#newest;
    if (before !== undefined) {
      // What is written over is the only whole one, where the other place was torn or set back since.
      const other = await this.#standing(generation - 1);
      if (other !== undefined && other.generation > before.generation) return false;
      if (other?.text !== before.text && !await this.#store.replace!(this.#paths.slot(before.generation), before.text)) return false;
    }
    if (!await this.#store.replace!(this.#paths.slot(generation), text)) return false;
    this.#newest = checkpoint;
    return true;
  }

  /** What stands whole in the place of a generation. */
  async #standing(generation: number): Promise<StoredCheckpoint | undefined> {
    try {
      const text = await this.#store.getItem(this.#paths.slot(generation)) ?? undefined;
      return text === undefined ? undefined : await this.#parse(text, generation);
    } catch (error) {
      if (isStateError(error, "STATE_CORRUPT")) return undefined;
      throw error;
    }
  }

  /** The places are fixed, and written over. */
  removeBelow(): Promise<void> {
    return Promise.resolve();
  }

  async #parse(text: unknown, slot: number): Promise<StoredCheckpoint> {
    const checkpoint = await parseCheckpoint(text, undefined, this.#paths, this.#seal);
    if (checkpoint.generation % 2 !== slot % 2) throw corrupt(`checkpoint ${checkpoint.generation}`, "it stands in the other one's place");
    return checkpoint;
  }

  async #hasFrames(): Promise<boolean> {
    return (await this.#store.getItem(`${this.#paths.frames}${"1".padStart(16, "0")}`) ?? undefined) !== undefined;
  }
}
