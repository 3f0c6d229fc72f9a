/**
 * What stored text may say. A digest that fits shows that nothing has changed it by accident; whoever can write to the store can
 * make it fit. So what is read counts only if we could have written it: no name leads out of the namespace, no number is absurd.
 *
 * @module
 */

/** A whole number, not negative. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && value as number >= 0;
}

/** A text. */
export function isText(value: unknown): value is string {
  return typeof value === "string";
}

/** An array of which each item is so. */
export function isListOf(value: unknown, is: (item: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(is);
}

/** An array of items of these kinds, one each. */
export function isTuple(value: unknown, ...kinds: ((item: unknown) => boolean)[]): boolean {
  return Array.isArray(value) && value.length === kinds.length && kinds.every((is, i) => is(value[i]));
}

/** The name of an object under a prefix: one segment more, of what names are made of. */
export function isNameUnder(prefix: string, value: unknown): value is string {
  return isText(value) && value.startsWith(prefix) && /^[0-9a-z-]{1,80}$/.test(value.slice(prefix.length));
}

/** What names of a maker's objects begin with. */
export function isToken(value: unknown): value is string {
  return isText(value) && /^[0-9a-f]{1,64}$/.test(value);
}
