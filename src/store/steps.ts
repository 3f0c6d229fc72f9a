/**
 * Commits that are too large for one batch: their changes stand in pieces, written beforehand; the record that names them is
 * the commit point; the rows follow in bounded steps, each a batch that checks the head. Until the last step readers overlay
 * the pieces, and writers bring them in before they add to the log.
 *
 * @module
 */
import type { Digester } from "../digest.ts";
import { isStateError } from "../errors.ts";
import { formatRows } from "./compose.ts";
import { type ObjectRef, parseChange, payloadSeal, type SealedChange } from "./change.ts";
import { dropped, formatHead, type Head, Overtaken, parseHead } from "./head.ts";
import { loadObject, type ObjectParts } from "./objects.ts";
import { slotAfter } from "./operation.ts";
import type { Paths } from "./paths.ts";
import type { Port } from "./port.ts";
import { covers, type PathRange } from "./recent.ts";
import { type ChangeSetRef, parseRecord } from "./record.ts";
import type { Slot } from "./row.ts";
import { corrupt, type Seal } from "./seal.ts";
import type { View } from "./view.ts";

/** What reading change sets takes. */
export interface StepParts {
  readonly port: Port;
  readonly paths: Paths;
  readonly seal: Seal;
  readonly digester: Digester;
}

/** One piece of a change set: its changes are sorted by path, and so are the pieces. */
export interface PieceRef extends ObjectRef {
  readonly firstPath: string;
}

/** The pieces of a change set as they are stored, in a list of their own. */
export function formatList(pieces: readonly PieceRef[]): string {
  return JSON.stringify(pieces.map(({ name, pieces, bytes, firstPath }) => [name, pieces, bytes, firstPath]));
}

/** A piece as it is stored: two lines a change. */
export function formatPiece(changes: readonly SealedChange[]): string {
  return changes.map(({ header, payload }) => `${header}\n${payload}`).join("\n");
}

/** The pieces of a change set; `undefined` where it is gone. */
export async function loadList(set: ChangeSetRef, parts: ObjectParts): Promise<readonly PieceRef[] | undefined> {
  const bytes = await loadObject(set.list, parts.port, parts.paths, parts.digester);
  if (bytes === undefined) return undefined;
  const list = JSON.parse(new TextDecoder().decode(bytes)) as [string, number, number, string][];
  return list.map(([name, pieces, bytes, firstPath]) => ({ name, pieces, bytes, firstPath }));
}

/** The changes of a piece; `undefined` where it is gone. */
export async function loadPiece(ref: PieceRef, parts: ObjectParts & { readonly seal: Seal }): Promise<readonly SealedChange[] | undefined> {
  const bytes = await loadObject(ref, parts.port, parts.paths, parts.digester);
  if (bytes === undefined) return undefined;
  const lines = new TextDecoder().decode(bytes).split("\n");
  const changes: SealedChange[] = [];
  const digests: string[] = [];
  for (let i = 0; i + 1 < lines.length; i += 2) {
    const { change, digest } = parseChange(lines[i]!, lines[i + 1]!, `the object "${ref.name}"`);
    changes.push(change);
    digests.push(digest);
  }
  const found = await parts.seal(changes.map(payloadSeal));
  if (found.some((digest, i) => digest !== digests[i])) {
    throw corrupt(`the object "${ref.name}"`, "a payload in it does not fit", undefined, ref.name);
  }
  return changes;
}

/** A commit that is not wholly brought in. */
interface Pending {
  readonly commit: number;
  readonly at: number;
  readonly pieces: readonly PieceRef[];
}

/** Reads and brings in the one commit that may be pending. */
export class Steps {
  readonly #parts: StepParts;
  #pending: Pending | undefined;
  #piece: { readonly name: string; readonly changes: readonly SealedChange[] } | undefined;

  /** Knows of nothing pending. */
  constructor(parts: StepParts) {
    this.#parts = parts;
  }

  /** The slot that the pending commit gives a path; `undefined`: it does not touch it, or its row already stands. */
  async overlay(head: Head, path: string): Promise<Slot | undefined> {
    const { commit, at, pieces } = await this.#open(head);
    let low = 0;
    let high = pieces.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (pieces[middle]!.firstPath <= path) low = middle + 1;
      else high = middle;
    }
    if (low === 0 || low - 1 < head.step) return undefined;
    const change = (await this.#load(head, pieces[low - 1]!)).find((one) => one.path === path);
    return change === undefined ? undefined : slotAfter(change, commit, at);
  }

  /** The slots that the pending commit gives the paths of a range and that do not stand yet. */
  async overlayRange(head: Head, range: PathRange): Promise<Map<string, Slot>> {
    const { commit, at, pieces } = await this.#open(head);
    const slots = new Map<string, Slot>();
    for (let i = head.step; i < pieces.length; i++) {
      const next = pieces[i + 1]?.firstPath;
      const low = range.from ?? range.prefix;
      if (next !== undefined && next <= low) continue;
      const changes = await this.#load(head, pieces[i]!);
      for (const change of changes) if (covers(range, change.path)) slots.set(change.path, slotAfter(change, commit, at));
      const last = changes.at(-1)!.path;
      if (!last.startsWith(range.prefix) && last > range.prefix) break;
    }
    return slots;
  }

