/**
 * Committing what one batch cannot hold, in flat memory: what the commit names is written beforehand, announced by a stage
 * that the commit takes away; a stage that stays behind tells housekeeping what nobody will ever name.
 *
 * @module
 */
import type { Digester } from "../digest.ts";
import { toHex } from "../digest.ts";
import { StateError } from "../errors.ts";
import { type CommitDraft, type Composed, composeRecord, costOf } from "./compose.ts";
import type { Land } from "./committer.ts";
import { formatHead, type Head } from "./head.ts";
import { draftObject, type ObjectDraft, objectKeys } from "./objects.ts";
import { type ChangeDraft, isCritical, rowBytes, sealChanges, slotAfter, type WideOperation } from "./operation.ts";
import { isCallers, type Paths } from "./paths.ts";
import type { Port, Stored } from "./port.ts";
import { formatRecord } from "./record.ts";
import { checkChange, type ObjectRef } from "./change.ts";
import type { Page, PageOptions } from "./page.ts";
import type { Seal } from "./seal.ts";
import { formatList, formatPiece, type PieceRef } from "./steps.ts";
import type { View } from "./view.ts";

/** What wide commits take. */
export interface WideParts {
  readonly port: Port;
  readonly paths: Paths;
  readonly seal: Seal;
  readonly digester: Digester;
  readonly view: View;
  readonly now: () => number;
  readonly random: (bytes: number) => Uint8Array;
  readonly txid: () => string;
  /** A page as of a head that it names. */
  readonly page: (options: Omit<PageOptions, "exact">) => Promise<Page>;
}

/** What the committer does for a wide commit. */
export interface Committing {
  readonly land: Land;
  readonly applySteps: () => Promise<void>;
  readonly pause: (attempt: number) => Promise<void>;
}

/** Bytes of changes that one piece holds at most, and that are held back before the first piece is written. */
const PIECE_BYTES = 256 * 1024;

/** What was scanned has changed. */
class Moved extends Error {}

/** How often a scan that still holds is tried against a head that moves. */
const LANDINGS = 50;

/** Scans, stages what does not fit, and lands the commit. Undefined: what was scanned has changed. */
export async function commitWide<R>(
  operation: WideOperation<R>,
  committing: Committing,
  parts: WideParts,
): Promise<{ readonly result: R } | undefined> {
  const { view } = parts;
  await view.look();
  const begun = view.head;
  if (view.text === undefined || begun.applied < begun.commit) return undefined;
  const at = Math.max(parts.now(), begun.at);
  const writer = new StageWriter(at, operation, parts);
  const seen = new Set<string>();
  const ranges = new Set<string>();
  /** Whether all that was scanned is still so. */
  const holds = (): boolean => {
    const { recent, head } = view;
    if (operation.isNumbered === true) return head.commit === begun.commit;
    return ![...seen].some((path) => recent.changedSince(path, begun.commit)) &&
      ![...ranges].some((prefix) => recent.rangeChangedSince({ prefix }, begun.commit));
  };
  const scan = operation.scan({
    attempt: writer,
    commit: begun.commit + 1,
    at,
    changedSince: (path, since) => view.recent.changedSince(path, since),
    rangeChangedSince: (range, since) => view.recent.rangeChangedSince(range, since),
    slots: async (paths, within) => {
      if (within === undefined) paths.forEach((path) => seen.add(path));
      else ranges.add(within);
      const { slots } = await view.read(paths, { gone: true });
      if (!holds()) throw new Moved();
      return slots;
    },
    page: async (options) => {
      ranges.add(options.prefix);
      const page = await parts.page(options);
      if (!holds()) throw new Moved();
      return page;
    },
  });
  try {
    let next = await scan.next();
    for (; !next.done; next = await scan.next()) await writer.add(next.value);
    for (let landing = 1; landing <= LANDINGS; landing++) {
      if (landing > 1) await committing.pause(landing);
      // Another writer's large commit comes first: its rows are what ours replace.
      await committing.applySteps();
      const { head, text } = view;
      if (!holds()) break;
      const composed = await writer.finish(head, text!);
      if (composed === undefined) {
        // Nothing changes; what is answered must be of the newest head all the same.
        await view.look();
        if (holds()) return { result: next.value };
        break;
      }
      if (await committing.land(composed)) return { result: next.value };
    }
    await writer.abandon();
    return undefined;
  } catch (error) {
    if (!(error instanceof StateError && error.code === "STATE_UNCERTAIN")) await writer.abandon();
    if (error instanceof Moved) return undefined;
    throw error;
  }
}

