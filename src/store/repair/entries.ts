/**
 * What each entry is: the newest of its row, what is left of it, and what the log says, that proves itself.
 *
 * @module
 */
import { formatRows } from "../compose.ts";
import { rowBytes } from "../operation.ts";
import { isCallers, type Paths } from "../paths.ts";
import type { Stored } from "../port.ts";
import { parseGone, parseRow, type Slot, slotOf } from "../row.ts";
import type { Seal } from "../seal.ts";
import { mendExpiries } from "./expiries.ts";
import type { History } from "./history.ts";
import type { Objects } from "./objects.ts";
import { attempt, everything, type Found, type Sink, type Source, Walk } from "./source.ts";
import type { Version, Versions } from "./versions.ts";

/** What looking at entries takes. */
export interface EntriesParts {
  readonly source: Source;
  readonly sink: Sink;
  readonly paths: Paths;
  readonly seal: Seal;
  readonly objects: Objects;
  readonly history: History;
  readonly versions: Versions;
  /** A commit whose rows do not all stand, and need not from this piece on. */
  readonly pending: { readonly commit: number; readonly step: number } | undefined;
  /** What so old a commit wrote, and a later one replaced, may be gone. */
  readonly isDone: (commit: number) => boolean;
  /** What seems to be of a newer format may be just that. */
  readonly isStrict: boolean;
}

/** What an entry may be. */
interface Candidate {
  readonly commit: number;
  readonly slot: Slot | undefined;
  readonly found: Found | undefined;
  readonly version: Version | undefined;
}

/** What is known of a commit by something damaged that it wrote. */
interface Hint {
  readonly commit: number | undefined;
  readonly isRow: boolean;
}

/** All that was found of an entry. */
interface Gathered {
  readonly candidates: readonly Candidate[];
  readonly hints: readonly Hint[];
  readonly broken: readonly Found[];
}

/** What an entry is. */
interface Picked {
  readonly picked: Candidate | undefined;
  readonly slot: Slot | undefined;
  /** Rows whose values cannot be read. */
  readonly unread: readonly Found[];
  /** Commits of which a value is lost. */
  readonly lost: number[];
}

/** Looks at the entries of a namespace, and sees to it that they stand as they must. */
export class Entries {
  readonly #parts: EntriesParts;
  /** Whole rows that stand under another entry's key. */
  readonly #displaced: Map<string, Found[]> = new Map();
  /** Commits of which an entry is lost, by its path. */
  readonly #lost: Map<string, readonly number[]> = new Map();
  /** When entries expire, by their path. */
  readonly #expiring: Map<string, number> = new Map();
  readonly #pending: Set<string> = new Set();
  /** The objects that values stand in. */
  readonly named: Set<string> = new Set();
  readonly figures: { entries: number; valueBytes: number; objectBytes: number } = { entries: 0, valueBytes: 0, objectBytes: 0 };
  /** Something stands as it must not. */
  isDamaged = false;
  /** Revisions may be lost. */
  isForgetful = false;
  /** The newest commit that an entry names, and when that was. */
  newest = 0;
  at = 0;

  /** None was looked at. */
  constructor(parts: EntriesParts) {
    this.#parts = parts;
  }

