/**
 * Whether what is stored counts as there.
 *
 * @module
 */
import type { Row } from "../store/row.ts";

/** Whether a row is there and has not expired. */
export function isLive(row: Row | undefined, now: number): row is Row {
  return row !== undefined && (row.expiresAt === 0 || row.expiresAt > now);
}
