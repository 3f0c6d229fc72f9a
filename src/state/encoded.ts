/**
 * Values as text.
 *
 * @module
 */

/** A value as text, and how to read it. */
export interface Encoded {
  readonly codec: string;
  readonly text: string;
}