/** Collects changes; stages them once they are too many for a batch. */
class StageWriter {
  readonly #at: number;
  readonly #operation: WideOperation<unknown>;
  readonly #parts: WideParts;
  readonly #token: string;
  readonly #stage: string;
  #held: ChangeDraft[] = [];
  #heldOps = 8;
  #heldBytes = 2048;
  #pieces: PieceRef[] = [];
  #staged: string[] = [];
  #list: ObjectRef | undefined;
  #changes = 0;
  #announced = false;
  #isCritical = false;
  #objects = 0;
  /** What staged changes add to the head's figures. */
  readonly #figures = { entries: 0, valueBytes: 0, objectBytes: 0 };

  constructor(at: number, operation: WideOperation<unknown>, parts: WideParts) {
    this.#at = at;
    this.#operation = operation;
    this.#parts = parts;
    this.#token = toHex(parts.random(8));
    this.#stage = parts.paths.stage(at, this.#token);
  }

  async add(change: ChangeDraft): Promise<void> {
    const { supports } = this.#parts.port;
    this.#isCritical ||= isCritical(change);
    change = this.#named(checkChange(change));
    const { body } = change;
    // Its own object first, where that alone is too much for a batch that also holds the record.
    const own = body !== undefined && costOf(change).bytes > supports.batchBytes / 2 || (body?.pieces.length ?? 0) > supports.batchOps / 2;
    if (own) await this.#stageObject(body!);
    const { body: _, ...bare } = change;
    const kept: ChangeDraft = own ? bare : change;
    if (own) this.#figures.objectBytes += body!.ref.bytes;
    const cost = costOf(kept);
    // A piece is brought in by one batch: room for its rows, the head, and what they replace.
    const isFull = this.#heldOps + cost.ops > supports.batchOps || this.#heldBytes + cost.bytes > supports.batchBytes ||
      this.#heldBytes + cost.bytes > Math.max(PIECE_BYTES, 2 * cost.bytes);
    if (isFull && this.#held.length > 0) await this.#cut();
    this.#held.push(kept);
    this.#heldOps += cost.ops;
    this.#heldBytes += cost.bytes;
    this.#changes++;
  }

  /** The commit, ready to land; `undefined` if nothing changes. */
  async finish(head: Head, text: string): Promise<Composed | undefined> {
    if (this.#changes === 0) return undefined;
    const figured: Head = {
      ...head,
      entries: head.entries + this.#figures.entries,
      valueBytes: head.valueBytes + this.#figures.valueBytes,
      objectBytes: head.objectBytes + this.#figures.objectBytes,
    };
    const { supports } = this.#parts.port;
    const inline = this.#held.reduce((sum, change) => sum + costOf(change).inline, 2048);
    if (this.#pieces.length === 0 && inline <= supports.valueBytes) return this.#withStage(await this.#composeWhole(figured, text));
    if (this.#held.length > 0) {
      await this.#cut();
      return await this.finish(head, text);
    }
    return await this.#composeSet(figured, text);
  }

  /** Removes what was staged and will not be named. Best effort: the stage tells housekeeping. */
  async abandon(): Promise<void> {
    const { port } = this.#parts;
    if (this.#staged.length === 0) return;
    const room = Math.max(1, port.supports.batchOps - 1);
    try {
      for (let i = 0; i < this.#staged.length; i += room) {
        await port.commit({ checks: [], set: [], remove: this.#staged.slice(i, i + room), durable: false });
      }
      await port.commit({ checks: [], set: [], remove: [this.#stage], durable: false });
    } catch { /* Housekeeping finds the stage. */ }
  }

  async #composeWhole(head: Head, headText: string): Promise<Composed> {
    const { paths, seal, now, txid } = this.#parts;
    const draft: CommitDraft = { txid: txid(), verb: this.#operation.verb, changes: this.#held };
    return await composeRecord([draft], { head, headText, now: now(), paths, seal, durable: this.#isCritical });
  }

  async #composeSet(head: Head, headText: string): Promise<Composed> {
    const { paths, seal, txid } = this.#parts;
    const list = this.#list ??= await this.#stageList();
    const first = head.commit + 1;
    const at = Math.max(this.#at, head.at);
    const commits = [{ txid: txid(), op: this.#operation.verb, changes: [], set: { list, changes: this.#changes } }];
    const record = await formatRecord({ first, epoch: head.epoch, at, prev: head.digest, commits }, seal);
    const next: Head = {
      ...head,
      commit: first,
      first,
      digest: record.digest,
      at,
      applied: head.commit,
      step: 0,
      stepped: first,
      logBytes: head.logBytes + record.text.length,
    };
    const text = await formatHead(next, seal);
    const set = [[paths.log(first), record.text], [paths.head, text]] as const;
    const batch = { checks: [{ key: paths.head, is: headText }], set, remove: [], durable: this.#isCritical };
    return this.#withStage({ batch, head: next, text, commits, slots: new Map(), bytes: record.text.length });
  }

  /** Its object under a name that begins with the stage's token: there housekeeping finds what nobody came to name. */
  #named(change: ChangeDraft): ChangeDraft {
    if (change.body === undefined) return change;
    const { ref, pieces } = change.body;
    const name = `${this.#token}${(++this.#objects).toString(36)}-${ref.name.slice(ref.name.indexOf("-") + 1)}`;
    return { ...change, object: { ...ref, name }, body: { ref: { ...ref, name }, pieces } };
  }

  async #stageList(): Promise<ObjectRef> {
    const { port, digester } = this.#parts;
    const list = await draftObject(new TextEncoder().encode(formatList(this.#pieces)), this.#token, port, digester);
    await this.#stageObject(list);
    return list.ref;
  }

  /** A commit stands on what it staged: it takes the stage away, and fails if housekeeping was quicker. */
  #withStage(composed: Composed): Composed {
    if (this.#staged.length === 0) return composed;
    const { batch } = composed;
    return {
      ...composed,
      batch: { ...batch, checks: [...batch.checks, { key: this.#stage, is: "S1" }], remove: [...batch.remove, this.#stage] },
    };
  }

  /** What is held becomes a piece. */
  async #cut(): Promise<void> {
    const { port, seal, digester } = this.#parts;
    for (const { body } of this.#held) {
      if (body === undefined) continue;
      await this.#stageObject(body);
      this.#figures.objectBytes += body.ref.bytes;
    }
    const changes = await sealChanges(this.#held, seal);
    for (const [i, change] of changes.entries()) {
      const before = this.#held[i]!.before;
      const after = slotAfter(change, 0, this.#at);
      if (isCallers(change.path)) this.#figures.entries += Number(after.row !== undefined) - Number(before.row !== undefined);
      this.#figures.valueBytes += rowBytes(after) - rowBytes(before);
    }
    const draft = await draftObject(
      new TextEncoder().encode(formatPiece(changes)),
      `${this.#token}${(++this.#objects).toString(36)}`,
      port,
      digester,
    );
    await this.#stageObject(draft);
    this.#pieces.push({ ...draft.ref, firstPath: changes[0]!.path });
    this.#held = [];
    this.#heldOps = 8;
    this.#heldBytes = 2048;
  }

  /** Writes an object in as many batches as it takes, the stage with the first. */
  async #stageObject({ ref, pieces }: ObjectDraft): Promise<void> {
    const { paths, port } = this.#parts;
    const { batchOps, batchBytes } = port.supports;
    let set: (readonly [string, Stored])[] = [];
    let bytes = 0;
    for (const [i, key] of objectKeys(ref, paths).entries()) {
      const piece = pieces[i]!;
      const size = piece.length + 2 * key.length;
      if (set.length > 0 && (set.length + 2 > batchOps || bytes + size > batchBytes - 1024)) {
        await this.#write(set);
        set = [];
        bytes = 0;
      }
      set.push([key, piece]);
      bytes += size;
      this.#staged.push(key);
    }
    await this.#write(set);
  }

  /** Announces with the first batch; the others ask that the announcement still stands: housekeeping may have been quicker. */
  async #write(set: readonly (readonly [string, Stored])[]): Promise<void> {
    const checks = this.#announced ? [{ key: this.#stage, is: "S1" }] : [];
    const all = this.#announced ? set : [[this.#stage, "S1"] as const, ...set];
    if (!await this.#parts.port.repeat({ checks, set: all, remove: [], durable: false })) throw new Moved();
    this.#announced = true;
  }
}
