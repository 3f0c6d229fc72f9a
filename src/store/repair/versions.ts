/**
 * What the records that prove themselves say of each entry.
 *
 * @module
 */
import type { ObjectRef, SealedChange } from "../change.ts";
import { slotAfter } from "../operation.ts";
import type { Paths } from "../paths.ts";
import { parseRecord } from "../record.ts";
import type { Slot } from "../row.ts";
import type { Seal } from "../seal.ts";
import type { PieceRef } from "../steps.ts";
import type { FoundRecord, History } from "./history.ts";
import type { Objects } from "./objects.ts";
import { attempt, type Source } from "./source.ts";

/** One change of an entry. */
export interface Version {
  readonly commit: number;
  readonly record: FoundRecord;
  /** The object that its value stands in. */
  readonly object: ObjectRef | undefined;
  /** Where the change stands, if not in the record itself. */
  readonly piece: PieceRef | undefined;
  /** Which of the commit's pieces that is. */
  readonly step: number;
}

/** What reading versions takes. */
export interface VersionsParts {
  readonly source: Source;
  readonly paths: Paths;
  readonly seal: Seal;
  readonly objects: Objects;
}

/** What the log says of each entry. */
export class Versions {
  readonly #parts: VersionsParts;
  readonly #versions: Map<string, Version[]> = new Map();
  /** The record or piece that was read last, by its first commit or its name. */
  #last: { readonly of: number | string; readonly changes: readonly (SealedChange & { readonly commit: number })[] } | undefined;
  /** Commits that say that their changes stand elsewhere, and some of them cannot be read there. */
  readonly unread: Set<number> = new Set();
  /** The objects that a record names: lists and pieces, and what nothing names any more once it stands. */
  readonly named: Map<FoundRecord, { readonly own: readonly ObjectRef[]; readonly drops: readonly ObjectRef[] }> = new Map();

  private constructor(parts: VersionsParts) {
    this.#parts = parts;
  }

  /** Reads the changes of all records. `isDone`: what a change set of so old a commit names may be gone. */
  static async read(history: History, isDone: (commit: number) => boolean, parts: VersionsParts): Promise<Versions> {
    const versions = new Versions(parts);
    for (const record of history.records) await versions.#take(record, isDone);
    return versions;
  }

  /** The paths that were changed, in order. */
  get paths(): readonly string[] {
    return [...this.#versions.keys()].sort();
  }

  /** The changes of an entry, newest first. */
  of(path: string): readonly Version[] {
    return this.#versions.get(path) ?? [];
  }

  /** What an entry was after a change; `undefined`: it cannot be read any more. */
  async load(path: string, { commit, record, piece }: Version): Promise<Slot | undefined> {
    const of = piece?.name ?? record.first;
    if (this.#last?.of !== of) {
      const changes = piece === undefined ? await this.#changesOf(record) : await this.#parts.objects.changes(piece);
      if (changes === undefined) return undefined;
      this.#last = { of, changes: changes.map((change) => ({ commit, ...change })) };
    }
    const found = this.#last.changes.find((change) => change.path === path && (piece !== undefined || change.commit === commit));
    if (found === undefined) return undefined;
    const { commit: _, ...change } = found;
    return slotAfter(change, commit, record.at);
  }

  async #take(record: FoundRecord, isDone: (commit: number) => boolean): Promise<void> {
    const { objects } = this.#parts;
    const own: ObjectRef[] = [];
    const drops: ObjectRef[] = [];
    for (const { number, changes, set } of record.commits) {
      for (const { path, object, drops: dropped } of changes) {
        this.#add(path, { commit: number, record, object, piece: undefined, step: 0 });
        drops.push(...dropped);
      }
      if (set === undefined) continue;
      own.push(set.list);
      const pieces = await objects.list(set);
      if (pieces === undefined && !(isDone(number) && await objects.judge(set.list) === "missing")) this.unread.add(number);
      for (const [step, piece] of (pieces ?? []).entries()) {
        own.push(piece);
        const found = await objects.changes(piece);
        if (found === undefined && !(isDone(number) && await objects.judge(piece) === "missing")) this.unread.add(number);
        for (const change of found ?? []) {
          this.#add(change.path, { commit: number, record, object: change.object, piece, step });
          drops.push(...change.drops);
        }
      }
    }
    this.named.set(record, { own, drops });
  }

  #add(path: string, version: Version): void {
    const versions = this.#versions.get(path);
    if (versions === undefined) this.#versions.set(path, [version]);
    else versions.unshift(version);
  }

  async #changesOf({ first, digest, text }: FoundRecord): Promise<readonly (SealedChange & { readonly commit: number })[] | undefined> {
    const { source, paths, seal } = this.#parts;
    const [found = []] = text === undefined ? await source.getMany([paths.log(first)]) : [[{ value: text }]];
    for (const { value } of found) {
      const record = await attempt(() => parseRecord(value, first, seal));
      if (record?.digest !== digest) continue;
      return record.commits.flatMap(({ changes }, i) => changes.map((change) => ({ ...change, commit: first + i })));
    }
    return undefined;
  }
}
