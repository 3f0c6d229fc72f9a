/**
 * Merging runs: what newer ones say counts, and pages that they do not touch are taken over as they are.
 *
 * @module
 */
import type { RunReader } from "./runs.ts";
import { type Entry, pageFrom, type PageRef, placeOf, type RunRef } from "./table.ts";

/** An older run is merged with what is newer unless it is more than so many times as large. */
const RATIO = 4;

/** How many of the newest runs are worth merging. */
export function countToMerge(runs: readonly RunRef[]): number {
  let bytes = runs[0]?.bytes ?? 0;
  let count = 1;
  for (const run of runs.slice(1)) {
    if (run.bytes > RATIO * bytes) break;
    bytes += run.bytes;
    count++;
  }
  return count;
}

/**
 * How many of the newest runs are worth merging with entries that are to be written anyway. None, if that would write more than so
 * many bytes beside those entries, or leave the next run to be merged with the result.
 */
export async function countAtHand(
  entries: readonly Entry[],
  runs: readonly RunRef[],
  reader: RunReader,
  reuseBytes: number,
  mostBytes: number,
): Promise<number> {
  const keys = entries.map(([key]) => key);
  let bytes = entries.reduce((sum, [key, value = ""]) => sum + key.length + value.length, 0);
  const chosen: (readonly PageRef[])[] = [];
  /** Pages that cannot be taken over as they are. */
  const opened = new Set<PageRef>();
  for (const [count, run] of runs.entries()) {
    if (run.bytes > RATIO * bytes) return count;
    const { pages } = await reader.partsOf(run);
    for (const page of pages) {
      const isAmongKeys = (keys[placeOf(keys, page.first)] ?? PAST) <= page.last;
      if (isAmongKeys || page.bytes < reuseBytes || chosen.some((others) => liesAcross(others, page))) opened.add(page);
    }
    for (const others of chosen) for (const page of others) if (liesAcross(pages, page)) opened.add(page);
    chosen.push(pages);
    // With the last run goes what says that something is gone.
    if (count === runs.length - 1) { for (const page of chosen.flat()) if (page.gone > 0) opened.add(page); }
    if ([...opened].reduce((sum, page) => sum + page.bytes, 0) > mostBytes) return 0;
    bytes += run.bytes;
  }
  return runs.length;
}

/** Above every key. */
const PAST = "\u{ffff}";

/** Whether one of these pages, in order, may hold keys between the first and the last one of another. */
function liesAcross(pages: readonly PageRef[], { first, last }: PageRef): boolean {
  return (pages[pageFrom(pages, first)]?.first ?? PAST) <= last;
}

/** What takes the parts of a merged run, in order: a builder, or whoever looks first. */
interface RunSink {
  /** Pages from this size on may be taken over. */
  readonly reuseBytes: number;
  add(entry: Entry): unknown;
  take(page: PageRef): unknown;
}

/** What a run is to be made of, in order: entries, and pages that are taken over. */
export interface RunPlan {
  readonly parts: readonly (Entry | PageRef)[];
  /** The newest of the older runs, which it takes in. */
  readonly inputs: readonly RunRef[];
  /** Objects of those that it does without. */
  readonly dropped: readonly string[];
}

/** Which of the two a part is. */
export function isEntry(part: Entry | PageRef): part is Entry {
  return Array.isArray(part);
}

/**
 * A run of entries that are to be written anyway, which takes older ones in where that writes at most so many bytes more: merged a
 * moment later, all would be written twice. They are read before anything is written.
 */
export async function planRun(
  entries: readonly Entry[],
  older: readonly RunRef[],
  reader: RunReader,
  reuseBytes: number,
  mostBytes: number,
): Promise<RunPlan> {
  try {
    const inputs = older.slice(0, await countAtHand(entries, older, reader, reuseBytes, mostBytes));
    if (inputs.length > 0) {
      const parts: (Entry | PageRef)[] = [];
      const push = (part: Entry | PageRef) => parts.push(part);
      const dropped = await mergeRuns(entries, inputs, inputs.length === older.length, reader, { reuseBytes, add: push, take: push });
      return { parts, inputs, dropped };
    }
  } catch {
    // The entries must become a run all the same. What cannot be read a merge of its own meets next, and says.
  }
  return { parts: entries, inputs: [], dropped: [] };
}

/** A source of a merge: entries in order, and pages that may be taken over whole. */
interface Cursor {
  readonly pages: readonly PageRef[];
  page: number;
  entries: readonly Entry[] | undefined;
  place: number;
}

/**
 * Merges entries that no run has yet, and runs, newest first; with `isLast` nothing older is left, and what is gone is left out. The
 * names of the objects of these runs that the new one does without.
 */
export async function mergeRuns(
  newest: readonly Entry[],
  runs: readonly RunRef[],
  isLast: boolean,
  reader: RunReader,
  sink: RunSink,
): Promise<readonly string[]> {
  const cursors: Cursor[] = newest.length === 0 ? [] : [{ pages: [], page: 0, entries: newest, place: 0 }];
  const dropped: string[] = [];
  for (const run of runs) {
    const { pages, indexes } = await reader.partsOf(run);
    cursors.push({ pages, page: 0, entries: undefined, place: 0 });
    dropped.push(...indexes);
  }
  const keyOf = ({ pages, page, entries, place }: Cursor) => entries?.[place]?.[0] ?? pages[page]?.first;
  for (;;) {
    let least: Cursor | undefined;
    for (const cursor of cursors) {
      const key = keyOf(cursor);
      if (key !== undefined && (least === undefined || key < keyOf(least)!)) least = cursor;
    }
    if (least === undefined) break;
    const key = keyOf(least)!;
    if (least.entries === undefined) {
      const page = least.pages[least.page]!;
      const isAlone = cursors.every((other) => other === least || (keyOf(other) ?? PAST) > page.last);
      if (isAlone && page.bytes >= sink.reuseBytes && !(isLast && page.gone > 0)) {
        await sink.take(page);
        least.page++;
        continue;
      }
      least.entries = await reader.entriesOf(page);
      dropped.push(page.name);
      continue;
    }
    const [, value] = least.entries[least.place]!;
    if (value !== undefined || !isLast) await sink.add([key, value]);
    for (const cursor of cursors) {
      // An older run's page that begins here must be opened to step over its entry.
      while (keyOf(cursor) === key) {
        if (cursor.entries === undefined) {
          const page = cursor.pages[cursor.page]!;
          cursor.entries = await reader.entriesOf(page);
          dropped.push(page.name);
        }
        cursor.place++;
        if (cursor.place === cursor.entries.length) {
          cursor.page++;
          cursor.entries = undefined;
          cursor.place = 0;
        }
      }
    }
  }
  return dropped;
}
