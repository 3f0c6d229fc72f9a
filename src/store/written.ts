/**
 * What this process remembers of the records that it wrote, so that cutting the log need not read them again.
 *
 * @module
 */
import type { ObjectRef } from "./change.ts";

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
