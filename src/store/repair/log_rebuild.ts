/**
 * Writing a log anew: everything that counts as one run, and a checkpoint that begins with it.
 *
 * @module
 */
import { toBase64url, toHex } from "../../digest.ts";
import type { Head } from "../head.ts";
import { RunBuilder } from "../log/builder.ts";
import { type Checkpoint, formatCheckpoint } from "../log/checkpoint.ts";
import type { Position } from "../log/journal.ts";
import type { Log } from "../log/log.ts";
import { nameOf } from "../log/record_journal.ts";
import { pad } from "../paths.ts";
import type { Stored } from "../port.ts";
import { endOf, type EpochParts } from "./epoch.ts";
import { partOf, tokenOf } from "./log_names.ts";
import type { Remains } from "./log_remains.ts";
import type { LogSource } from "./log_source.ts";
import { everything, type Sink } from "./source.ts";
import type { Survey } from "./survey.ts";

/** What is to stand under keys: a text; of what was found under the key, the one in this place; or nothing. */
export class Draft implements Sink {
  readonly changes: Map<string, string | number | undefined> = new Map();
  /** What is to be set aside, by the key that it stood under. */
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
export interface Beginning {
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
export async function beginAnew(beginning: Beginning, parts: EpochParts): Promise<boolean> {
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
  const listed = remains.names.flatMap((name) => partOf(name, log)?.generation ?? []).sort((a, b) => a - b);
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
    // What could not be read could not be set aside: it stays for a person to look at.
    dropped: [
      ...new Set([
        ...remains.names.filter((name) => isDone(name, place, log) && !remains.unread.has(name)),
        ...fenceOf(remains, place, log),
      ]),
    ],
    removing: [],
    abandoned: [],
    sealed: [],
    // A list that lags may show any of them as the newest.
    staying: tuning.lagMs === 0 ? [] : listed.map((generation) => [generation, now()]),
    read: [],
    write: [],
  };
  const create = async (checkpoint: Checkpoint) => await checkpoints.create(await formatCheckpoint(checkpoint, seal));
  if (!await create(next)) return false;
  // Of two fixed places neither held one that proves itself: the other one would be found damaged until a later checkpoint takes it.
  if (store.list === undefined && remains.base === undefined) await create({ ...next, generation: next.generation + 1 });
  return true;
}

/** What stood before and is not needed any more once the new checkpoint stands. */
function isDone(name: string, place: Position, log: Log): boolean {
  const { paths, store } = log;
  if (name.startsWith(paths.runs)) return true;
  if (store.segments !== undefined) return name.startsWith(paths.segments) && name !== place.name;
  return (partOf(name, log)?.frame ?? Infinity) < place.from;
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
  { paths }: EpochParts,
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
