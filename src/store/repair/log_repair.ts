/**
 * Repairing a namespace on a log. What is wrong is looked for first; then whoever has the log open is stopped, and everything
 * that still counts is written anew: one run, and a checkpoint that begins with it. That one is all it takes: before it stands,
 * nothing is different but that nobody writes, and a repair that was cut off is run again.
 *
 * What was there before stays until the checkpoints behind this one do without it.
 *
 * @module
 */
import { type Digester, toBase64url, toHex } from "../../digest.ts";
import { isStateError, StateError } from "../../errors.ts";
import { checkWritable, formatHead, type Head, parseHead } from "../head.ts";
import { RunBuilder } from "../log/builder.ts";
import { type Checkpoint, formatCheckpoint } from "../log/checkpoint.ts";
import type { Position } from "../log/journal.ts";
import { Log, type LogOptions } from "../log/log.ts";
import { nameOf } from "../log/record_journal.ts";
import { pad } from "../paths.ts";
import { reasonOf, type Stored } from "../port.ts";
import { endOf, type EpochParts, markOf } from "./epoch.ts";
import { fence } from "./log_fence.ts";
import { readRemains, type Remains } from "./log_remains.ts";
import { LogSource } from "./log_source.ts";
import { attempt, everything, type Sink } from "./source.ts";
import { type RepairReport, reportOf, type Survey, survey } from "./survey.ts";

/** What repairing a log takes. */
export interface LogRepairParts extends EpochParts {
  readonly options: LogOptions;
  readonly digester: Digester;
  readonly dryRun: boolean;
}

/** Looks at a log that others write: what seemed wrong may only have moved. */
const LOOKS = 3;
/** Names asked for in one call. */
const PAGE = 1000;

const nothing: RepairReport = { kept: 0, lostCommits: [] };

/** Repairs a namespace; with `dryRun` says what that would come to. */
export async function repairLog(parts: LogRepairParts): Promise<RepairReport> {
  const { options, dryRun } = parts;
  const log = new Log(options);
  try {
    if (!dryRun) await log.store.open();
    try {
      return await repairOpened(log, parts);
    } finally {
      await log.store.close();
    }
  } catch (error) {
    if (isStateError(error)) throw error;
    const name = options.driver.name ?? "unnamed";
    throw new StateError("STATE_DRIVER", `Cannot repair on driver "${name}": ${reasonOf(error)}`, { details: {}, cause: error });
  }
}

async function repairOpened(log: Log, parts: LogRepairParts): Promise<RepairReport> {
  const { paths, dryRun } = parts;
  for (let look = 1;; look++) {
    const names = await namesOf(log);
    if (!names.some((name) => isOfLog(name, log))) return nothing;
    const remains = await readRemains(log, names);
    let source = new LogSource(log, remains);
    const { head, isOld } = await headOf(source, parts);
    const isRepairing = head?.repairing === true && !isOld;
    // What a repair that was cut off has written never stood.
    const isMade = ({ name }: { readonly name: string }) => (epochOf(name, log) ?? 0) < head!.epoch;
    if (isRepairing) source = new LogSource(log, { ...remains, loose: remains.loose.filter(isMade) });
    if (head !== undefined) checkWritable(head);
    // It was dropped, or is about to be: then who comes next goes on with that.
    if (!remains.isDamaged && (head?.dropping || head === undefined && (await source.list(paths.root, undefined)).length === 0)) {
      return nothing;
    }
    const sink = new Draft();
    const found = await survey(head, { ...parts, source, sink, isOldHead: isOld });
    const isDamaged = remains.isDamaged || found.isDamaged;
    if (isDamaged && !isRepairing && look < LOOKS && String(await namesOf(log)) !== String(names)) continue;
    if (dryRun || !isDamaged && !isRepairing) return reportOf(found);
    const asides = await asidesIn(source, parts);
    const marked = isRepairing ? head : (await markOf(head, found, asides.epoch, parts)).head;
    const isFenced = isRepairing && remains.chain.isFenced;
    const place = isFenced ? remains.chain.end : await fence(log, remains, [[paths.head, await formatHead(marked, parts.seal)]]);
    if (place === undefined) continue;
    if (await beginAnew({ log, remains, source, sink, found, place, head: marked, asideBytes: asides.bytes }, parts)) {
      return reportOf(found);
    }
  }
}

