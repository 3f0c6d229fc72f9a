/**
 * Housekeeping between records: old records go, with what they alone still named; so do objects that were staged and never
 * named. Bounded work a time.
 *
 * @module
 */
import { objectKeys } from "./objects.ts";
import { formatHead, type Head } from "./head.ts";
import { draftRemoval } from "./draft_change.ts";
import type { Operation } from "./operation.ts";
import { type ChangeSetRef, parseRecord } from "./record.ts";
import type { ObjectRef } from "./change.ts";
import { loadList, loadPiece, type StepParts } from "./steps.ts";
import type { View } from "./view.ts";
import { pad } from "./paths.ts";
import { corrupt } from "./seal.ts";

/** Records that stay behind the head, for validation and for readers that are slow. */
export const TAIL = 1024;
/** Records past the tail before it is worth a batch. */
const SLACK = 256;
/** A commit that was staged so long ago will not come any more. */
const STAGE_MS = 60 * 60 * 1000;
/** Expired entries removed at a time. */
const EXPIRIES = 100;
/** Stages swept at a time. */
const STAGES = 16;

/** Whether the log is long enough to be cut. */
export function isTrimDue(head: Head): boolean {
  return head.applied === head.commit && head.commit - head.horizon > TAIL + SLACK;
}

/** A record that can go, and what goes with it. */
interface Doomed {
  readonly first: number;
  readonly last: number;
  readonly bytes: number;
  readonly drops: readonly ObjectRef[];
  /** Changes of it that stand in pieces. */
  readonly sets: readonly ChangeSetRef[];
}

/** Removes the oldest records past the tail, and what only they still named. One batch, or a few where a commit was large. */
export async function trim(view: View, parts: StepParts): Promise<void> {
  const { port, paths } = parts;
  const { head, text, written } = view;
  const remove: string[] = [];
  let { horizon, logBytes, objectBytes } = head;
  let end = 0;
  for await (const { first, last, bytes, drops, sets } of known(view) ?? oldest(head, parts)) {
    const keys = [...drops, ...sets.map(({ list }) => list)].flatMap((ref) => objectKeys(ref, paths));
    if (remove.length > 0 && remove.length + keys.length + 3 > port.supports.batchOps) break;
    // They may be many: they go first, in batches of their own; a crash between them is no loss, the record still names the rest.
    for (const set of sets) objectBytes -= await dropPieces(set, parts);
    // The record last: what it names can still be found as long as anything of it is there.
    remove.push(...keys, paths.log(first));
    end = last;
    // It always rises, so that the new head is a later one.
    horizon = Math.max(last, head.horizon + 1);
    logBytes -= bytes;
    objectBytes -= drops.reduce((sum, ref) => sum + ref.bytes, 0);
    if (remove.length + 2 > port.supports.batchOps) break;
  }
  if (horizon === head.horizon) return;
  const next: Head = { ...head, horizon, logBytes, objectBytes };
  const nextText = await formatHead(next, parts.seal);
  const room = port.supports.batchOps - 2;
  for (; remove.length > room; remove.splice(0, room)) {
    if (!await port.repeat({ checks: [{ key: paths.head, is: text }], set: [], remove: remove.slice(0, room), durable: false })) return;
  }
  if (await port.repeat({ checks: [{ key: paths.head, is: text }], set: [[paths.head, nextText]], remove, durable: false })) {
    await view.adopt(next, nextText);
    // Else there may still be some below the horizon.
    if (horizon === end) written.removedTo(end);
  }
}

/** What can go, if this process wrote it all; undefined: look. */
function known({ head, written }: View): readonly Doomed[] | undefined {
  const records = written.between(head.horizon, head.commit - TAIL)?.slice(0, SLACK);
  const doomed = records?.flatMap(({ drops, ...record }) => drops === undefined ? [] : [{ ...record, drops, sets: [] }]);
  return doomed?.length === records?.length ? doomed : undefined;
}

