/**
 * Making changes: what an entry becomes, given what it was.
 *
 * @module
 */
import type { ChangeDraft } from "./operation.ts";
import type { ObjectDraft } from "./objects.ts";
import type { ObjectRef } from "./change.ts";
import type { Slot } from "./row.ts";

/** Who and why, as payloads carry them; shortest first: left off where nothing is said. */
export type Origin = readonly [actor?: string | 0, reason?: string];

/** What is to be stored under a path. */
export interface SaveDraft {
  /** Names the form of the value in the payload. */
  readonly codec: string;
  /** JSON text. */
  readonly value: string;
  readonly class: string;
  readonly content: string;
  readonly expiresAt: number;
  readonly schema: string;
  /** The object that the value names, still to be written. */
  readonly body?: ObjectDraft | undefined;
}

/** An entry gets a value. `fresh`: what stood there counts as gone (it had expired), so it begins anew. */
export function draftSave(
  path: string,
  slot: Slot,
  save: SaveDraft,
  salt: string,
  origin: Origin,
  fresh: boolean,
  revision: number = slot.revision + 1,
): ChangeDraft {
  const { row } = slot;
  const [actor = 0, reason = 0] = origin;
  return {
    ...common(path, slot, salt),
    op: "s",
    revision,
    createdAt: row === undefined || fresh ? 0 : row.createdAt || row.at,
    class: save.class,
    content: save.content,
    expiresAt: save.expiresAt,
    schema: save.schema,
    object: save.body?.ref,
    payload: `["${path}",${JSON.stringify(actor)},${JSON.stringify(reason)},"${save.codec}",${save.value}]`,
    ...(save.body === undefined ? {} : { body: save.body }),
  };
}

/** An entry goes. */
export function draftRemoval(path: string, slot: Slot, op: "d" | "x", salt: string, origin: Origin): ChangeDraft {
  const [actor = 0, reason = 0] = origin;
  return {
    ...common(path, slot, salt),
    op,
    revision: slot.revision + 1,
    createdAt: 0,
    class: "standard",
    content: "plain",
    expiresAt: 0,
    schema: "",
    object: undefined,
    payload: `["${path}",${JSON.stringify(actor)},${JSON.stringify(reason)}]`,
  };
}

function common(
  path: string,
  slot: Slot,
  salt: string,
): Pick<ChangeDraft, "path" | "before" | "previous" | "expiredAt" | "drops" | "salt"> {
  const drops: readonly ObjectRef[] = slot.row?.object === undefined ? [] : [slot.row.object];
  return { path, before: slot, previous: slot.commit, expiredAt: slot.row?.expiresAt ?? 0, drops, salt };
}