/** All keys of the log on the driver, in order. */
async function namesOf({ store, options: { driver, root, shortRoot = root } }: Log): Promise<string[]> {
  if (store.list === undefined) return (await driver.getKeys("", {})).filter((name) => name.startsWith(shortRoot)).sort();
  const names: string[] = [];
  for (;;) {
    const after = names.at(-1);
    const items = await store.list({ prefix: shortRoot, limit: PAGE, ...(after === undefined ? {} : { after }) });
    for (const { key } of items) names.push(key);
    if (items.length < PAGE) return names;
  }
}

function isOfLog(name: string, { paths }: Log): boolean {
  return [paths.checkpoints, paths.runs, paths.frames, paths.segments].some((prefix) => name.startsWith(prefix));
}

/** The token of what a repair writes: hex, but for a letter in front of its epoch, and one behind it. */
function tokenOf(epoch: number, random: (bytes: number) => Uint8Array): string {
  return `r${epoch}x${toHex(random(12))}`;
}

/** The epoch of the repair that made an object of a run; `undefined`: none did. */
function epochOf(name: string, { paths }: Log): number | undefined {
  const [, epoch] = /^r(\d+)x/.exec(name.slice(paths.runs.length)) ?? [];
  return epoch === undefined ? undefined : Number(epoch);
}

/** The head that counts; or where that is lost, the newest that is left. */
async function headOf(
  source: LogSource,
  { paths, seal }: LogRepairParts,
): Promise<{ readonly head: Head | undefined; readonly isOld: boolean }> {
  const [found = []] = await source.getMany([paths.head]);
  let newest: Head | undefined;
  for (const { value, stands } of found) {
    const head = await attempt(() => parseHead(value, seal), stands);
    if (head !== undefined && stands) return { head, isOld: false };
    if (head !== undefined && (newest === undefined || isLater(head, newest))) newest = head;
  }
  return { head: newest, isOld: true };
}

function isLater(a: Head, b: Head): boolean {
  return a.epoch !== b.epoch ? a.epoch > b.epoch : a.commit > b.commit;
}

/** What repairs have set aside so far: how much, and in which epoch last. */
async function asidesIn(source: LogSource, { paths }: LogRepairParts): Promise<{ readonly bytes: number; readonly epoch: number }> {
  let bytes = 0;
  let epoch = 0;
  for await (const { key, found } of everything(source, paths.asides)) {
    if (found[0]?.stands) bytes += found[0].value.length;
    epoch = Math.max(epoch, Number(key.slice(paths.asides.length).split("!")[0]) || 0);
  }
  return { bytes, epoch };
}

/** What is to stand under keys: a text; of what was found under the key, the one in this place; or nothing. */
class Draft implements Sink {
  readonly changes: Map<string, string | number | undefined> = new Map();
  readonly asides: Map<string, string> = new Map();

  aside(key: string, value: Stored): Promise<void> {
    this.asides.set(key, value as string);
    return Promise.resolve();
  }

  put(key: string, value: string): Promise<void> {
    this.changes.set(key, value);
    return Promise.resolve();
  }

  choose(key: string, place: number): Promise<void> {
    this.changes.set(key, place);
    return Promise.resolve();
  }

  remove(key: string): Promise<void> {
    this.changes.set(key, undefined);
    return Promise.resolve();
  }
}

/** What a new beginning is made of. */
interface Beginning {
  readonly log: Log;
  readonly remains: Remains;
  readonly source: LogSource;
  readonly sink: Draft;
  readonly found: Survey;
  /** Where the log goes on. */
  readonly place: Position;
  /** The marked head. */
  readonly head: Head;
  readonly asideBytes: number;
}

