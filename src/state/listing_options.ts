/**
 * Where a listing begins and ends.
 *
 * @module
 */
import { checkName } from "../keys/key.ts";
import { encodeScope, type StateScope } from "../keys/scopes.ts";
import { encodeSegment } from "../keys/segment.ts";
import { shown } from "../shown.ts";
import type { ListOptions } from "./entry.ts";

/** Entries that one page reads where the caller sets no limit. */
export const PAGE = 500;

/** Where a listing runs. */
export interface Listing {
  readonly scope: StateScope;
  /** Scope path and the encoded prefix. */
  readonly prefix: string;
  /** Exclusive. */
  readonly after: string | undefined;
  readonly limit: number;
  readonly reverse: boolean;
}

/** A listing from what the caller says. */
export function listingOf(scope: StateScope, options: ListOptions): Listing {
  const { prefix, after, limit = Infinity, reverse = false } = options;
  const path = `${encodeScope(scope)}!`;
  return {
    scope,
    prefix: path + (prefix === undefined || prefix === "" ? "" : encodeSegment(checkName(prefix, "key"))),
    after: after === undefined || after === "" ? undefined : path + encodeSegment(checkName(after, "key")),
    limit: checkLimit(limit),
    reverse,
  };
}

/**
 * How many to list, from the caller.
 *
 * @throws {RangeError} if it is no whole number from 0
 */
export function checkLimit(limit: number): number {
  if (limit === Infinity || (Number.isSafeInteger(limit) && limit >= 0)) return limit;
  throw new RangeError(`Cannot list with limit ${shown(limit)}: it must be a whole number, 0 or more`);
}
