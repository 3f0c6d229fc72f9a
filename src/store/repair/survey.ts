/**
 * Looks at everything that is stored of a namespace, decides what still counts, and sees to it that only that stands.
 *
 * @module
 */
import type { Digester } from "../../digest.ts";
import type { Head } from "../head.ts";
import { TAIL } from "../maintain.ts";
import type { Paths } from "../paths.ts";
import type { Seal } from "../seal.ts";
import { Entries } from "./entries.ts";
import { type FoundRecord, type History, readHistory } from "./history.ts";
import { Objects } from "./objects.ts";
import { everything, type Sink, type Source } from "./source.ts";
import { Versions } from "./versions.ts";

/** What a repair came to. */
export interface RepairReport {
  /** Commits that stand in the log and prove themselves. */
  readonly kept: number;
  /** Numbers of commits of which that cannot be said any more, lowest first: their record is lost, or a value that they wrote. */
  readonly lostCommits: readonly number[];
}

/** What a survey takes. */
export interface SurveyParts {
  readonly paths: Paths;
  readonly seal: Seal;
  readonly digester: Digester;
  readonly source: Source;
  readonly sink: Sink;
  /** The head stood there once, and may have been replaced since. @default false */
  readonly isOldHead?: boolean;
}

/** What a survey came to. */
export interface Survey {
  /** Something stands as it must not, or is missing. */
  readonly isDamaged: boolean;
  /** Commits whose records prove themselves, and all that they wrote does. */
  readonly kept: number;
  /** Commits of which that cannot be said any more, in order. */
  readonly lost: readonly number[];
  /** The newest revisions of entries may be lost. */
  readonly isForgetful: boolean;
  /** The highest number that is known to have been used, and when its record was made at the earliest. */
  readonly newest: number;
  readonly at: number;
  readonly epoch: number;
  /** The newest record that proves itself. */
  readonly last: FoundRecord | undefined;
  /** The highest number whose record may be gone: as it was found, and when everything stands as it must. */
  readonly horizon: number;
  readonly nextHorizon: number;
  /** The head's figures. */
  readonly figures: Pick<Head, "entries" | "valueBytes" | "logBytes" | "objectBytes">;
}

/** Looks at a namespace, and mends it by way of the sink. `head`: `undefined` where it does not prove itself. */
export async function survey(head: Head | undefined, parts: SurveyParts): Promise<Survey> {
  const { source, paths, seal, sink } = parts;
  const history = await readHistory(head, source, paths, seal, parts.isOldHead);
  const objects = new Objects(parts);
  const isDone = (commit: number) => commit <= Math.max(history.horizon, history.newest - TAIL);
  const versions = await Versions.read(history, isDone, { source, paths, seal, objects });
  const pending = head !== undefined && head.applied < head.commit ? head : undefined;
  const entries = new Entries({ source, sink, paths, seal, objects, history, versions, pending, isDone, isStrict: head === undefined });
  await entries.look();
  const newest = Math.max(history.newest, entries.newest);
  const missing = missingIn(history, newest);
  const unread = [...versions.unread];
  const lost = new Set([...missing, ...unread.filter((commit) => commit > history.horizon), ...entries.lost]);
  // A record that lost something is no record of what there was: nothing may go because it says so.
  const isKept = ({ commits }: FoundRecord) => !commits.some(({ number }) => lost.has(number) || versions.unread.has(number));
  const kept = history.records.filter(isKept);
  const named = new Set(entries.named);
  let dropped = 0;
  for (const record of kept) {
    const { own, drops } = versions.named.get(record)!;
    for (const { name } of [...own, ...drops]) named.add(name);
    for (const { bytes } of drops) dropped += bytes;
  }
  await mendLog(history, kept, parts);
  const stages = await mendStages(parts);
  await mendObjects(objects, named, stages.covers, parts);
  const gone = history.records.filter((record) => !isKept(record)).map(({ last }) => last);
  const highest = (numbers: readonly number[]) => numbers.reduce((high, number) => Math.max(high, number), 0);
  const commits = history.records.flatMap((record) => record.commits);
  return {
    isDamaged: head === undefined || newest > head.commit || lost.size > 0 || unread.length > 0 || history.strays.length > 0 ||
      history.records.some(({ stands }) => !stands) || entries.isDamaged || stages.isDamaged,
    kept: commits.filter(({ number }) => !lost.has(number)).length,
    lost: [...lost].sort((a, b) => a - b),
    isForgetful: lost.size > 0 || entries.isForgetful,
    newest,
    at: highest([entries.at, ...history.records.map(({ at }) => at)]),
    epoch: highest(history.records.map(({ epoch }) => epoch)),
    last: history.records.at(-1),
    horizon: history.horizon,
    nextHorizon: highest([history.horizon, ...missing, ...gone]),
    figures: {
      ...entries.figures,
      objectBytes: entries.figures.objectBytes + dropped,
      logBytes: kept.reduce((sum, { size }) => sum + size, 0),
    },
  };
}

