/**
 * What a transaction's function sees: a snapshot, with its own writes over it.
 *
 * @module
 */
import { checkRevision, conflict, type Core, expiryOf, kindOf, type Target } from "./core.ts";
import { DELETE, type Entry, type EntryOptions, type Precondition } from "./entry.ts";
import { targetAt } from "./listing.ts";
import { type Listing, PAGE } from "./listing_options.ts";
import { decode, encodePresent, GONE } from "./payload.ts";
import { entryOf, localEntryOf } from "./reads.ts";
import { Snapshot } from "./snapshot.ts";
import { initialOf } from "./update.ts";
import { prepareSave, type Saving } from "./writes.ts";

/** What a transaction will write under a path. */
export interface Write {
  readonly target: Target;
  /** `undefined`: delete. */
  readonly saving: Saving | undefined;
  readonly at: number;
}

/** A snapshot with writes over it that are not committed. Its verbs are the state's, inside the transaction. */
export class WorkingCopy {
  readonly #core: Core;
  /** Throws once the function has returned. */
  readonly #enter: () => void;
  readonly snapshot: Snapshot;
  /** By path. */
  readonly writes: Map<string, Write> = new Map();

  /** Nothing is read and nothing written yet. */
  constructor(core: Core, enter: () => void) {
    this.#core = core;
    this.#enter = enter;
    this.snapshot = new Snapshot(core);
  }

  async entry(target: Target): Promise<Entry | undefined> {
    const core = this.#core;
    const written = this.writes.get(target.path);
    if (written !== undefined) return await this.#ownEntry(written);
    const { slot, local } = await this.snapshot.read(target.path);
    if (local !== undefined) return await localEntryOf(target, local, core);
    if (!this.snapshot.isLive(slot.row)) return undefined;
    const entry = await entryOf(target, slot.row, core);
    if (entry !== GONE) return entry;
    // Replaced since, or else the next run finds out that it is missing.
    core.store.view.cache.delete(target.path);
    return this.snapshot.fail();
  }

  /** What the transaction itself wrote: not committed yet. */
  async #ownEntry({ target, saving, at }: Write): Promise<Entry | undefined> {
    if (saving === undefined) return undefined;
    const { schema } = await saving.draft;
    const { encoded, expiresAt, content } = saving;
    const { last } = await this.#stored(target);
    const local = { ...encoded, revision: last + 1, createdAt: at, updatedAt: at, expiresAt, class: "ephemeral" as const, content, schema };
    return { ...await localEntryOf(target, local, this.#core), class: saving.class };
  }

  /** What is stored, whatever the transaction wrote: the revision that is visible (`null`: absent), and the last one there was. */
  async #stored({ path }: Target): Promise<{ readonly visible: number | null; readonly last: number }> {
    const { slot, local } = await this.snapshot.read(path);
    const visible = local?.revision ?? (this.snapshot.isLive(slot.row) ? slot.row.revision : null);
    return { visible, last: Math.max(0, slot.revision, local?.revision ?? 0, this.#core.ephemeral.lastRevision(path)) };
  }

  /** The revision that the transaction sees; `null`: absent. Its writes of a key are one write. */
  async #visible(target: Target): Promise<number | null> {
    const written = this.writes.get(target.path);
    const { visible, last } = await this.#stored(target);
    return written === undefined ? visible : written.saving === undefined ? null : last + 1;
  }

  async #check(target: Target, { ifRevision }: Precondition): Promise<void> {
    const expected = checkRevision(ifRevision);
    if (expected === undefined) return;
    const visible = await this.#visible(target);
    if (visible !== expected) throw conflict(target, expected, visible);
  }

  async save(target: Target, value: unknown, options: Precondition & EntryOptions, kept = 0): Promise<void> {
    const core = this.#core;
    core.checkWritable();
    const kind = kindOf(target, options, core);
    const encoded = encodePresent(value, target, core);
    const saving = prepareSave(target, encoded, kind, expiryOf(options, core.now()) || kept, core);
    await Promise.all([saving.draft, this.#check(target, options)]);
    this.#write({ target, saving, at: core.now() });
  }

  async delete(target: Target, options: Precondition): Promise<boolean> {
    this.#core.checkWritable();
    await this.#check(target, options);
    const visible = await this.#visible(target);
    this.#write({ target, saving: undefined, at: this.#core.now() });
    return visible !== null;
  }

  #write(write: Write): void {
    this.#enter();
    this.writes.set(write.target.path, write);
  }

  async update(
    target: Target,
    fn: (current: unknown) => unknown,
    options: Precondition & EntryOptions & { readonly initial?: unknown },
  ): Promise<unknown> {
    const initial = initialOf(options, this.#core);
    await this.#check(target, options);
    const entry = await this.entry(target);
    const result = await this.#core.guard.run(() => fn(entry === undefined ? initial() : entry.value));
    if (result === undefined) {
      throw new TypeError(`Cannot update "${target.key}": the function returned undefined; return DELETE to delete it`);
    }
    if (result === DELETE) {
      await this.delete(target, {});
      return undefined;
    }
    const { ifRevision: _, initial: __, ...rest } = options;
    await this.save(
      target,
      result,
      { class: entry?.class, content: entry?.content, ...rest } as EntryOptions,
      entry?.expiresAt?.getTime() ?? 0,
    );
    const { saving } = this.writes.get(target.path)!;
    return decode(saving!.encoded);
  }

  async clear(listing: Listing): Promise<number> {
    let cleared = 0;
    const targets: Target[] = [];
    for await (const { target } of this.#items(listing)) targets.push(target);
    for (const target of targets) if (await this.delete(target, {})) cleared++;
    return cleared;
  }

  async *keys(listing: Listing): AsyncGenerator<string> {
    for await (const { target } of this.#items(listing)) yield target.key;
  }

  async *entries(listing: Listing): AsyncGenerator<Entry> {
    for await (const { target } of this.#items(listing)) {
      const entry = await this.entry(target);
      if (entry !== undefined) yield entry;
    }
  }

  /** What the range holds as of the snapshot, with the transaction's own writes in it. */
  async *#items(listing: Listing): AsyncGenerator<{ readonly target: Target }> {
    this.#enter();
    const core = this.#core;
    const { scope, prefix, reverse } = listing;
    await this.snapshot.begin(prefix);
    let left = listing.limit;
    for (let after = listing.after; left > 0;) {
      const page = await this.snapshot.page({ prefix, after, limit: left === Infinity ? PAGE : left, reverse });
      this.#enter();
      const paths = new Set(page.rows.filter((row) => this.snapshot.isLive(row)).map((row) => row.path));
      const isInPage = (path: string) =>
        path.startsWith(prefix) && (after === undefined || (reverse ? path < after : path > after)) &&
        (page.next === undefined || (reverse ? path >= page.next : path <= page.next));
      for (const path of core.ephemeral.paths(prefix, this.snapshot.at)) if (isInPage(path)) paths.add(path);
      for (const [path, { saving }] of this.writes) {
        if (!isInPage(path)) continue;
        if (saving === undefined) paths.delete(path);
        else paths.add(path);
      }
      for (const path of [...paths].sort((a, b) => (a < b) === reverse ? 1 : -1)) {
        if (left-- <= 0) return;
        yield { target: targetAt(scope, path) };
      }
      if (page.next === undefined) return;
      after = page.next;
    }
  }
}
