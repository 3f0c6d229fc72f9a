/**
 * What options must be: one way to say so, for those of `openState` and of every verb.
 *
 * @module
 */
import { shown } from "./shown.ts";

/** What an option must be. */
export interface OptionRule {
  /** In words, behind "it must be". */
  readonly must: string;
  /** Whether a value is that. */
  readonly holds: (value: unknown) => boolean;
}

/** Whoever uses the option judges it, and names it. */
export const judgedLater: OptionRule = { must: "", holds: () => true };
/** True or false. */
export const aBoolean: OptionRule = { must: "true or false", holds: (value) => typeof value === "boolean" };
/** Text. */
export const aString: OptionRule = { must: "a string", holds: (value) => typeof value === "string" };
/** To be called. */
export const aFunction: OptionRule = { must: "a function", holds: (value) => typeof value === "function" };
/** With properties that have names. */
export const anObject: OptionRule = {
  must: "an object",
  holds: (value) => typeof value === "object" && value !== null && !Array.isArray(value),
};

/** One of a few words. */
export function oneOf(words: Iterable<string>): OptionRule {
  const all: ReadonlySet<unknown> = new Set(words);
  return { must: [...all].map(shown).join(" or "), holds: (value) => all.has(value) };
}

/**
 * Checks one option; `undefined` counts as not given. `doing`: what cannot be done with it, behind "Cannot".
 *
 * @throws {TypeError} if it is not what it must be
 */
export function checkOption(doing: string, name: string, value: unknown, { must, holds }: OptionRule): void {
  if (value === undefined || holds(value)) return;
  throw new TypeError(`Cannot ${doing} with ${name} ${shown(value)}: it must be ${must}`);
}
