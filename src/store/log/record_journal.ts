/**
 * The log as objects that are created exclusively, one a frame, under dense numbers. What is under a number and is no frame
 * that follows the last one is dead, and the log goes on under the next number.
 *
 * Frames go once a checkpoint holds them. So a frame that is missing may not have been written yet, or may be gone; and one
 * that somebody created after a long pause may stand where another one counted. Only a horizon that was read afterwards tells.
 *
 * @module
 */
import { isStateError } from "../../errors.ts";
import { pad } from "../paths.ts";
import { reasonOf } from "../port.ts";
import { corrupt, type Seal } from "../seal.ts";
import { type Frame, proveFrame } from "./frame.ts";
import { type Journal, type Position, Removed, Unknown } from "./journal.ts";
import type { LogStore } from "./log_store.ts";

/** Tries to create an object. */
const TRIES = 3;

/** What was found behind the known end. */
interface Scan {
  readonly frames: readonly Frame[];
  readonly at: Position;
  readonly free: number;
  /** What follows the last frame and is none. */
  readonly torn: Journal["torn"];
}

/** Reads and creates the frames of one log. Calls must not overlap. */
export class RecordJournal implements Journal {
  readonly #store: LogStore;
  readonly #seal: Seal;
  /** The horizon of the newest checkpoint, asked for after the call. */
  readonly #horizon: () => Promise<number>;
  #at: Position;
  /** Where nothing stands. Between the known end and this is what was no frame: on a plain driver it may still become one. */
  #free: number;
  #torn: Journal["torn"];
  /** Everything was read at least once, and nobody else has written since. */
  #isRead = false;

  /** Begins to read at a position: its `name` is a prefix, its `from` the number of the next object. */
  constructor(store: LogStore, seal: Seal, at: Position, horizon: () => Promise<number>) {
    this.#store = store;
    this.#seal = seal;
    this.#at = at;
    this.#free = at.from;
    this.#horizon = horizon;
  }

  get position(): Position {
    return this.#at;
  }

  get torn(): Journal["torn"] {
    return this.#torn;
  }

  async read(): Promise<readonly Frame[]> {
    if (this.#isRead && this.#store.isAlone()) return [];
    const { frames, at, free, torn } = await this.#scan();
    this.#at = at;
    this.#free = free;
    this.#torn = torn;
    this.#isRead = true;
    return frames;
  }

  async append(frame: Frame): Promise<boolean> {
    try {
      return await this.#append(frame);
    } catch (error) {
      this.#isRead = false;
      throw error;
    }
  }

  async #append(frame: Frame): Promise<boolean> {
    const { name, number, digest } = this.#at;
    if (frame.number !== number + 1 || frame.prev !== digest) {
      throw new TypeError("Cannot append a frame that does not follow the last one");
    }
    const key = nameOf(name, this.#free);
    if (!await this.#create(key, frame.line)) {
      this.#isRead = false;
      return false;
    }
    // From here on it may stand, whatever fails.
    if (!this.#store.isAlone() && await this.#horizon().catch(unknown) >= frame.number) {
      // Another frame had this number, and is gone: what was created now stands in nobody's log. Or it did stand, long ago.
      await this.#store.removeItem(key).catch(unknown);
      throw new Removed(`"${key}" was there before, and is gone`);
    }
    this.#at = { name, from: ++this.#free, number: frame.number, digest: frame.digest };
    return true;
  }

  /** True: this very text stands under the key. */
  async #create(key: string, text: string): Promise<boolean> {
    let mayStand = false;
    for (let attempt = 1;; attempt++) {
      try {
        if (await this.#store.create(key, text)) return true;
        mayStand = true;
        // An earlier try may have landed, and nobody said so; or a transport tried twice.
        return await this.#store.getItem(key) === text;
      } catch (error) {
        // That nothing stands there proves nothing while a try may still land: only holding the number does.
        if (isStateError(error) && !mayStand) throw error;
        mayStand = true;
        if (attempt === TRIES) throw new Unknown(`"${key}" could not be created: ${reasonOf(error)}`, { cause: error });
      }
    }
  }

  async #scan(): Promise<Scan> {
    const { name } = this.#at;
    let { number, digest } = this.#at;
    const frames: Frame[] = [];
    let torn: Journal["torn"];
    /** What stands behind the last frame that counts, and does not; the number of one that stands there as if it should. */
    let dead: (readonly [key: string, value: unknown])[] = [];
    let later = 0;
    let place = this.#at.from;
    let from = place;
    for (;; place++) {
      const value = await this.#store.getItem(nameOf(name, place)) ?? undefined;
      if (value === undefined) {
        if (this.#store.wasWritten?.(nameOf(name, place))) {
          await this.#checkHorizon();
          throw corrupt("the log", `"${nameOf(name, place)}" was written, and is missing`);
        }
        if (this.#isRead || !await this.#isFollowed(name, place)) break;
        if ((await this.#store.getItem(nameOf(name, place)) ?? undefined) === undefined) {
          await this.#checkHorizon();
          throw corrupt("the log", `"${nameOf(name, place)}" is missing, and a later one is there`);
        }
        // Both were made meanwhile.
        place--;
        continue;
      }
      const frame = typeof value === "string" ? await proveFrame(value, this.#seal) : undefined;
      if (frame?.number === number + 1 && frame.prev === digest) {
        ({ number, digest } = frame);
        frames.push(frame);
        from = place + 1;
        [torn, dead, later] = [undefined, [], 0];
      } else {
        dead.push([nameOf(name, place), value]);
        torn ??= { name: nameOf(name, place), from: 0, bytes: (value as { length?: number }).length ?? 0 };
        if (frame !== undefined && frame.number > number + 1) later = frame.number;
      }
    }
    await this.#checkHorizon();
    // On a store that tears one was being written when it was looked at, and those behind it came once it was whole.
    if (later > 0 && await this.#isMoving(dead)) return await this.#scan();
    if (later > 0) throw corrupt("the log", `frame ${number + 1} is missing or damaged, and frame ${later} stands behind it`);
    return { frames, at: { name, from, number, digest }, free: place, torn };
  }

  /** Whether what stands somewhere is not what was seen there before. */
  async #isMoving(seen: readonly (readonly [key: string, value: unknown])[]): Promise<boolean> {
    for (const [key, value] of seen) {
      const found = await this.#store.getItem(key);
      if (typeof found === "string" && found !== value) return true;
    }
    return false;
  }

  /** What was read counts only if nothing of it can have been removed before. */
  async #checkHorizon(): Promise<void> {
    if (this.#store.isAlone()) return;
    const horizon = await this.#horizon();
    if (horizon > this.#at.number) throw new Removed(`frames up to ${horizon} may be gone, and ${this.#at.number} was the last one read`);
  }

  /** Whether something stands behind a place where nothing does: frames are created one after the other. */
  async #isFollowed(prefix: string, place: number): Promise<boolean> {
    const { list } = this.#store;
    if (list !== undefined) return (await list({ prefix, after: nameOf(prefix, place), limit: 1 })).length > 0;
    return (await this.#store.getItem(nameOf(prefix, place + 1)) ?? undefined) !== undefined;
  }
}

/** Whether a frame stands is not known any more. */
function unknown(error: unknown): never {
  throw new Unknown(reasonOf(error), { cause: error });
}

/** The key of a frame. */
export function nameOf(prefix: string, place: number): string {
  return prefix + pad(place);
}
