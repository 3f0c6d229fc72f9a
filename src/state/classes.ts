/**
 * Which class an entry has when its writer says nothing.
 *
 * @module
 */
import { shown } from "../shown.ts";
import type { StateScope } from "../keys/scopes.ts";
import type { StateClass } from "./entry.ts";

/** Names that only make a write more careful, or cheaper to keep: they hold everywhere. */
const byName: readonly (readonly [prefix: string, name: StateClass])[] = [["critical:", "critical"], ["archive:", "archive"]];
/** Names that make a write less careful: only where the caller opted in. */
const byNameOptedIn: readonly (readonly [prefix: string, name: StateClass])[] = [["temp:", "ephemeral"], ["cache:", "ephemeral"], [
  "bulk:",
  "bulk",
]];

/**
 * For `openState({ classify: classifyByName })`: `temp:…` and `cache:…` are ephemeral, `bulk:…` is bulk. Without it such keys
 * are as durable as any other.
 *
 * @example
 * ```ts
 * import { classifyByName, openState, StateScope } from "@llmspell/state-persistence";
 *
 * await using state = await openState({ classify: classifyByName });
 * const { commit } = await state.save(StateScope.global, "cache:page", "<html>");
 * console.log(commit); // 0: in memory only
 * ```
 */
export function classifyByName(_scope: StateScope, key: string): StateClass | undefined {
  return byNameOptedIn.find(([prefix]) => key.startsWith(prefix))?.[1];
}

/** The class of a key whose writer and whose `classify` say nothing. */
export function defaultClass(key: string): StateClass {
  return byName.find(([prefix]) => key.startsWith(prefix))?.[1] ?? "standard";
}

/** All of them. */
export const classes: ReadonlySet<string> = new Set<StateClass>(["critical", "standard", "bulk", "archive", "ephemeral"]);

/**
 * A class from the caller.
 *
 * @throws {TypeError} if there is no such class
 */
export function checkClass(name: unknown): StateClass {
  if (!classes.has(name as string)) throw new TypeError(`Cannot use class ${shown(name)}: there are ${[...classes].join(", ")}`);
  return name as StateClass;
}
