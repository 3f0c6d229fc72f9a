/**
 * Merging runs: what newer ones say counts, and pages that they do not touch are taken over as they are.
 *
 * @module
 */
import type { RunBuilder } from "./builder.ts";
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
 * How many of the newest runs are worth merging with entries that are to be written anyway, where that writes at most so many bytes
 * more than those entries.
 */
export async function countAtHand(
  entries: readonly Entry[],
  runs: readonly RunRef[],
  reader: RunReader,
  { reuseBytes }: Pick<RunBuilder, "reuseBytes">,
  mostBytes: number,
): Promise<number> {
  const keys = entries.map(([key]) => key);
  let bytes = entries.reduce((sum, [key, value = ""]) => sum + key.length + value.length, 0);
  let more = 0;
  const newer: (readonly PageRef[])[] = [];
  for (const [count, run] of runs.entries()) {
    if (run.bytes > RATIO * bytes) return count;
    const { pages } = await reader.partsOf(run);
    const isLast = count === runs.length - 1;
    for (const page of pages) {
      const isTouched = (keys[placeOf(keys, page.first)] ?? "\u{ffff}") <= page.last ||
        newer.some((others) => (others[pageFrom(others, page.first)]?.first ?? "\u{ffff}") <= page.last);
      if (isTouched || page.bytes < reuseBytes || isLast && page.gone > 0) more += page.bytes;
    }
    if (more > mostBytes) return count;
    bytes += run.bytes;
    newer.push(pages);
  }
  return runs.length;
}

/** A source of a merge: entries in order, and pages that may be taken over whole. */
interface Cursor {
  readonly pages: readonly PageRef[];
  page: number;
  entries: readonly Entry[] | undefined;
  place: number;
}

/** A run that was made of others, and the names of their objects that it does without. */
export interface MergedRun {
  readonly run: RunRef | undefined;
  readonly dropped: readonly string[];
}

/**
 * Merges entries that no run has yet, and runs, newest first, into one; with `isLast` nothing older is left, and what is gone is left
 * out.
 */
export async function mergeRuns(
  newest: readonly Entry[],
  runs: readonly RunRef[],
  isLast: boolean,
  reader: RunReader,
  builder: RunBuilder,
): Promise<MergedRun> {
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
      const isAlone = cursors.every((other) => other === least || (keyOf(other) ?? "\u{ffff}") > page.last);
      if (isAlone && page.bytes >= builder.reuseBytes && !(isLast && page.gone > 0)) {
        await builder.take(page);
        least.page++;
        continue;
      }
      least.entries = await reader.entriesOf(page);
      dropped.push(page.name);
      continue;
    }
    const [, value] = least.entries[least.place]!;
    if (value !== undefined || !isLast) await builder.add([key, value]);
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
  return { run: await builder.finish(), dropped };
}
