/**
 * A journal: the frames of one log in order, wherever they stand.
 *
 * @module
 */
import type { Frame } from "./frame.ts";

/** Where a log is read on: a byte of a segment, or the number of an object under a prefix; behind this frame. */
export interface Position {
  readonly name: string;
  readonly from: number;
  readonly number: number;
  readonly digest: string;
}

/** What a position needs is gone: a newer checkpoint does without it. */
export class Removed extends Error {}

/** Whether a frame stands could not be learnt: it may count later. */
export class Unknown extends Error {}

/** Reads and appends the frames of one log. Calls must not overlap. */
export interface Journal {
  /** Behind the last frame that counted. */
  readonly position: Position;
  /** What stands behind the last frame, if that is part of a frame that was never whole. */
  readonly torn: { readonly name: string; readonly from: number; readonly bytes: number } | undefined;
  /**
   * The frames that follow, durable.
   *
   * @throws {Removed} if they may be gone
   * @throws {StateError} STATE_CORRUPT if a frame is missing and a later one is there
   */
  read(): Promise<readonly Frame[]>;
  /**
   * Adds a frame behind the last one. True: it stands there, durable. False: another frame does, durable; read on.
   *
   * @throws {Removed} if the place where it would stand is gone, so that it will never stand there
   * @throws {StateError} STATE_DRIVER if it was not written, and will not be
   * @throws {Unknown} if that could not be learnt
   */
  append(frame: Frame): Promise<boolean>;
}