/**
 * What can go, as it stands. It is looked for from the beginning: a repair raises the horizon above records that it keeps.
 */
async function* oldest(head: Head, { port, paths, seal }: StepParts): AsyncGenerator<Doomed> {
  let previous: string | undefined;
  for (const { key, value } of await port.list({ prefix: paths.logs, limit: SLACK, values: true })) {
    const first = Number(key.slice(paths.logs.length));
    // What goes is named in the headers, which the chain proves; the values need no look.
    const record = await parseRecord(value, first, seal, { payloads: false });
    if (previous !== undefined && record.prev !== previous) {
      throw corrupt(`the record of commit ${first}`, "it does not follow the one before it", first);
    }
    if (first > head.horizon) previous = record.digest;
    const last = first + record.commits.length - 1;
    if (last > head.commit - TAIL) return;
    const drops = record.commits.flatMap(({ changes }) => changes.flatMap((change) => change.drops));
    const sets = record.commits.flatMap(({ set }) => set === undefined ? [] : [set]);
    yield { first, last, bytes: (value as string).length, drops, sets };
  }
}

/** Removes the pieces that a record's changes stand in, and what they alone named. How many bytes of objects went. */
async function dropPieces(set: ChangeSetRef, parts: StepParts): Promise<number> {
  const { port, paths } = parts;
  let freed = 0;
  for (const piece of await loadList(set, parts) ?? []) {
    const drops = (await loadPiece(piece, parts))?.flatMap((change) => change.drops) ?? [];
    for (const ref of drops) freed += ref.bytes;
    const keys = [...drops, piece].flatMap((ref) => objectKeys(ref, paths));
    const room = port.supports.batchOps - 1;
    for (let i = 0; i < keys.length; i += room) {
      await port.repeat({ checks: [], set: [], remove: keys.slice(i, i + room), durable: false });
    }
  }
  return freed;
}

/** Commits the removal of entries that have expired, a bounded number at a time; undefined if none has. */
export async function expireDue(now: number, parts: StepParts, salt: () => string): Promise<Operation<number> | undefined> {
  const { port, paths } = parts;
  const items = await port.list({ prefix: paths.expiries, limit: EXPIRIES });
  const due = items.map(({ key }) => key.slice(paths.expiries.length)).filter((entry) => entry < pad(now + 1));
  if (due.length === 0) return undefined;
  const expired = [...new Set(due.map((entry) => entry.slice(pad(0).length + 1)))];
  return {
    verb: "expire",
    paths: expired,
    bytes: 0,
    run(draft) {
      let removed = 0;
      for (const path of expired) {
        const slot = draft.slot(path);
        if (!slot.row?.expiresAt || slot.row.expiresAt > draft.at) continue;
        draft.put(draftRemoval(path, slot, "x", salt(), []));
        removed++;
      }
      return removed;
    },
  };
}

/** Removes objects that were staged long ago and never named. */
export async function sweepStages(now: number, parts: StepParts): Promise<void> {
  const { port, paths } = parts;
  for (const { key } of await port.list({ prefix: paths.stages, limit: STAGES })) {
    const [at = "", token = ""] = key.slice(paths.stages.length).split("!");
    if (at >= pad(Math.max(0, now - STAGE_MS))) return;
    // First the announcement: from here on the commit that it was for cannot land.
    if (!await port.repeat({ checks: [{ key, is: "S1" }], set: [[`${key}!swept`, "S1"]], remove: [key], durable: false })) continue;
    const prefix = paths.object(token, 0).slice(0, -pad(0).length - 1);
    for (;;) {
      const items = await port.list({ prefix, limit: Math.min(256, port.supports.batchOps - 1) });
      if (items.length === 0) break;
      await port.repeat({ checks: [], set: [], remove: items.map((item) => item.key), durable: false });
    }
    await port.repeat({ checks: [], set: [], remove: [`${key}!swept`], durable: false });
  }
}
