/**
 * What changed lately: which entries each of the newest commits touched.
 *
 * It is how a transaction is validated, how the cache learns what another writer made stale, and how a writer that did not
 * hear the answer finds its own commit.
 *
 * @module
 */
import type { ObjectRef } from "./change.ts";

/** Paths from `from` to `to`, both inclusive where given, that begin with `prefix`. */
export interface PathRange {
  readonly prefix: string;
  readonly from?: string;
  readonly to?: string;
}

/** Whether a path lies in a range. */
export function covers(range: PathRange, path: string): boolean {
  return path.startsWith(range.prefix) && (range.from === undefined || path >= range.from) && (range.to === undefined || path <= range.to);
}

/** How many commits, or paths, are remembered at least; twice as many at most. */
const KEPT_COMMITS = 1024;
const KEPT_PATHS = 65_536;

interface Touched {
  readonly commit: number;
  readonly txid: string;
  /** `undefined`: too many to tell. */
  readonly paths: readonly string[] | undefined;
}

/** A record that this process wrote, and what goes with it. */
export interface Written {
  readonly first: number;
  readonly last: number;
  /** Characters of its text. */
  readonly bytes: number;
  /** Objects that it alone still names; undefined: too many to remember. */
  readonly drops: readonly ObjectRef[] | undefined;
}

/** How many records are remembered, and how many objects of all of them, at the most. */
const KEPT_WRITTEN = 2048;
const KEPT_DROPS = 4096;

/** Records that this process wrote, one behind the other: to remove them again, they need not be read. */
export class WrittenRecords {
  #records: Written[] = [];
  #drops = 0;
  /** Up to which commit no record stands: this process looked from the beginning, and removed them. */
  #removed: number | undefined;

  /** The next one; where others wrote in between, what was before is forgotten. */
  add(record: Written): void {
    if (this.#records.at(-1)?.last !== record.first - 1) this.#forget(this.#records.length);
    const drops = this.#drops + (record.drops?.length ?? 0) > KEPT_DROPS ? undefined : record.drops;
    this.#records.push({ ...record, drops });
    this.#drops += drops?.length ?? 0;
    if (this.#records.length > KEPT_WRITTEN) this.#forget(KEPT_WRITTEN / 2);
  }

  /** To be told by whoever removed every record up to a commit, and had looked for them from the beginning. */
  removedTo(last: number): void {
    this.#removed = last;
    const kept = this.#records.findIndex(({ first }) => first > last);
    this.#forget(kept < 0 ? this.#records.length : kept);
  }

  /**
   * Records from the lowest one that stands on, none left out, as far as this process knows them, up to a commit; undefined: it does
   * not know the lowest one.
   */
  between(horizon: number, end: number): readonly Written[] | undefined {
    if (this.#removed !== horizon || this.#records[0]?.first !== horizon + 1) return undefined;
    return this.#records.filter(({ last }) => last <= end);
  }

  #forget(count: number): void {
    for (const { drops } of this.#records.splice(0, count)) this.#drops -= drops?.length ?? 0;
  }
}

/** The newest commits, without a gap. */
export class Recent {
  #floor: number;
  #touched: Touched[] = [];
  #last: Map<string, number> = new Map();
  #lastOfAll = 0;
  #paths = 0;

  /** Begins after a commit. */
  constructor(floor: number) {
    this.#floor = floor;
  }

  /** The next commit. `paths` undefined: it may have touched anything. */
  add(commit: number, txid: string, paths: readonly string[] | undefined): void {
    this.#touched.push({ commit, txid, paths });
    this.#paths += paths?.length ?? 0;
    if (paths === undefined) this.#lastOfAll = commit;
    else for (const path of paths) this.#last.set(path, commit);
    if (this.#touched.length > 2 * KEPT_COMMITS || (this.#paths > 2 * KEPT_PATHS && this.#touched.length > 1)) this.#forgetHalf();
  }

  /** Whether an entry was changed after a commit. Also true if that is not known any more. */
  changedSince(path: string, commit: number): boolean {
    return commit < this.#floor || this.#lastOfAll > commit || (this.#last.get(path) ?? 0) > commit;
  }

  /** Whether anything in a range was changed after a commit. Also true if that is not known any more. */
  rangeChangedSince(range: PathRange, commit: number): boolean {
    if (commit < this.#floor || this.#lastOfAll > commit) return true;
    for (let i = this.#touched.length - 1; i >= 0 && this.#touched[i]!.commit > commit; i--) {
      if (this.#touched[i]!.paths!.some((path) => covers(range, path))) return true;
    }
    return false;
  }

  /** Who made a commit; `undefined` if that is not known any more. */
  txidOf(commit: number): string | undefined {
    const first = this.#touched[0];
    return first === undefined ? undefined : this.#touched[commit - first.commit]?.txid;
  }

  #forgetHalf(): void {
    const gone = this.#touched.splice(0, this.#touched.length >> 1);
    this.#floor = gone.at(-1)!.commit;
    for (const { paths } of gone) {
      this.#paths -= paths?.length ?? 0;
      for (const path of paths ?? []) if (this.#last.get(path)! <= this.#floor) this.#last.delete(path);
    }
  }
}
