/**
 * Bounds on what one open state accepts and holds, with their defaults.
 *
 * @module
 */

import { shown } from "./shown.ts";

/** Bounds on what an open state accepts and holds. Each is a whole number above zero. */
export interface Limits {
  /** Bytes of one encoded value. @default 16 MiB */
  readonly valueBytes: number;
  /** UTF-8 bytes of a key, and of each id of a scope. @default 512 */
  readonly keyBytes: number;
  /** Levels of nesting in a value. @default 1000 */
  readonly depth: number;
  /** Milliseconds for which an `operationId` is remembered; longer than dates last is for ever. @default 7 days */
  readonly operationIdMs: number;
  /** Bytes of entries kept in memory, ready to decode. @default 32 MiB */
  readonly cacheBytes: number;
  /** Bytes of ephemeral entries; beyond it the least recently used go. @default 16 MiB */
  readonly ephemeralBytes: number;
  /** Bytes of writes accepted but not yet durable; above it `save` of class bulk waits. @default 64 MiB */
  readonly queueBytes: number;
}

const MiB = 1024 * 1024;

/** What holds where `openState({ limits })` says nothing. */
export const defaultLimits: Limits = {
  valueBytes: 16 * MiB,
  keyBytes: 512,
  depth: 1000,
  operationIdMs: 7 * 24 * 60 * 60 * 1000,
  cacheBytes: 32 * MiB,
  ephemeralBytes: 16 * MiB,
  queueBytes: 64 * MiB,
};

/**
 * The default limits with some replaced.
 *
 * @throws {RangeError} if a limit is unknown, or no whole number above zero
 */
export function resolveLimits(given: Partial<Limits> = {}): Limits {
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(defaultLimits, name)) {
      throw new RangeError(`Cannot use limits.${name}: there is no such limit; there are ${Object.keys(defaultLimits).join(", ")}`);
    }
    if (value !== undefined && !(Number.isSafeInteger(value) && value > 0)) {
      throw new RangeError(`Cannot use limits.${name} ${shown(value)}: it must be a whole number above zero`);
    }
  }
  const chosen = Object.entries(given).filter(([, value]) => value !== undefined);
  return { ...defaultLimits, ...Object.fromEntries(chosen) };
}

/** The last moment that a Date can hold, in milliseconds since the epoch (ECMA-262, "Time Values and Time Range"). */
export const LAST_DATE = 8.64e15;

/** A moment so many milliseconds after another: whole, as times are stored, and a date; what lasts longer lasts as long as dates do. */
export function momentAfter(now: number, ms: number): number {
  return Math.min(now + Math.ceil(ms), LAST_DATE);
}