  /** Commits of which something is lost. */
  get lost(): ReadonlySet<number> {
    return new Set([...this.#lost.values()].flat());
  }

  /** Looks at all entries in order, then at those whose row stood elsewhere. */
  async look(): Promise<void> {
    const { source, paths, versions } = this.#parts;
    const rows = new Walk(everything(source, paths.rows), paths.rows);
    const rests = new Walk(everything(source, paths.rests), paths.rests);
    const said = versions.paths;
    let at = 0;
    await rows.next();
    await rests.next();
    for (;;) {
      const path = least(rows.path, rests.path, said[at]);
      if (path === undefined) break;
      await this.#settle(path, rows.at(path), rests.at(path));
      if (rows.path === path) await rows.next();
      if (rests.path === path) await rests.next();
      if (said[at] === path) at++;
    }
    for (const path of this.#displaced.keys()) {
      const [row = [], rest = []] = await source.getMany([paths.row(path), paths.gone(path)]);
      await this.#settle(path, row, rest);
    }
    this.isDamaged = await mendExpiries(this.#expiring, this.#pending, this.#parts) || this.isDamaged;
  }

  /** Sees to it that an entry stands as the newest that is known of it. */
  async #settle(path: string, rows: readonly Found[], rests: readonly Found[]): Promise<void> {
    const { versions, pending } = this.#parts;
    const { candidates, hints, broken } = await this.#gather(path, rows, rests);
    const { picked, slot, unread, lost } = await this.#pick(path, candidates);
    for (const { commit, isRow } of hints) {
      const isNewer = commit !== undefined && commit > (picked?.commit ?? 0);
      if (isNewer && (isRow || picked !== undefined) && this.#mayHaveWritten(commit, path)) lost.push(commit);
      // What the log says last is as new as anything was; else there may have been more.
      if (picked === undefined || versions.of(path)[0]?.commit !== picked.commit) this.isForgetful = true;
    }
    if (lost.length > 0) this.#lost.set(path, lost);
    else this.#lost.delete(path);
    if (slot !== undefined) this.#count(path, slot);
    const isRow = slot?.row !== undefined;
    const isHere = picked?.found?.stands === true && (isRow ? rows : rests).includes(picked.found);
    if (isHere && !(isRow ? rests : rows).some(({ stands }) => stands)) return;
    if (picked === undefined && ![...rows, ...rests].some(({ stands }) => stands)) return;
    const isPending = pending !== undefined && picked?.commit === pending.commit && (picked.version?.step ?? 0) >= pending.step;
    if (isPending && broken.length === 0) this.#pending.add(path);
    else this.isDamaged = true;
    await this.#mend(path, slot, picked?.found, { rows, rests }, [...broken, ...unread]);
  }

  /** What an entry may be, newest first; and what was found of it that proves nothing. */
  async #gather(path: string, rows: readonly Found[], rests: readonly Found[]): Promise<Gathered> {
    const { versions, isStrict, seal } = this.#parts;
    const candidates: Candidate[] = versions.of(path).map((version) => ({
      commit: version.commit,
      slot: undefined,
      found: undefined,
      version,
    }));
    const hints: Hint[] = [];
    const broken: Found[] = [];
    for (const found of [...rows, ...this.#displaced.get(path) ?? []]) {
      const row = await attempt(() => parseRow(found.value, path, seal), isStrict);
      if (row !== undefined) {
        candidates.push({ commit: row.commit, slot: slotOf(row), found, version: undefined });
        continue;
      }
      broken.push(found);
      if (!await this.#isAnother(found, path)) hints.push({ commit: numberIn(/^R\d+\n\[(\d{1,16}),/, found.value), isRow: true });
    }
    for (const found of rests) {
      const slot = await attempt(() => parseGone(found.value, path, seal), isStrict);
      if (slot !== undefined) {
        candidates.push({ commit: slot.commit, slot, found, version: undefined });
        continue;
      }
      broken.push(found);
      hints.push({ commit: numberIn(/^G\d+\n\[\d{1,16},(\d{1,16}),/, found.value), isRow: false });
    }
    // Of the same commit what stands comes first: then nothing needs to be done.
    const standsFirst = ({ found }: Candidate) => found === undefined ? 2 : found.stands ? 0 : 1;
    candidates.sort((a, b) => b.commit - a.commit || standsFirst(a) - standsFirst(b));
    return { candidates, hints, broken };
  }

  /** The newest that can be read. */
  async #pick(path: string, candidates: readonly Candidate[]): Promise<Picked> {
    const { objects, versions, history, isDone } = this.#parts;
    const lost: number[] = [];
    const unread: Found[] = [];
    let slot: Slot | undefined;
    let picked: Candidate | undefined;
    for (const candidate of candidates) {
      const { commit, found, version } = candidate;
      this.newest = Math.max(this.newest, commit);
      if (picked !== undefined) {
        // Replaced: its value is history, as long as that is kept.
        const object = commit > history.horizon ? version?.object : undefined;
        const verdict = object === undefined ? "whole" : await objects.judge(object);
        if (verdict === "damaged" || verdict === "missing" && !isDone(commit)) lost.push(commit);
        continue;
      }
      // The chain covers what a value's own digest does not, such as its revision; so does the name of a piece.
      const isProven = version?.record.isCovered === true || version?.piece !== undefined;
      const read = candidate.slot ?? (isProven ? await versions.load(path, version!) : undefined);
      const object = read?.row?.object;
      if (read === undefined || object !== undefined && await objects.judge(object) !== "whole") {
        lost.push(commit);
        if (found !== undefined) unread.push(found);
      } else [picked, slot] = [candidate, read];
    }
    return { picked, slot, unread, lost };
  }

  /** Sets aside what proves nothing, then puts what must stand. */
  async #mend(
    path: string,
    slot: Slot | undefined,
    found: Found | undefined,
    { rows, rests }: { readonly rows: readonly Found[]; readonly rests: readonly Found[] },
    worthless: readonly Found[],
  ): Promise<void> {
    const { sink, paths, seal } = this.#parts;
    for (const [key, all] of [[paths.row(path), rows], [paths.gone(path), rests]] as const) {
      for (const found of all) if (found.stands && worthless.includes(found)) await sink.aside(key, found.value);
    }
    if (slot === undefined) {
      for (const key of [paths.row(path), paths.gone(path)]) await sink.remove(key);
      return;
    }
    const place = (slot.row === undefined ? rests : rows).indexOf(found!);
    if (place >= 0) await sink.choose(slot.row === undefined ? paths.gone(path) : paths.row(path), place, found!.value);
    else {
      const { set } = await formatRows(new Map([[path, slot]]), paths, seal, () => false);
      await sink.put(...set[0]!);
    }
    await sink.remove(slot.row === undefined ? paths.row(path) : paths.gone(path));
  }

  #count(path: string, slot: Slot): void {
    const { row } = slot;
    this.#expiring.delete(path);
    if (row === undefined) return;
    this.at = Math.max(this.at, row.at);
    if (row.expiresAt > 0) this.#expiring.set(path, row.expiresAt);
    this.figures.entries += Number(isCallers(path));
    this.figures.valueBytes += rowBytes(slot);
    if (row.object === undefined) return;
    this.figures.objectBytes += row.object.bytes;
    this.named.add(row.object.name);
  }

  /** Whether what stands here is the whole row of another entry; then it is kept for that. */
  async #isAnother(found: Found, path: string): Promise<boolean> {
    const { seal } = this.#parts;
    const other = typeof found.value === "string" ? /^R\d+\n[^\n]*\n[^\n]*\n\["([^"\n]+)"/.exec(found.value)?.[1] : undefined;
    if (other === undefined || other === path) return false;
    if (await attempt(() => parseRow(found.value, other, seal)) === undefined) return false;
    this.#displaced.set(other, [...this.#displaced.get(other) ?? [], { ...found, stands: false }]);
    return true;
  }

  /** A record that proves itself and does not name the entry says that its commit did not write it. */
  #mayHaveWritten(commit: number, path: string): boolean {
    const { history, versions } = this.#parts;
    if (commit > history.newest) return false;
    const isKnown = history.records.some(({ first, last }) => first <= commit && commit <= last);
    return !isKnown || versions.unread.has(commit) || versions.of(path).some((version) => version.commit === commit);
  }
}

/** The commit that something damaged says it is of, if it still does. */
function numberIn(pattern: RegExp, value: Stored): number | undefined {
  const digits = typeof value === "string" ? pattern.exec(value)?.[1] : undefined;
  return digits === undefined ? undefined : Number(digits);
}

function least(...paths: readonly (string | undefined)[]): string | undefined {
  return paths.reduce((low, path) => path !== undefined && (low === undefined || path < low) ? path : low, undefined);
}
