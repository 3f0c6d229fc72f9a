/**
 * Reading one key, or several of one moment.
 *
 * @module
 */
import type { Row, Slot } from "../store/row.ts";
import { corrupt } from "../store/seal.ts";
import type { Core, Target } from "./core.ts";
import type { Encoded } from "./encoded.ts";
import type { Entry, StateClass, StateContent } from "./entry.ts";
import type { LocalEntry } from "./ephemeral.ts";
import { isLive } from "./live.ts";
import { decode, GONE, valueOf } from "./payload.ts";

/** How often a value is looked for whose object goes away between two looks. */
const TRIES = 10;

/** What this process has of an entry that the store has not, or not yet. */
export function localOf(path: string, core: Core): LocalEntry | undefined {
  const now = core.now();
  return core.ephemeral.get(path, now) ?? core.behind.get(path, now);
}

/** The value of an entry; `undefined` when absent or expired. */
export async function load(target: Target, core: Core): Promise<unknown> {
  return (await loadEntry(target, core))?.value;
}

/** An entry; `undefined` when absent or expired. */
export async function loadEntry(target: Target, core: Core): Promise<Entry | undefined> {
  for (let attempt = 1;; attempt++) {
    const local = localOf(target.path, core);
    if (local !== undefined) return await localEntryOf(target, local, core);
    if (core.behind.holds(target.path)) return undefined;
    const { slots } = await core.store.read([target.path], core.reading);
    const { row } = slots.get(target.path)!;
    if (!isLive(row, core.now())) return undefined;
    const entry = await entryOf(target, row, core);
    if (entry !== GONE) return entry;
    // Its object went when it was replaced: a fresh look finds the replacement, or proves that something is missing.
    core.store.view.cache.delete(target.path);
    if (attempt >= TRIES) throw corrupt(`the value of "${target.key}"`, "its object is missing", row.commit, row.object?.name);
  }
}

/** Whether there is a value. */
export async function has(target: Target, core: Core): Promise<boolean> {
  if (localOf(target.path, core) !== undefined) return true;
  if (core.behind.holds(target.path)) return false;
  const { slots } = await core.store.read([target.path], core.reading);
  return isLive(slots.get(target.path)!.row, core.now());
}

/** The values of those keys that have one, by the keys as they were asked for, all of one commit. */
export async function loadMany(targets: ReadonlyMap<string, Target>, core: Core): Promise<Map<string, unknown>> {
  for (let attempt = 1;; attempt++) {
    const values = new Map<string, unknown>();
    // Taken before the store is read: what becomes stored meanwhile is in one of the two.
    const locals = new Map([...targets.values()].map(({ path }) => [path, localOf(path, core)]));
    const stored = [...locals].filter(([path, local]) => local === undefined && !core.behind.holds(path)).map(([path]) => path);
    const slots: ReadonlyMap<string, Slot> = stored.length === 0 ? new Map() : (await core.store.read(stored, core.reading)).slots;
    let lost: Row | undefined;
    for (const [asked, target] of targets) {
      const local = locals.get(target.path);
      const row = slots.get(target.path)?.row;
      const entry = local !== undefined
        ? await localEntryOf(target, local, core)
        : isLive(row, core.now())
        ? await entryOf(target, row, core)
        : undefined;
      if (entry === GONE) lost = row;
      else if (entry !== undefined) values.set(asked, entry.value);
    }
    if (lost === undefined) return values;
    core.store.view.cache.delete(lost.path);
    if (attempt >= TRIES) throw corrupt(`the value of "${lost.path}"`, "its object is missing", lost.commit, lost.object?.name);
  }
}

/** The entry of a row; {@linkcode GONE} if the object that it names is. */
export async function entryOf(target: Target, row: Row, core: Core): Promise<Entry | typeof GONE> {
  const stored = await valueOf(row, core);
  if (stored === GONE) return GONE;
  const governor = core.schemas?.find(target.scope, target.key);
  return {
    scope: target.scope,
    key: target.key,
    value: governor === undefined ? stored : await governor.read(stored, row.schema, target),
    revision: row.revision,
    commit: row.commit,
    createdAt: new Date(row.createdAt || row.at),
    updatedAt: new Date(row.at),
    ...(row.expiresAt === 0 ? {} : { expiresAt: new Date(row.expiresAt) }),
    class: row.class as StateClass,
    content: row.content as StateContent,
    ...(row.schema === "" ? {} : { schema: row.schema }),
  };
}

/** The entry of what only this process has. */
export async function localEntryOf(target: Target, local: LocalEntry, core: Core): Promise<Entry> {
  const stored = decode(local);
  const governor = core.schemas?.find(target.scope, target.key);
  return {
    scope: target.scope,
    key: target.key,
    value: governor === undefined ? stored : await governor.read(stored, local.schema, target),
    revision: local.revision,
    commit: 0,
    createdAt: new Date(local.createdAt),
    updatedAt: new Date(local.updatedAt),
    ...(local.expiresAt === 0 ? {} : { expiresAt: new Date(local.expiresAt) }),
    class: local.class,
    content: local.content,
    ...(local.schema === "" ? {} : { schema: local.schema }),
  };
}

/** What a reader gets of a value that was just stored. */
export async function outputOf(encoded: Encoded, target: Target, core: Core): Promise<unknown> {
  const governor = core.schemas?.find(target.scope, target.key);
  const value = decode(encoded);
  return governor === undefined ? value : await governor.read(value, governor.tag, target);
}
