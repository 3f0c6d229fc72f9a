/**
 * What changed lately: which entries each of the newest commits touched.
 *
 * It is how a transaction is validated, how the cache learns what another writer made stale, and how a writer that did not
 * hear the answer finds its own commit.
 *
 * @module
 */
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
