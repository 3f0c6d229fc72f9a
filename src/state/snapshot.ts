/**
 * What a transaction reads: entries and ranges of one commit, and the proof later on that they are still so.
 *
 * @module
 */
import { StateError } from "../errors.ts";
import type { Draft } from "../store/operation.ts";
import type { Page, PageOptions } from "../store/page.ts";
import type { PathRange } from "../store/recent.ts";
import type { Row, Slot } from "../store/row.ts";
import type { Core } from "./core.ts";
import type { LocalEntry } from "./ephemeral.ts";
import { isLive } from "./live.ts";

/** What stands under a path as of the snapshot. */
export interface Seen {
  readonly slot: Slot;
  /** An ephemeral entry, which stands before what is stored. */
  readonly local: LocalEntry | undefined;
}

/** One commit at one moment, as a transaction reads it. It moves on to a newer one as long as nothing that was read has changed. */
export class Snapshot {
  readonly #core: Core;
  #commit: number | undefined;
  #at = 0;
  /** When the first of what was seen expires. */
  #expires = Infinity;
  readonly #reads: Map<string, LocalEntry | undefined> = new Map();
  readonly #ranges: PathRange[] = [];
  /** What was read is not so any more. */
  isStale = false;

  /** Of no commit yet: the first read decides. */
  constructor(core: Core) {
    this.#core = core;
  }

  /** The moment by which expiry is judged. */
  get at(): number {
    return this.#at;
  }

  /** Whether a row is there as of the snapshot. */
  isLive(row: Row | undefined): row is Row {
    if (!isLive(row, this.#at)) return false;
    this.#sawUntil(row.expiresAt);
    return true;
  }

  /** What stands under a path. */
  async read(path: string): Promise<Seen> {
    const core = this.#core;
    if (core.behind.isPending) await core.behind.flush();
    let reading = await core.store.read([path], { gone: true });
    // An answer that was overtaken by a newer one says nothing about the snapshot.
    while (reading.head.commit < (this.#commit ?? 0)) reading = await core.store.read([path], { gone: true });
    this.#moveTo(reading.head.commit);
    // Read twice, it is the same twice, though it may have gone from memory meanwhile.
    const local = this.#reads.has(path) ? this.#reads.get(path) : core.ephemeral.get(path, this.#at);
    this.#reads.set(path, local);
    if (local !== undefined) this.#sawUntil(local.expiresAt);
    return { slot: reading.slots.get(path)!, local };
  }

  /** From here on the whole range counts as read. */
  async begin(prefix: string): Promise<void> {
    if (this.#core.behind.isPending) await this.#core.behind.flush();
    this.#ranges.push({ prefix });
  }

  /** A page of a range that was begun. */
  async page(options: Omit<PageOptions, "exact">): Promise<Page> {
    for (;;) {
      const page = await this.#core.store.page({ ...options, exact: true });
      if (page.head.commit < (this.#commit ?? 0)) continue;
      this.#moveTo(page.head.commit);
      return page;
    }
  }

  /** Gives up: the function runs again. */
  fail(): never {
    this.isStale = true;
    throw new StateError("STATE_CONFLICT", "Cannot go on with the transaction: what it read has changed; it runs again", { details: {} });
  }

  /** Whether what was read is still so, as an operation in the queue sees it. */
  isCurrent(draft: Draft): boolean {
    const since = this.#commit;
    if (since === undefined) return true;
    const now = this.#core.now();
    const unsettled = this.#core.unsettled.get(draft.attempt);
    return ![...this.#reads].some(([path, seen]) =>
      draft.changedSince(path, since) || unsettled?.has(path) || this.#core.ephemeral.get(path, now)?.revision !== seen?.revision
    ) && !this.#ranges.some((range) => draft.rangeChangedSince(range, since));
  }

  /** Whether what was read is still so. */
  async holds(signal: AbortSignal | undefined): Promise<boolean> {
    if (this.#commit === undefined) return true;
    return await this.#core.commit({ verb: "transaction", paths: [], bytes: 0, run: (draft) => this.isCurrent(draft) }, signal);
  }

  #moveTo(commit: number): void {
    const since = this.#commit;
    if (commit === since) return;
    const { recent } = this.#core.store.view;
    const now = Math.max(this.#at, this.#core.now());
    const isChanged = since !== undefined &&
      ([...this.#reads.keys()].some((path) => recent.changedSince(path, since)) ||
        this.#ranges.some((range) => recent.rangeChangedSince(range, since)));
    if (isChanged || now >= this.#expires) this.fail();
    this.#commit = commit;
    this.#at = now;
  }

  /** 0: for ever. */
  #sawUntil(expiresAt: number): void {
    if (expiresAt > 0) this.#expires = Math.min(this.#expires, expiresAt);
  }
}
