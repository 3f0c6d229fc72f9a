/**
 * What each verb may be told. An option that is none is told, as a misspelt one would be ignored otherwise; what is asked for is
 * taken at the call, as values are.
 *
 * @module
 */

import { aBoolean, aFunction, anObject, aString, checkOption, judgedLater, oneOf, type OptionRule } from "../options.ts";
import { typeName } from "../shown.ts";
import { classes } from "./classes.ts";

/** Rules by the names of options. */
type Rules = Readonly<Record<string, OptionRule>>;

const aSignal: OptionRule = {
  must: "an AbortSignal",
  holds: (value) =>
    anObject.holds(value) && typeof (value as AbortSignal).aborted === "boolean" &&
    [(value as AbortSignal).throwIfAborted, (value as AbortSignal).addEventListener].every(aFunction.holds),
};
const commit: Rules = { operationId: aString, reason: aString, signal: aSignal };
const entry: Rules = { class: oneOf(classes), content: oneOf(["plain", "sensitive"]), expiresInMs: judgedLater };
const listing: Rules = { prefix: aString, after: aString, limit: judgedLater, reverse: aBoolean };
const precondition: Rules = { ifRevision: judgedLater };

/** A verb that may be told something. */
export type Verb =
  | "save"
  | "delete"
  | "keys"
  | "entries"
  | "scopes"
  | "clear"
  | "copy"
  | "move"
  | "update"
  | "increment"
  | "once"
  | "transaction";

/** The options of each verb. */
const rules: Readonly<Record<Verb, Rules>> = {
  save: { ...commit, ...precondition, ...entry },
  delete: { ...commit, ...precondition },
  keys: listing,
  entries: listing,
  scopes: { type: judgedLater, after: judgedLater, limit: judgedLater, reverse: aBoolean },
  clear: { ...commit, prefix: aString },
  copy: commit,
  move: commit,
  update: { ...commit, ...precondition, ...entry, initial: judgedLater },
  increment: { ...commit, ...precondition },
  once: { ...commit, ...entry, leaseMs: judgedLater, wait: aBoolean },
  transaction: { ...commit, attempts: judgedLater, onCommit: aFunction },
};

/**
 * A call's options as they are now: the caller may go on changing the object. Each is read once.
 *
 * @throws {TypeError} if they are no object, or one of them is not an option of the verb, or not what it must be
 */
export function takeOptions<T extends object>(verb: Verb, options: T, isInside = false): T {
  if (!anObject.holds(options)) {
    throw new TypeError(`Cannot call ${verb}() with options that are ${typeName(options)}: they must be an object`);
  }
  for (const name in options) {
    if (!Object.hasOwn(rules[verb], name) || (isInside && Object.hasOwn(commit, name))) throw notAnOption(verb, name, isInside);
  }
  const taken: Record<string, unknown> = {};
  for (const [name, rule] of Object.entries(rules[verb])) {
    const value = options[name as keyof T];
    checkOption(`call ${verb}()`, name, value, rule);
    if (value !== undefined) taken[name] = value;
  }
  return taken as T;
}

/** Options that belong to the commit: a write inside a transaction has none. */
function notAnOption(verb: Verb, name: string, isInside: boolean): TypeError {
  const there = Object.keys(rules[verb]).filter((name) => !(isInside && Object.hasOwn(commit, name)));
  const isOfCommit = isInside && Object.hasOwn(commit, name) && Object.hasOwn(rules[verb], name);
  return new TypeError(
    isOfCommit
      ? `Cannot call ${verb}() with option "${name}" inside a transaction: it belongs to the transaction`
      : `Cannot call ${verb}() with option "${name}": there are ${there.join(", ")}`,
  );
}

/**
 * Checks what a verb is to run.
 *
 * @throws {TypeError} if it is no function
 */
export function checkFunction(verb: Verb, fn: unknown): void {
  if (typeof fn !== "function") throw new TypeError(`Cannot call ${verb}() with ${typeName(fn)} where a function is to be`);
}
