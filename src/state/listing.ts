/**
 * Listing keys, entries and scopes, with what only this process has in its place.
 *
 * @module
 */
import { decodeScope, encodeScope, isScopeType, type StateScope } from "../keys/scopes.ts";
import { decodeSegment } from "../keys/segment.ts";
import { shown } from "../shown.ts";
import { covers, type PathRange } from "../store/recent.ts";
import type { Row } from "../store/row.ts";
import { corrupt } from "../store/seal.ts";
import type { Core, Target } from "./core.ts";
import type { Entry } from "./entry.ts";
import { checkLimit, type Listing, listingOf, PAGE } from "./listing_options.ts";
import type { LocalEntry } from "./ephemeral.ts";
import { isLive } from "./live.ts";
import type { ScopesOptions } from "./manager.ts";
import { GONE } from "./payload.ts";
import { entryOf, loadEntry, localEntryOf, localOf } from "./reads.ts";

/** The key at the end of a path. */
export function targetAt(scope: StateScope, path: string): Target {
  const key = decodeSegment(path.slice(path.lastIndexOf("!") + 1));
  if (key === undefined) throw corrupt(`the row "${path}"`, "its key is malformed", undefined, path);
  return { scope, key, path };
}

/** One key of a listing, and what stands under it. */
interface Item {
  readonly target: Target;
  readonly row: Row | undefined;
  /** What only this process has. */
  readonly local: LocalEntry | undefined;
}

/** Pages of a listing, each of one commit. */
export async function* listItems(listing: Listing, core: Core): AsyncGenerator<readonly Item[]> {
  const { scope, prefix, reverse } = listing;
  let left = listing.limit;
  for (let after = listing.after; left > 0;) {
    // Taken before the page is read: what becomes stored while it is read is in one of the two.
    const before = localsUnder(prefix, core);
    const page = await core.store.page({ prefix, after, limit: left === Infinity ? PAGE : left, reverse });
    const now = core.now();
    const items = new Map<string, Item>();
    for (const row of page.rows) {
      if (isLive(row, now) && !core.behind.holds(row.path)) {
        items.set(row.path, { target: targetAt(scope, row.path), row, local: undefined });
      }
    }
    const range = { prefix, ...bounds(after, page.next, reverse) };
    for (const [path, was] of new Map([...before, ...localsUnder(prefix, core)])) {
      const local = localOf(path, core);
      if (path === after || !covers(range, path) || (local === undefined && items.has(path))) continue;
      items.set(path, { target: targetAt(scope, path), row: undefined, local: local ?? was });
    }
    const sorted = [...items.values()].sort((a, b) => (a.target.path < b.target.path) === reverse ? 1 : -1).slice(0, left);
    left -= sorted.length;
    yield sorted;
    if (page.next === undefined) return;
    after = page.next;
  }
}

/** The range of paths from one place to another in the order of a listing, both inclusive. */
export function bounds(from: string | undefined, to: string | undefined, reverse: boolean): Omit<PathRange, "prefix"> {
  const [low, high] = reverse ? [to, from] : [from, to];
  return { ...(low === undefined ? {} : { from: low }), ...(high === undefined ? {} : { to: high }) };
}

/** What only this process has under a prefix. */
function localsUnder(prefix: string, core: Core): Map<string, LocalEntry> {
  const now = core.now();
  const locals = new Map<string, LocalEntry>();
  for (const path of [...core.ephemeral.paths(prefix, now), ...core.behind.paths(prefix, now)]) {
    const local = localOf(path, core);
    if (local !== undefined) locals.set(path, local);
  }
  return locals;
}

/** Keys of exactly one scope. */
export async function* listKeys(listing: Listing, core: Core): AsyncGenerator<string> {
  for await (const items of listItems(listing, core)) for (const { target } of items) yield target.key;
}

/** Entries of exactly one scope. */
export async function* listEntries(listing: Listing, core: Core): AsyncGenerator<Entry> {
  for await (const items of listItems(listing, core)) {
    for (const { target, row, local } of items) {
      const entry = row === undefined ? await localEntryOf(target, local!, core) : await entryOf(target, row, core);
      // Its object was replaced since the page was read: what stands there now is as good.
      const current = entry === GONE ? await loadEntry(target, core) : entry;
      if (current !== undefined) yield current;
    }
  }
}

/** Scopes that hold an entry, in order. */
export async function* listScopes(options: ScopesOptions, core: Core): AsyncGenerator<StateScope> {
  const { type, after, reverse = false, limit = Infinity } = options;
  if (type !== undefined && !isScopeType(type)) {
    throw new TypeError(`Cannot list scopes of type ${shown(type)}: there is no such type`);
  }
  const prefix = type === undefined ? "" : `${type}!`;
  let left = checkLimit(limit);
  let path = after === undefined ? undefined : encodeScope(after);
  while (left > 0) {
    const next = await nextScope(prefix, path, reverse, core);
    if (next === undefined) return;
    path = next;
    const scope = decodeScope(next);
    // Scopes of our own are no caller's.
    if (scope === undefined || (type !== undefined && scope.type !== type) || !await hasEntry(scope, core)) continue;
    left--;
    yield scope;
  }
}

/** The scope path after one, in order, in which anything is stored. */
async function nextScope(prefix: string, path: string | undefined, reverse: boolean, core: Core): Promise<string | undefined> {
  // `!` sorts below every character of an encoded segment, and `"` right above it.
  const after = path === undefined ? undefined : reverse ? `${path}!` : `${path}"`;
  const now = core.now();
  const locals = [...localsUnder(prefix, core).keys()];
  let rows: readonly Row[] = [];
  // A page can be empty and not the last: what it held may be on its way out.
  for (let from = after;;) {
    const page = await core.store.page({ prefix, after: from, limit: 1, reverse });
    rows = page.rows;
    if (rows.length > 0 || page.next === undefined) break;
    from = page.next;
  }
  const candidates = [...rows.map((row) => row.path), ...locals, ...core.ephemeral.paths(prefix, now), ...core.behind.paths(prefix, now)]
    .filter((candidate) => after === undefined || (reverse ? candidate < after : candidate > after))
    .sort((a, b) => (a < b) === reverse ? 1 : -1);
  return candidates[0]?.slice(0, candidates[0].lastIndexOf("!"));
}

async function hasEntry(scope: StateScope, core: Core): Promise<boolean> {
  for await (const items of listItems({ ...listingOf(scope, {}), limit: 1 }, core)) if (items.length > 0) return true;
  return false;
}
