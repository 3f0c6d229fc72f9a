/**
 * Saving and deleting one key.
 *
 * @module
 */
import { draftRemoval, draftSave, type Origin, type SaveDraft } from "../store/draft_change.ts";
import type { Draft } from "../store/operation.ts";
import type { Slot } from "../store/row.ts";
import { checkCommit, checkRevision, conflict, type Core, expiryOf, kindOf, type Target } from "./core.ts";
import type { Encoded } from "./encoded.ts";
import type { CommitOptions, Precondition, Receipt, SaveOptions, StateClass, StateContent, WriteOptions } from "./entry.ts";
import type { LocalEntry } from "./ephemeral.ts";
import { isLive } from "./live.ts";
import { commitOnce, type Done } from "./operation_ids.ts";
import { decode, draftValue, encodePresent, isInline } from "./payload.ts";

/** What a write finds under its path: what is stored, and what only this process has. */
export interface Found {
  readonly slot: Slot;
  readonly local: LocalEntry | undefined;
  /** The revision that the next write counts from. */
  readonly revision: number;
  /** The revision that a caller sees; `null`: absent. */
  readonly visible: number | null;
}

/** What stands under a path when an operation runs. */
export function find(path: string, draft: Draft, core: Core): Found {
  const slot = draft.slot(path);
  const pending = core.unsettled.get(draft.attempt)?.get(path);
  const settled = core.ephemeral.get(path, core.now());
  const local = pending === undefined ? settled : pending ?? undefined;
  const revision = Math.max(slot.revision, local?.revision ?? 0, core.ephemeral.lastRevision(path));
  return { slot, local, revision, visible: local?.revision ?? (isLive(slot.row, core.now()) ? slot.row.revision : null) };
}

/**
 * Judges a precondition.
 *
 * @throws {StateError} STATE_CONFLICT if it does not hold
 */
export function checkPrecondition(target: Target, { ifRevision }: Precondition, found: Found): void {
  const expected = checkRevision(ifRevision);
  if (expected !== undefined && expected !== found.visible) throw conflict(target, expected, found.visible);
}

/** Who and why, from what the caller says. */
export function originOf({ reason }: CommitOptions): Origin {
  return reason === undefined ? [] : [0, reason];
}

/** A value on its way into the store. */
export interface Saving {
  readonly encoded: Encoded;
  readonly class: StateClass;
  readonly content: StateContent;
  readonly expiresAt: number;
  /** Its form in a payload; a promise where it must be validated, compressed or cut out. */
  readonly draft: SaveDraft | Promise<SaveDraft>;
  /** A schema takes its time: others must not wait for that. */
  readonly isSlow: boolean;
}

/** Validates a value and gives it its form; at once where that can be. */
export function prepareSave(
  target: Target,
  encoded: Encoded,
  kind: { class: StateClass; content: StateContent },
  expiresAt: number,
  core: Core,
): Saving {
  const governor = core.schemas?.find(target.scope, target.key);
  const rest = { ...kind, expiresAt, schema: governor?.tag ?? "" };
  const checked = governor?.check(decode(encoded), target);
  const isInPlace = kind.class === "ephemeral" || isInline(encoded, kind.class, core);
  const inPlace = { ...rest, codec: encoded.codec, value: encoded.text };
  const later = async (): Promise<SaveDraft> => {
    await checked;
    return isInPlace ? inPlace : { ...rest, ...await draftValue(encoded, kind.class, core) };
  };
  return { encoded, ...kind, expiresAt, isSlow: checked !== undefined, draft: isInPlace && checked === undefined ? inPlace : later() };
}

/** Says that a path gets a value: in the store, or in memory. */
export function put(
  target: Target,
  found: Found,
  saving: Saving,
  save: SaveDraft,
  origin: Origin,
  draft: Draft,
  core: Core,
): Done<Receipt> {
  const { path } = target;
  const { slot } = found;
  const fresh = found.visible === null;
  if (saving.class !== "ephemeral") {
    const revision = found.revision + 1;
    draft.put(draftSave(path, slot, save, core.store.salt(), origin, fresh, revision));
    return { answer: { revision, commit: draft.commit }, effect: settleLater(path, null, draft, core) };
  }
  if (slot.row !== undefined) draft.put(draftRemoval(path, slot, isLive(slot.row, core.now()) ? "d" : "x", core.store.salt(), origin));
  const entry = localEntry(found, saving, save.schema, found.revision + (slot.row === undefined ? 1 : 2), core.now(), "ephemeral");
  return { answer: { revision: entry.revision, commit: 0 }, effect: settleLater(path, entry, draft, core) };
}

/** Says that what stands under a path goes. Whether it was there. */
export function remove(target: Target, found: Found, origin: Origin, draft: Draft, core: Core): Done<boolean> {
  const { slot } = found;
  if (slot.row !== undefined) {
    const op = isLive(slot.row, core.now()) ? "d" : "x";
    draft.put(draftRemoval(target.path, slot, op, core.store.salt(), origin));
  }
  return { answer: found.visible !== null, effect: settleLater(target.path, null, draft, core) };
}

