/**
 * Where figures lie.
 *
 * @module
 */

/** The figure below which such a part of all lies, between two of them where it falls there; 0.5: the median. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const place = part * (sorted.length - 1);
  const below = sorted[Math.floor(place)]!;
  return below + (sorted[Math.ceil(place)]! - below) * (place % 1);
}

/** The figure in the middle. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}