  /** Brings in what is pending, together with whoever else does. The number of steps taken. */
  async apply(view: View): Promise<number> {
    let taken = 0;
    while (view.head.applied < view.head.commit) {
      try {
        if (await this.#step(view)) taken++;
        else await view.look();
      } catch (error) {
        if (!(error instanceof Overtaken)) throw error;
        await view.look();
      }
    }
    return taken;
  }

  /** Brings in the next piece. False: somebody else did. */
  async #step(view: View): Promise<boolean> {
    const { port, paths, seal } = this.#parts;
    const { head, text } = view;
    const { commit, at, pieces } = await this.#open(head);
    const changes = await this.#load(head, pieces[head.step]!);
    const slots = new Map(changes.map((change) => [change.path, slotAfter(change, commit, at)]));
    const rows = await formatRows(slots, paths, seal, (path) => slots.get(path)!.row!.previous > 0);
    const isLast = head.step + 1 === pieces.length;
    const next: Head = isLast ? { ...head, applied: commit, step: 0 } : { ...head, step: head.step + 1 };
    const nextText = await formatHead(next, seal);
    const kept = new Set(rows.set.map(([key]) => key));
    const expired = changes.filter(({ expiredAt }) => expiredAt > 0).map(({ expiredAt, path }) => paths.expiry(expiredAt, path));
    const remove = [...rows.remove, ...expired.filter((key) => !kept.has(key))];
    const checks = [{ key: paths.head, is: text }];
    const batch = { checks, set: [...rows.set, [paths.head, nextText] as const], remove, durable: false };
    let written = false;
    try {
      written = await port.commit(batch);
    } catch (error) {
      if (isStateError(error)) throw error;
      // It may stand, or, where the driver broke its word, only some of it: written again it stands whole.
      written = await port.repeat(batch) ||
        await port.repeat({ checks: [{ key: paths.head, is: nextText }], set: rows.set, remove, durable: false });
    }
    if (written) await view.adopt(next, nextText);
    return written;
  }

  /**
   * Proves that the rows of the last step stand, where the newest commit came in pieces; writes them if not. They are part of
   * its batch, so they always stand, unless the driver broke its word. The number of steps completed.
   */
  async complete({ head, text }: View): Promise<number> {
    const { port, paths, seal } = this.#parts;
    const { commit, at, pieces } = await this.#open(head);
    const last = head.applied < commit ? head.step - 1 : pieces.length - 1;
    if (last < 0) return 0;
    const slots = new Map((await this.#load(head, pieces[last]!)).map((change) => [change.path, slotAfter(change, commit, at)]));
    const rows = await formatRows(slots, paths, seal, () => true);
    const found = await port.getMany([...rows.set.map(([key]) => key), ...rows.remove]);
    if (rows.set.every(([, value], i) => found[i] === value) && found.slice(rows.set.length).every((value) => value === undefined)) {
      return 0;
    }
    await port.repeat({ checks: [{ key: paths.head, is: text }], ...rows, durable: true });
    return 1;
  }

  async #open(head: Head): Promise<Pending> {
    if (this.#pending?.commit === head.commit) return this.#pending;
    const { port, paths, seal } = this.#parts;
    const [stored] = await port.getMany([paths.log(head.first)]);
    const record = stored === undefined ? undefined : await parseRecord(stored, head.first, seal);
    const set = record?.commits.at(-1)?.set;
    const pieces = set === undefined ? undefined : await loadList(set, this.#parts);
    if (record?.digest !== head.digest || pieces === undefined || pieces.length === 0) {
      throw await this.#missing(head, `commit ${head.commit}`, "the head says that it stands in pieces, and they are not there");
    }
    return this.#pending = { commit: head.commit, at: record.at, pieces };
  }

  /** Something that the head implies is missing: because the head has moved on, or because it is lost. */
  async #missing(head: Head, what: string, why: string): Promise<Error> {
    const { port, paths, seal } = this.#parts;
    const [text] = await port.getMany([paths.head]);
    const now = text === undefined ? undefined : await parseHead(text, seal);
    if (now?.id !== head.id) return dropped();
    return now.applied > head.applied ? new Overtaken() : corrupt(what, why, head.commit);
  }

  async #load(head: Head, ref: PieceRef): Promise<readonly SealedChange[]> {
    if (this.#piece?.name !== ref.name) {
      const changes = await loadPiece(ref, this.#parts);
      if (changes === undefined) throw await this.#missing(head, `the object "${ref.name}"`, "it is missing");
      this.#piece = { name: ref.name, changes };
    }
    return this.#piece.changes;
  }
}