/** What becomes of an ephemeral entry: known at once to what shares the record, done once that stands. */
function settleLater(path: string, entry: LocalEntry | null, draft: Draft, core: Core): () => void {
  const pending = core.unsettled.get(draft.attempt) ?? new Map<string, LocalEntry | null>();
  core.unsettled.set(draft.attempt, pending);
  pending.set(path, entry);
  return () => entry === null ? core.ephemeral.delete(path) : core.ephemeral.set(path, entry);
}

function localEntry(found: Found, saving: Saving, schema: string, revision: number, now: number, name: "ephemeral" | "bulk"): LocalEntry {
  const { encoded, content, expiresAt } = saving;
  const row = found.visible === null ? undefined : found.slot.row;
  const createdAt = found.local?.createdAt ?? (row === undefined ? now : row.createdAt || row.at);
  return { ...encoded, revision, createdAt, updatedAt: now, expiresAt, class: name, content, schema };
}

/** Stores a value. */
export async function save(target: Target, value: unknown, options: SaveOptions, core: Core): Promise<Receipt> {
  checkCommit(options);
  checkRevision(options.ifRevision);
  const kind = kindOf(target, options, core);
  const encoded = encodePresent(value, target, core);
  const saving = prepareSave(target, encoded, kind, expiryOf(options, core.now()), core);
  if (saving.isSlow) await saving.draft;
  const isPlainWrite = options.operationId === undefined && options.ifRevision === undefined;
  if (kind.class === "bulk" && isPlainWrite) return await saveBehind(target, saving, options, core);
  if (
    kind.class === "ephemeral" && isPlainWrite && core.ephemeral.isSettled(target.path, core.now()) && !core.behind.isPending &&
    !(saving.draft instanceof Promise)
  ) {
    return saveInMemory(target, saving, saving.draft, core);
  }
  const left = core.ephemeral.leave(target.path);
  let draft = saving.draft as SaveDraft;
  const ready = saving.draft instanceof Promise ? saving.draft.then((drafted) => draft = drafted) : undefined;
  try {
    return await commitOnce<Receipt>(core, options, `save ${target.path} ${encoded.codec}${encoded.text}`, {
      verb: "save",
      paths: [target.path],
      bytes: encoded.text.length,
      ...(ready === undefined ? {} : { ready }),
      run(run) {
        const found = find(target.path, run, core);
        checkPrecondition(target, options, found);
        return put(target, found, saving, draft, originOf(options), run, core);
      },
    });
  } finally {
    left();
  }
}

/** An ephemeral entry takes another value; the store need not be asked. */
function saveInMemory(target: Target, saving: Saving, draft: SaveDraft, core: Core): Receipt {
  const local = core.ephemeral.get(target.path, core.now());
  const revision = Math.max(local?.revision ?? 0, core.ephemeral.lastRevision(target.path)) + 1;
  const found = { slot: { commit: 0, revision: 0, row: undefined }, local, revision, visible: local?.revision ?? null };
  core.ephemeral.set(target.path, localEntry(found, saving, draft.schema, revision, core.now(), "ephemeral"));
  return { revision, commit: 0 };
}

/** A bulk entry is accepted, in its turn; it becomes durable later. */
async function saveBehind(target: Target, saving: Saving, options: SaveOptions, core: Core): Promise<Receipt> {
  const { path } = target;
  const bytes = saving.encoded.text.length + path.length;
  // A flush that makes room goes first in the queue: what it fails with is the answer, and nothing is accepted.
  const room = core.behind.makeRoom(path, bytes);
  const accepted = core.behind.expect(path);
  const left = core.ephemeral.leave(path);
  let draft = saving.draft as SaveDraft;
  const prepare = async () => {
    [draft] = await Promise.all([saving.draft, room]);
  };
  const ready = room !== undefined || saving.draft instanceof Promise ? prepare() : undefined;
  ready?.catch(() => {/* Whoever waits for the commit is told. */});
  let receipt: Receipt | undefined;
  try {
    await core.commit({
      verb: "bulk",
      local: true,
      paths: [path],
      bytes: saving.encoded.text.length,
      ...(ready === undefined ? {} : { ready }),
      run(run) {
        // What was accepted stays accepted, also where the record that this shares is written again.
        if (receipt !== undefined) return;
        const found = find(path, run, core);
        const behind = core.behind.get(path, core.now());
        const revision = Math.max(found.revision, behind?.revision ?? 0) + 1;
        const entry = localEntry({ ...found, local: behind ?? found.local }, saving, draft.schema, revision, core.now(), "bulk");
        core.behind.accept({ ...entry, path, save: draft, bytes });
        core.ephemeral.delete(path);
        receipt = { revision, commit: 0 };
      },
    }, options.signal);
  } catch (error) {
    // A record that it happened to share has failed: that is about the others in it.
    if (receipt === undefined) throw error;
  } finally {
    accepted();
    left();
  }
  return receipt!;
}

/** Deletes an entry. True if it was there. */
export async function deleteKey(target: Target, options: WriteOptions, core: Core): Promise<boolean> {
  checkRevision(options.ifRevision);
  const left = core.ephemeral.leave(target.path);
  try {
    return await commitOnce<boolean>(core, options, `delete ${target.path}`, {
      verb: "delete",
      paths: [target.path],
      bytes: 0,
      run(run) {
        const found = find(target.path, run, core);
        checkPrecondition(target, options, found);
        return remove(target, found, originOf(options), run, core);
      },
    });
  } finally {
    left();
  }
}
