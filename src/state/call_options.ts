/**
 * What each verb may be told. An option that is none is told, as a misspelt one would be ignored otherwise; what is asked for is
 * taken at the call, as values are.
 *
 * @module
 */

const commit = ["operationId", "reason", "signal"];
const entry = ["class", "content", "expiresInMs"];
const listing = ["prefix", "after", "limit", "reverse"];

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

/** The names of each verb's options. */
const names: Readonly<Record<Verb, readonly string[]>> = {
  save: [...commit, "ifRevision", ...entry],
  delete: [...commit, "ifRevision"],
  keys: listing,
  entries: listing,
  scopes: ["type", "after", "limit", "reverse"],
  clear: [...commit, "prefix"],
  copy: commit,
  move: commit,
  update: [...commit, "ifRevision", ...entry, "initial"],
  increment: [...commit, "ifRevision"],
  once: [...commit, ...entry, "leaseMs", "wait"],
  transaction: [...commit, "attempts", "onCommit"],
};

/** Options that belong to the commit: a write inside a transaction has none. */
const ofCommit: ReadonlySet<string> = new Set(commit);

/**
 * A call's options as they are now: the caller may go on changing the object. Each is read once.
 *
 * @throws {TypeError} if they are no object, or one of them is not an option of the verb
 */
export function takeOptions<T extends object>(verb: Verb, options: T, isInside = false): T {
  checkNames(verb, options, isInside);
  const taken: Record<string, unknown> = {};
  for (const name of names[verb]) {
    const value = options[name as keyof T];
    if (value !== undefined) taken[name] = value;
  }
  return taken as T;
}

function checkNames(verb: Verb, options: unknown, isInside: boolean): void {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(
      `Cannot call ${verb}() with options that are ${options === null ? "null" : `a ${typeof options}`}: they must be an object`,
    );
  }
  for (const name in options) {
    const known = names[verb];
    if (known.includes(name) && !(isInside && ofCommit.has(name))) continue;
    const there = isInside ? known.filter((name) => !ofCommit.has(name)) : known;
    throw new TypeError(
      isInside && known.includes(name)
        ? `Cannot call ${verb}() with option "${name}" inside a transaction: it belongs to the transaction`
        : `Cannot call ${verb}() with option "${name}": there are ${there.join(", ")}`,
    );
  }
}

/**
 * Checks what a verb is to run.
 *
 * @throws {TypeError} if it is no function
 */
export function checkFunction(verb: Verb, fn: unknown): void {
  if (typeof fn !== "function") {
    throw new TypeError(`Cannot call ${verb}() with ${fn === null ? "null" : `a ${typeof fn}`} where a function is to be`);
  }
}
