/**
 * What this process knows of its namespace: the newest head seen, what changed lately, and verified slots, all three of one
 * moment; and how it looks again.
 *
 * @module
 */
import { type BoundedCache, createSlotCache } from "./cache.ts";
import { dropped, formatHead, type Head, leastRevision, Overtaken, parseHead } from "./head.ts";
import type { Paths } from "./paths.ts";
import type { Port, Stored } from "./port.ts";
import { type LogRecord, parseRecord } from "./record.ts";
import { Recent } from "./recent.ts";
import { countedFrom, emptySlot, parseGone, parseRow, type Slot, slotOf } from "./row.ts";
import { corrupt, type Seal } from "./seal.ts";
import { WrittenRecords } from "./written.ts";

/** Beyond so many commits it is cheaper to forget the cache than to read what happened. */
const CATCH_UP = 256;

/** Slots as of one head. */
export interface Reading {
  readonly head: Head;
  readonly slots: ReadonlyMap<string, Slot>;
}

/** How a reading is to be made. */
export interface ReadingOptions {
  /** Also what is left of deleted entries: a writer needs their revisions. @default false */
  readonly gone?: boolean;
  /** Answer from what is known if it is not older than this, in milliseconds. @default 0: look at the head */
  readonly maxStaleMs?: number;
}

/** What a view is made of. */
export interface ViewParts {
  readonly port: Port;
  readonly paths: Paths;
  readonly seal: Seal;
  readonly now: () => number;
  readonly cacheBytes: number;
  /** The slot that a commit not wholly brought in gives a path; `undefined` if it does not touch it. */
  readonly overlay: (head: Head, path: string) => Promise<Slot | undefined>;
}

/** One call on the driver, to be made at the end of this microtask. */
interface Call {
  readonly keys: string[];
  readonly answer: Promise<readonly (Stored | undefined)[]>;
}

/** Absent, and what is left of it was not asked for. */
const absentSlot: Slot = { commit: 0, revision: -1, row: undefined };

/** A record that this process wrote. */
export interface Landed {
  readonly commits: LogRecord["commits"];
  /** What its commits gave. */
  readonly slots: ReadonlyMap<string, Slot>;
  /** Characters of its text. */
  readonly bytes: number;
}

const nothing: Landed = { commits: [], slots: new Map(), bytes: 0 };

/** What this process knows of its namespace. */
export class View {
  readonly #parts: ViewParts;
  readonly cache: BoundedCache<Slot>;
  recent: Recent;
  readonly written: WrittenRecords = new WrittenRecords();
  #head: Head;
  #text: string | undefined;
  /** When the head was last asked for, so that its answer is at least so new. */
  #lookedAt: number;
  #waiting: Call | undefined;
  #catchingUp: Promise<unknown> = Promise.resolve();

  /** Begins with a head and the text it was parsed from; `undefined`: the namespace is not there yet. */
  constructor(parts: ViewParts, head: Head, text: string | undefined) {
    this.#parts = parts;
    this.#head = head;
    this.#text = text;
    this.#lookedAt = parts.now();
    this.cache = createSlotCache(parts.cacheBytes);
    this.recent = new Recent(head.commit);
  }

  /** The newest head seen. */
  get head(): Head {
    return this.#head;
  }

  /** The newest head seen, as it is stored: what a batch checks. */
  get text(): string | undefined {
    return this.#text;
  }