/** What a caller is told of a survey. */
export function reportOf({ kept, lost }: Survey): RepairReport {
  return { kept, lostCommits: lost };
}

/** Numbers above the horizon that no record has. */
function missingIn({ records, horizon }: History, newest: number): number[] {
  const missing: number[] = [];
  let next = horizon + 1;
  for (const { first, last } of records) {
    for (; next < first; next++) missing.push(next);
    next = Math.max(next, last + 1);
  }
  for (; next <= newest; next++) missing.push(next);
  return missing;
}

/** Records that count stand where they belong, and nothing else does. */
async function mendLog({ records, strays }: History, kept: readonly FoundRecord[], { source, sink, paths }: SurveyParts): Promise<void> {
  const own = new Set(kept.map(({ first }) => paths.log(first)));
  const worthless = [
    ...strays,
    ...records.filter((record) => record.stands && !kept.includes(record)).map(({ first }) => paths.log(first)),
  ];
  for (const key of worthless) {
    const [found = []] = await source.getMany([key]);
    for (const { value, stands } of found) if (stands) await sink.aside(key, value);
    if (!own.has(key)) await sink.remove(key);
  }
  for (const { first, stands, text } of kept) if (!stands) await sink.put(paths.log(first), text!);
}

/** Announcements of objects that no commit names yet. */
async function mendStages({ source, sink, paths }: SurveyParts): Promise<{ covers: (name: string) => boolean; isDamaged: boolean }> {
  const tokens: string[] = [];
  let isDamaged = false;
  for await (const { key, found } of everything(source, paths.stages)) {
    const standing = found.find(({ stands }) => stands);
    const token = key.slice(paths.stages.length).split("!")[1];
    if (standing?.value === "S1" && token !== undefined) tokens.push(token);
    else if (standing !== undefined) {
      isDamaged = true;
      await sink.aside(key, standing.value);
      await sink.remove(key);
    }
  }
  return { covers: (name) => tokens.some((token) => name.startsWith(token)), isDamaged };
}

/** Objects that nothing names are of no more use to anybody but a person who looks for what was lost. */
async function mendObjects(
  objects: Objects,
  named: ReadonlySet<string>,
  isStaged: (name: string) => boolean,
  { source, sink, paths }: SurveyParts,
): Promise<void> {
  const nameOf = (key: string) => key.slice(paths.objects.length).split("!")[0]!;
  for (const [key, place] of objects.chosen) {
    if (named.has(nameOf(key))) await sink.choose(key, place, (await source.getMany([key]))[0]![place]!.value);
  }
  let after: string | undefined;
  for (;;) {
    const keys = await source.keys(paths.objects, after);
    if (keys.length === 0) return;
    for (const key of keys) {
      const name = nameOf(key);
      if (!objects.isDamaged(name) && (named.has(name) || isStaged(name))) continue;
      const [found = []] = await source.getMany([key]);
      for (const { value, stands } of found) if (stands) await sink.aside(key, value);
      await sink.remove(key);
    }
    after = keys.at(-1)!;
  }
}