/** Writes everything that counts as one run, and the checkpoint that names it. False: others have made one meanwhile. */
async function beginAnew(beginning: Beginning, parts: LogRepairParts): Promise<boolean> {
  const { log, remains, sink, found, place, head } = beginning;
  const { paths, store, checkpoints, options: { seal, random, now, root, shortRoot = root, tuning }, limits } = log;
  const asides = new Map([...sink.asides].map(([key, value]) => [parts.paths.aside(head.epoch, key), value]));
  const room = Math.floor(limits.valueBytes / 2);
  for (const { name, bytes } of remains.worthless) {
    const key = `${parts.paths.asides}${pad(head.epoch)}!${name.slice(shortRoot.length)}`;
    for (let at = 0; at < bytes.length || at === 0; at += room) {
      asides.set(`${key}!${pad(at / room)}`, `B${toBase64url(bytes.subarray(at, at + room))}`);
    }
  }
  const setAside = [...asides.values()].reduce((sum, { length }) => sum + length, beginning.asideBytes);
  const { set } = await endOf(head, found, setAside, parts);
  for (const [key, value] of [...asides, ...set]) sink.changes.set(key, value);
  const builder = new RunBuilder({ store, seal, paths, token: tokenOf(head.epoch, random), limitBytes: limits.valueBytes, count: 0 });
  for await (const [key, value] of finalEntries(beginning, parts)) await builder.add([key, value]);
  const run = await builder.finish();
  const generations = remains.names.filter((name) => name.startsWith(paths.checkpoints)).map((name) =>
    Number(name.slice(paths.checkpoints.length))
  );
  const listed = generations.filter(Number.isSafeInteger);
  const next: Checkpoint = {
    root,
    // Another one than before: whoever knew the log begins to read anew.
    id: toHex(random(12)),
    generation: store.list === undefined ? nextSlot(remains) : await checkpoints.newest(Math.max(-1, ...listed)) + 1,
    at: now(),
    frame: place.number,
    digest: place.digest,
    segment: { name: place.name, from: place.from },
    horizon: place.number,
    runs: run === undefined ? [] : [run],
    hot: set.map(([key, value]) => [key, value]),
    making: [],
    dropped: [...new Set([...remains.names.filter((name) => isDone(name, place, log)), ...fenceOf(remains, place, log)])],
    removing: [],
    abandoned: [],
    sealed: [],
    staying: tuning.lagMs === 0 ? [] : listed.map((generation) => [generation, now()]),
    read: [],
    write: [],
  };
  return await checkpoints.create(await formatCheckpoint(next, seal));
}

/** What stood before and is not needed any more once the new checkpoint stands. */
function isDone(name: string, place: Position, { paths, store }: Log): boolean {
  if (name.startsWith(paths.runs)) return true;
  if (store.segments !== undefined) return name.startsWith(paths.segments) && name !== place.name;
  return name.startsWith(paths.frames) && Number(name.slice(paths.frames.length)) < place.from;
}

/** The frames with which the log was closed, where they are objects. */
function fenceOf({ free }: Remains, place: Position, { store, paths }: Log): string[] {
  if (store.segments !== undefined) return [];
  return Array.from({ length: Math.max(0, place.from - free) }, (_, i) => nameOf(paths.frames, free + i));
}

/** Above the one that is damaged, whatever that was, and in its place: the other one is not written over. */
function nextSlot({ base, worthless }: Remains): number {
  const said = worthless.map(({ bytes }) => Number(/"generation":(\d{1,12})[,}]/.exec(new TextDecoder().decode(bytes))?.[1] ?? 0));
  return base === undefined ? Math.max(0, ...said) + 3 : base.generation + 3;
}

/** Everything that is to stand, in order. */
async function* finalEntries(
  { source, sink: { changes } }: Beginning,
  { paths }: LogRepairParts,
): AsyncGenerator<readonly [string, string]> {
  const keys = [...changes.keys()].sort();
  let at = 0;
  for await (const { key, found } of everything(source, paths.root)) {
    for (; at < keys.length && keys[at]! < key; at++) {
      const value = changes.get(keys[at]!);
      if (typeof value === "string") yield [keys[at]!, value];
    }
    const change = changes.get(key);
    if (keys[at] === key) at++;
    const value = !changes.has(key)
      ? found[0]?.stands ? found[0].value : undefined
      : typeof change === "number"
      ? found[change]?.value
      : change;
    if (value !== undefined) yield [key, value as string];
  }
  for (; at < keys.length; at++) {
    const value = changes.get(keys[at]!);
    if (typeof value === "string") yield [keys[at]!, value];
  }
}
