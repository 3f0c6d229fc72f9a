/**
 * What messages say of something that a caller gave.
 *
 * @module
 */

/** Characters of a text that a message shows. */
const SHOWN = 100;

/** Its type, with an article where it takes one. */
export function typeName(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return "an array";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

/** The thing itself, so that `"1"`, `1` and `1n` can be told apart; of what has no short form, its type. */
export function shown(value: unknown): string {
  switch (typeof value) {
    case "string":
      return value.length > SHOWN ? `${JSON.stringify(value.slice(0, SHOWN))}…` : JSON.stringify(value);
    case "bigint":
      return `${value}n`;
    case "number":
    case "boolean":
      return String(value);
    default:
      return typeName(value);
  }
}