  /**
   * Slots of the paths, all as of one head that is no older than the call, or than `maxStaleMs`.
   *
   * @throws {StateError} STATE_CORRUPT, STATE_DRIVER, STATE_NEWER_FORMAT, STATE_CLOSED if the namespace was dropped
   */
  async read(paths: readonly string[], options: ReadingOptions = {}): Promise<Reading> {
    for (;;) {
      const since = this.#head.commit;
      const slots = new Map<string, Slot>();
      const missing: string[] = [];
      for (const path of paths) {
        const slot = this.cache.get(path);
        if (slot === undefined || (options.gone === true && slot.revision < 0)) missing.push(path);
        else slots.set(path, slot);
      }
      const { maxStaleMs } = options;
      if (missing.length === 0 && maxStaleMs !== undefined && this.#isFresh(maxStaleMs)) return { head: this.#head, slots };
      const head = await this.#fetch(missing, options.gone === true, slots, since).catch((error) => {
        if (error instanceof Overtaken) return undefined;
        throw error;
      });
      if (head === undefined) continue;
      const known = paths.length - missing.length;
      if (known === 0 || head.commit === since || ![...slots.keys()].some((path) => this.recent.changedSince(path, since))) {
        return { head, slots };
      }
    }
  }

  /**
   * Looks at the head. Resolves with it once all that it implies is known.
   *
   * @throws {StateError} as `read`
   */
  async look(): Promise<Head> {
    const since = this.#head.commit;
    const asked = this.#parts.now();
    const [text] = await this.#together([]);
    return this.#advance(text, since, asked);
  }

  /** Takes over a head that this process wrote itself, and the record that it wrote with it, where it did. */
  async adopt(head: Head, text: string, { commits, slots, bytes }: Landed = nothing): Promise<void> {
    await this.#catchingUp;
    const isWide = commits.some(({ set }) => set !== undefined);
    if (commits.length > 0) {
      const drops = isWide ? undefined : commits.flatMap(({ changes }) => changes.flatMap((change) => change.drops));
      this.written.add({ first: head.first, last: head.commit, bytes, drops });
    }
    if (head.commit > this.#head.commit) {
      commits.forEach(({ txid, changes, set }, i) =>
        this.recent.add(this.#head.commit + 1 + i, txid, set === undefined ? changes.map(({ path }) => path) : undefined)
      );
      if (isWide) this.cache.clear();
      for (const [path, slot] of slots) this.cache.set(path, slot);
    }
    if (isLater(head, this.#head)) this.#set(head, text);
  }

  /** A clock that was set back makes nothing fresh. */
  #isFresh(maxStaleMs: number): boolean {
    const age = this.#parts.now() - this.#lookedAt;
    return maxStaleMs === Infinity || (age >= 0 && age <= maxStaleMs);
  }

  async #fetch(paths: readonly string[], gone: boolean, slots: Map<string, Slot>, since: number): Promise<Head> {
    const { paths: keys, seal } = this.#parts;
    const wanted = paths.flatMap((path) => gone ? [keys.row(path), keys.gone(path)] : [keys.row(path)]);
    const asked = this.#parts.now();
    const [text, ...values] = await this.#together(wanted);
    const head = await this.#advance(text, since, asked);
    const stride = gone ? 2 : 1;
    for (const [i, path] of paths.entries()) {
      const overlaid = head.applied < head.commit ? await this.#parts.overlay(head, path) : undefined;
      const row = values[stride * i];
      const rest = gone ? values[stride * i + 1] : undefined;
      const slot = overlaid ??
        (row !== undefined
          ? slotOf(await parseRow(row, path, seal))
          : rest !== undefined
          ? await parseGone(rest, path, seal)
          : gone
          ? emptySlot
          : absentSlot);
      if (slot.commit > head.commit) {
        throw corrupt(`the row "${path}"`, `it is of commit ${slot.commit}, and the head of ${head.commit}`, slot.commit, path);
      }
      slots.set(path, countedFrom(leastRevision(head, slot.commit), slot));
      if (head.commit === this.#head.commit) this.cache.set(path, slots.get(path)!);
    }
    return head;
  }

  /** One call on the driver for all that is asked for in the same microtask; the head comes first. */
  #together(keys: readonly string[]): Promise<readonly (Stored | undefined)[]> {
    const waiting = this.#waiting ??= this.#nextCall();
    const from = waiting.keys.length;
    waiting.keys.push(...keys);
    return waiting.answer.then((values) => [values[0], ...values.slice(from, from + keys.length)]);
  }

  #nextCall(): Call {
    const keys = [this.#parts.paths.head];
    const answer = Promise.resolve().then(() => {
      this.#waiting = undefined;
      return this.#parts.port.getMany(keys);
    });
    return { keys, answer };
  }

  /** Learns what a head implies. `since`: what was known when it was asked for; a head behind that lost commits. */
  async #advance(text: Stored | undefined, since: number, asked: number): Promise<Head> {
    if (text === this.#text) {
      this.#lookedAt = asked;
      return this.#head;
    }
    if (text === undefined) throw dropped();
    const head = await parseHead(text, this.#parts.seal);
    if (head.id !== this.#head.id && this.#text !== undefined) throw dropped();
    if (head.commit < since) {
      throw corrupt(
        "the head of the namespace",
        `commit ${since} was seen, and now it is at ${head.commit}: acknowledged commits were lost`,
        since,
      );
    }
    const turn = this.#catchingUp.then(() => this.#catchUp(head, text as string, asked));
    this.#catchingUp = turn.catch(() => {});
    await turn;
    return head;
  }

  async #catchUp(head: Head, text: string, asked: number): Promise<void> {
    const known = this.#head;
    if (head.commit === known.commit && this.#text !== undefined && head.digest !== known.digest) {
      throw corrupt("the head of the namespace", `commit ${head.commit} was seen with another digest`, head.commit);
    }
    if (!isLater(head, known) && this.#text !== undefined) return;
    if (head.commit > known.commit) {
      const records = await this.#recordsBetween(known, head);
      if (records === undefined) {
        this.cache.clear();
        this.recent = new Recent(head.commit);
      } else for (const record of records) this.#learn(record);
    }
    this.#set(head, text);
    this.#lookedAt = asked;
  }

  #learn(record: LogRecord): void {
    record.commits.forEach((commit, i) => {
      const paths = commit.set === undefined ? commit.changes.map(({ path }) => path) : undefined;
      this.recent.add(record.first + i, commit.txid, paths);
      if (paths === undefined) this.cache.clear();
      else for (const path of paths) this.cache.delete(path);
    });
  }

  /** The records after one head up to another, proven to chain; `undefined` if there are too many, or the oldest may be gone. */
  async #recordsBetween(from: Head, to: Head): Promise<readonly LogRecord[] | undefined> {
    const { port, paths, seal } = this.#parts;
    if (this.#text === undefined || to.commit - from.commit > CATCH_UP || to.horizon > from.commit) return undefined;
    const items = await port.list({ prefix: paths.logs, after: paths.log(from.commit), limit: to.commit - from.commit, values: true });
    const records: LogRecord[] = [];
    let { commit, digest } = from;
    for (const { key, value } of items) {
      if (commit === to.commit) break;
      if (key !== paths.log(commit + 1)) break;
      const record = await parseRecord(value, commit + 1, seal);
      if (record.prev !== digest) throw corrupt(`the record of commit ${commit + 1}`, "it does not follow the one before it", commit + 1);
      records.push(record);
      commit += record.commits.length;
      digest = record.digest;
    }
    if (commit === to.commit && digest === to.digest) return records;
    // Removed while we read? Only a horizon read after the gap was seen can say so.
    const [text] = await port.getMany([paths.head]);
    const again = text === undefined ? undefined : await parseHead(text, seal);
    if (again?.id !== to.id) throw dropped();
    if (again.horizon > from.commit) return undefined;
    throw corrupt("the log", `commit ${commit + 1} is missing, or the head does not fit it`, commit + 1);
  }

  #set(head: Head, text: string): void {
    this.#head = head;
    this.#text = text;
  }
}

/** A head as it is stored, with its text. */
export async function sealHead(head: Head, seal: Seal): Promise<{ readonly head: Head; readonly text: string }> {
  return { head, text: await formatHead(head, seal) };
}

function isLater(a: Head, b: Head): boolean {
  if (a.commit !== b.commit) return a.commit > b.commit;
  if (a.applied !== b.applied) return a.applied > b.applied;
  return a.step !== b.step ? a.step > b.step : a.horizon > b.horizon;
}
