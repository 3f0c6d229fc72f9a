/**
 * Clearing, copying and moving a whole scope, each in one atomic commit of any size, in flat memory.
 *
 * @module
 */
import { encodeScope, sameScope, type StateScope } from "../keys/scopes.ts";
import { draftRemoval, draftSave, type Origin } from "../store/draft_change.ts";
import type { ChangeDraft, Scan, WideOperation } from "../store/operation.ts";
import { leastRevision } from "../store/head.ts";
import { countedFrom, type Row, type Slot, slotOf } from "../store/row.ts";
import { corrupt } from "../store/seal.ts";
import { checkCommit, type Core } from "./core.ts";
import type { CommitOptions } from "./entry.ts";
import type { LocalEntry } from "./ephemeral.ts";
import { listingOf } from "./listing_options.ts";
import { isLive } from "./live.ts";
import { draftMemory, type Remembered, rememberedAs, resultOf, rowOfRepeat } from "./operation_ids.ts";
import { draftValue, GONE, textOf } from "./payload.ts";
import { originOf } from "./writes.ts";

/** Entries looked at in one go. */
const PAGE = 256;

/** How many entries a verb is about; those in memory are counted at the start. */
interface Counter {
  entries: number;
  readonly local: ReadonlySet<string>;
}

/** What a verb does to one range of paths: changes in order, and what is to be done in memory. */
interface Stream {
  /** Where its changes stand among those of others. */
  readonly prefix: string;
  changes(scan: Scan): AsyncGenerator<ChangeDraft>;
}

/** Deletes the keys of a scope that begin with a prefix. How many. */
export async function clear(scope: StateScope, prefix: string | undefined, options: CommitOptions, core: Core): Promise<number> {
  const { prefix: paths } = listingOf(scope, prefix === undefined ? {} : { prefix });
  return await commitStreams("clear", `clear ${paths}`, options, core, () => {
    const local = new Set(core.ephemeral.paths(paths, core.now()));
    const counted = { entries: local.size, local };
    return {
      counted,
      streams: [{ prefix: paths, changes: (scan) => removals(scan, paths, counted, originOf(options), core) }],
      effect: () => local.forEach((path) => core.ephemeral.delete(path)),
    };
  });
}

/** Copies all entries of a scope into another one; `isMove`: and deletes them. How many. */
export async function copy(from: StateScope, to: StateScope, isMove: boolean, options: CommitOptions, core: Core): Promise<number> {
  const [source, target] = [`${encodeScope(from)}!`, `${encodeScope(to)}!`];
  const verb = isMove ? "move" : "copy";
  const isSame = sameScope(from, to);
  return await commitStreams(verb, `${verb} ${source} ${target}`, options, core, () => {
    const now = core.now();
    const local = core.ephemeral.paths(source, now).map((path) => [path, core.ephemeral.get(path, now)!] as const);
    const counted = { entries: local.length, local: new Set(local.map(([path]) => path)) };
    const places = new Map(local.map(([path, entry]) => [target + path.slice(source.length), entry] as const));
    if (isSame) {
      return {
        counted,
        streams: [{ prefix: source, changes: (scan) => countOnly(scan, source, counted, core) }],
        effect: () => {},
      };
    }
    const replaced: string[] = [];
    const revisions = new Map<string, number>();
    return {
      counted,
      streams: [
        {
          prefix: target,
          changes: (scan) => copies(scan, source, target, { places, replaced, revisions }, counted, originOf(options), core),
        },
        ...(isMove
          ? [{ prefix: source, changes: (scan: Scan) => removals(scan, source, { entries: 0, local: new Set() }, originOf(options), core) }]
          : []),
      ],
      effect: () => {
        replaced.forEach((path) => core.ephemeral.delete(path));
        for (const [path, entry] of places) {
          const revision = Math.max(core.ephemeral.lastRevision(path), revisions.get(path) ?? 0) + 1;
          core.ephemeral.set(path, { ...entry, revision, createdAt: now, updatedAt: now });
        }
        if (isMove) local.forEach(([path]) => core.ephemeral.delete(path));
      },
    };
  });
}

/** Commits streams of changes as one, once for all calls with the operation id. */
async function commitStreams(
  verb: string,
  request: string,
  options: CommitOptions,
  core: Core,
  begin: () => { readonly counted: Counter; readonly streams: readonly Stream[]; readonly effect: () => void },
): Promise<number> {
  checkCommit(options);
  const { operationId, signal } = options;
  const memory = operationId === undefined ? undefined : await rememberedAs(operationId, request, core);
  let done: (() => void) | undefined;
  const operation: WideOperation<{ readonly count: number } | { readonly repeat: Row }> = {
    verb,
    bytes: 0,
    operationId,
    settled: () => done?.(),
    async *scan(scan) {
      signal?.throwIfAborted();
      done = undefined;
      const { counted, streams, effect } = begin();
      const all = [...streams];
      if (memory !== undefined) {
        const slot = (await scan.slots([memory.path])).get(memory.path)!;
        const repeat = rowOfRepeat(slot, core);
        if (repeat !== undefined) return { repeat };
        // The count is known only at the end, and changes come in order of their paths: what remembers it is counted ahead.
        const ahead = begin();
        for (const { changes } of ahead.streams) for await (const _ of changes(scan));
        all.push({ prefix: memory.path, changes: () => remember(memory, slot, ahead.counted.entries, scan, core) });
      }
      for (const { changes } of all.sort((a, b) => a.prefix < b.prefix ? -1 : 1)) yield* changes(scan);
      done = effect;
      return { count: counted.entries };
    },
  };
  const outcome = await core.commit(operation, signal);
  return "repeat" in outcome ? await resultOf(outcome.repeat, memory!.print, operationId!, core) as number : outcome.count;
}

