/**
 * Pages of entries in order, each of one commit.
 *
 * @module
 */
import { type Head, Overtaken } from "./head.ts";
import type { Paths } from "./paths.ts";
import type { Port } from "./port.ts";
import { covers, type PathRange } from "./recent.ts";
import { parseRow, type Row, type Slot } from "./row.ts";
import { corrupt, type Seal } from "./seal.ts";
import type { View } from "./view.ts";

/** Which entries. */
export interface PageOptions {
  /** Paths that begin with it. */
  readonly prefix: string;
  /** Exclusive; with `reverse` below it, else above it. */
  readonly after?: string | undefined;
  readonly limit: number;
  readonly reverse?: boolean | undefined;
  /** The page must be exactly as of the head that it names: nothing in its range changed since. @default false */
  readonly exact?: boolean;
}

/** Entries of one commit. */
export interface Page {
  readonly rows: readonly Row[];
  /** Where the next page begins (`after`); `undefined`: there is none. */
  readonly next: string | undefined;
  /** The page is as of a commit not older than this. */
  readonly head: Head;
}

/** A page of entries as of one commit no older than the call. */
export async function loadPage(
  options: PageOptions,
  view: View,
  parts: { readonly port: Port; readonly paths: Paths; readonly seal: Seal },
  overlayRange: (head: Head, range: PathRange) => Promise<ReadonlyMap<string, Slot>>,
): Promise<Page> {
  const { port, paths, seal } = parts;
  const { prefix, after, limit, reverse = false } = options;
  for (;;) {
    // One page is one moment of the driver; what could tear it is a commit that is brought in by steps. The head shows those.
    const before = view.head;
    const items = await port.list({
      prefix: paths.rows + prefix,
      limit,
      reverse,
      values: true,
      ...(after === undefined ? {} : { after: paths.rows + after }),
    });
    const head = await view.look();
    const isTorn = head.stepped !== before.stepped || head.applied !== before.applied && before.applied < before.commit ||
      head.step !== before.step;
    if (isTorn) continue;
    if (options.exact === true && head.commit !== before.commit && view.recent.rangeChangedSince({ prefix }, before.commit)) continue;
    const rows = new Map<string, Row>();
    for (const { key, value } of items) {
      const path = key.slice(paths.rows.length);
      if (value === undefined) throw corrupt(`the row "${path}"`, "the driver listed it without its value");
      const row = await parseRow(value, path, seal);
      if (row.commit > head.commit) {
        throw corrupt(`the row "${path}"`, `it is of commit ${row.commit}, and the head of ${head.commit}`, row.commit, path);
      }
      rows.set(path, row);
    }
    const last = items.length === limit ? items.at(-1)!.key.slice(paths.rows.length) : undefined;
    if (head.applied < head.commit) {
      const [from, to] = reverse ? [last, after] : [after, last];
      const range = { prefix, ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
      const overlaid = await overlayRange(head, range).catch((error) => {
        if (error instanceof Overtaken) return undefined;
        throw error;
      });
      if (overlaid === undefined) continue;
      for (const [path, { row }] of overlaid) {
        if (path === after || !covers(range, path)) continue;
        if (row === undefined) rows.delete(path);
        else rows.set(path, row);
      }
    }
    const sorted = [...rows.values()].sort((a, b) => (a.path < b.path) === reverse ? 1 : -1);
    return { rows: sorted, next: last, head };
  }
}