function count(path: string, counted: Counter): void {
  if (!counted.local.has(path)) counted.entries++;
}

async function* remember(memory: Remembered, slot: Slot, count: number, scan: Scan, core: Core): AsyncGenerator<ChangeDraft> {
  yield await draftMemory(slot, memory, count, scan.at, core);
}

/** All rows under a prefix, as what is known of their entries. */
async function* slotsOf(scan: Scan, prefix: string): AsyncGenerator<readonly (Slot & { readonly row: Row })[]> {
  let after: string | undefined;
  do {
    const page = await scan.page({ prefix, after, limit: PAGE });
    yield page.rows.map((row) => ({ ...countedFrom(leastRevision(page.head, row.commit), slotOf(row)), row }));
    after = page.next;
  } while (after !== undefined);
}

/** Counts, and changes nothing: a scope copied or moved onto itself. */
// deno-lint-ignore require-yield
async function* countOnly(scan: Scan, prefix: string, counted: Counter, core: Core): AsyncGenerator<ChangeDraft> {
  for await (const slots of slotsOf(scan, prefix)) for (const { row } of slots) if (isLive(row, core.now())) count(row.path, counted);
}

async function* removals(scan: Scan, prefix: string, counted: Counter, origin: Origin, core: Core): AsyncGenerator<ChangeDraft> {
  for await (const slots of slotsOf(scan, prefix)) {
    for (const slot of slots) {
      const { row } = slot;
      const isThere = isLive(row, core.now());
      if (isThere) count(row.path, counted);
      yield draftRemoval(row.path, slot, isThere ? "d" : "x", core.store.salt(), origin);
    }
  }
}

/** What a copy means for what only this process has. */
interface LocalCopies {
  /** Ephemeral entries of the source, by the path that they get. */
  readonly places: ReadonlyMap<string, LocalEntry>;
  /** Paths of the target at which an ephemeral entry makes room for a stored one. */
  readonly replaced: string[];
  /** The last stored revision at each of the places. */
  readonly revisions: Map<string, number>;
}

/** What a copy does to its target: entries of the source get there; ephemeral ones only take away what is stored there. */
async function* copies(
  scan: Scan,
  source: string,
  target: string,
  local: LocalCopies,
  counted: Counter,
  origin: Origin,
  core: Core,
): AsyncGenerator<ChangeDraft> {
  const { places, replaced, revisions } = local;
  const waiting = [...places.keys()].sort();
  async function* makeRoom(before: string | undefined): AsyncGenerator<ChangeDraft> {
    while (waiting.length > 0 && (before === undefined || waiting[0]! < before)) {
      const path = waiting.shift()!;
      const slot = (await scan.slots([path])).get(path)!;
      revisions.set(path, slot.revision + Number(slot.row !== undefined));
      if (slot.row === undefined) continue;
      yield draftRemoval(path, slot, isLive(slot.row, core.now()) ? "d" : "x", core.store.salt(), origin);
    }
  }
  for await (const page of slotsOf(scan, source)) {
    const rows = page.map(({ row }) => row).filter((row) => isLive(row, core.now()) && !places.has(target + row.path.slice(source.length)));
    rows.forEach((row) => count(row.path, counted));
    const paths = rows.map((row) => target + row.path.slice(source.length));
    const slots = await scan.slots(paths, target);
    for (const [i, row] of rows.entries()) {
      const path = paths[i]!;
      yield* makeRoom(path);
      yield await copyOf(row, path, slots.get(path)!, origin, core);
      if (core.ephemeral.lastRevision(path) > 0) replaced.push(path);
    }
  }
  yield* makeRoom(undefined);
}

/** The same value under another path. Its object is written again: an object belongs to one entry. */
async function copyOf(row: Row, path: string, slot: Slot, origin: Origin, core: Core): Promise<ChangeDraft> {
  const encoded = await textOf(row, core);
  if (encoded === GONE) throw corrupt(`the value of "${row.path}"`, "its object is missing", row.commit, row.object?.name);
  const value = await draftValue(encoded, row.class as never, core);
  const save = { ...value, class: row.class, content: row.content, expiresAt: row.expiresAt, schema: row.schema };
  const revision = Math.max(slot.revision, core.ephemeral.lastRevision(path)) + 1;
  return draftSave(path, slot, save, core.store.salt(), origin, !isLive(slot.row, core.now()), revision);
}
