/**
 * Scopes: their factories, their text form for people, and their place in a physical key.
 *
 * @module
 */
import type { GlobalScope, NamedScope, NamedScopeType, Scope, ScopeType, StepScope } from "../scope.ts";
import { shown } from "../shown.ts";
import { checkName } from "./key.ts";
import { decodeSegment, encodeSegment } from "./segment.ts";

/** Where a key lives. Two different scopes never share a key. */
export type StateScope = Scope;

/** What makes scopes, writes them as text, and reads that text. */
export interface StateScopes {
  /** The one scope without an id. */
  readonly global: GlobalScope;
  /** A person. */
  user(id: string): NamedScope<"user">;
  /** One conversation or visit. */
  session(id: string): NamedScope<"session">;
  /** An agent, whoever talks to it. */
  agent(id: string): NamedScope<"agent">;
  /** A tool that agents call. */
  tool(id: string): NamedScope<"tool">;
  /** A workflow as a whole. */
  workflow(id: string): NamedScope<"workflow">;
  /** A step of a workflow. */
  step(workflow: string, step: string): StepScope;
  /** A hook's own state. */
  hook(id: string): NamedScope<"hook">;
  /** Anything else. */
  custom(id: string): NamedScope<"custom">;
  /**
   * The scope that a text of {@linkcode StateScopes.format} names: `"agent:gpt-4"` is `StateScope.agent("gpt-4")`.
   *
   * @throws {TypeError} if the text names no scope
   */
  parse(text: string): StateScope;
  /**
   * A scope as text: its type, a colon, its id as it is. Only in `"step:workflow:step"` is a `\` or `:` of the workflow
   * written `\\`, `\:`.
   *
   * @throws {TypeError} if it is no scope
   * @throws {StateError} STATE_INVALID_KEY if an id is empty, has a control character or an unpaired surrogate
   */
  format(scope: StateScope): string;
}

const namedTypes: readonly NamedScopeType[] = ["user", "session", "agent", "tool", "workflow", "hook", "custom"];

/** Whether there is such a type of scope. */
export function isScopeType(type: unknown): type is ScopeType {
  return type === "global" || type === "step" || namedTypes.includes(type as NamedScopeType);
}

/** What is known of a scope that was made here, which needs no second look. */
interface Checked {
  /** No id of it takes more UTF-8. */
  readonly bytes: number;
  /** What `encodeScope` made of it. */
  path?: string;
}

const checked = new WeakMap<object, Checked>();

/** A scope of ids that need no more checks. */
function keep<S extends Scope>(scope: S): S {
  const longest = Math.max(0, ...idsOf(scope).map((id) => id.length));
  // No UTF-16 code unit takes more than three bytes of UTF-8.
  checked.set(Object.freeze(scope), { bytes: longest * 3 });
  return scope;
}

function idsOf(scope: Scope): readonly string[] {
  return scope.type === "global" ? [] : scope.type === "step" ? [scope.workflow, scope.step] : [scope.id];
}

/**
 * Makes scopes. Ids are any non-empty Unicode string without control characters, NFC-normalised here.
 *
 * @example Two ways to the same scope
 * ```ts
 * import { StateScope } from "@llmspell/state-persistence";
 * import { deepEqual, equal } from "node:assert/strict";
 *
 * const scope = StateScope.step("nightly:report", "fetch");
 * equal(StateScope.format(scope), "step:nightly\\:report:fetch");
 * deepEqual(StateScope.parse("step:nightly\\:report:fetch"), scope);
 * ```
 */
export const StateScope: StateScopes = Object.freeze({
  global: keep({ type: "global" }),
  ...Object.fromEntries(namedTypes.map((type) => [type, (id: string) => keep({ type, id: checkName(id, "id") })])) as Pick<
    StateScopes,
    NamedScopeType
  >,
  step: (workflow: string, step: string) => keep({ type: "step", workflow: checkName(workflow, "id"), step: checkName(step, "id") }),
  parse: parseScope,
  format: formatScope,
});

/** The scope of a type with these ids, or `undefined` if there is no such type or the ids are too many or too few. */
function scopeOf(type: unknown, ids: readonly unknown[]): Scope | undefined {
  const [first, second] = ids as readonly string[];
  if (type === "global" && ids.length === 0) return StateScope.global;
  if (type === "step" && ids.length === 2) return StateScope.step(first!, second!);
  return namedTypes.includes(type as NamedScopeType) && ids.length === 1 ? StateScope[type as NamedScopeType](first!) : undefined;
}

function parseScope(text: string): Scope {
  const [, type, rest] = /^([a-z]+)(?::(.*))?$/s.exec(String(text)) ?? [];
  let cause: unknown;
  try {
    const scope = scopeOf(type, rest === undefined ? [] : type === "step" ? splitStep(rest) : [rest]);
    if (scope) return scope;
  } catch (error) {
    cause = error;
  }
  const examples = '"global", "agent:gpt-4" or "step:nightly:fetch"';
  throw new TypeError(`Cannot read ${shown(text)} as a scope: it must be like ${examples}`, { cause });
}

/** The two ids of `workflow:step`, where a backslash takes the next character of the workflow as it is; none if it is malformed. */
function splitStep(rest: string): readonly string[] {
  let workflow = "";
  for (let at = 0; at < rest.length; at++) {
    if (rest[at] === ":") return [workflow, rest.slice(at + 1)];
    if (rest[at] === "\\" && !"\\:".includes(rest[++at] ?? "?")) return [];
    workflow += rest[at];
  }
  return [];
}

function formatScope(scope: Scope): string {
  const known = checkScope(scope, Infinity);
  const ids = idsOf(known);
  return [known.type, ...ids.map((id, at) => at < ids.length - 1 ? id.replace(/[\\:]/g, "\\$&") : id)].join(":");
}

/**
 * A scope that a caller gave, also as a literal, as it is stored: frozen, ids NFC-normalised. A scope made here comes
 * back as the same object.
 *
 * @param maxBytes the most bytes of UTF-8 of each id
 * @throws {TypeError} if it is no scope
 * @throws {StateError} STATE_INVALID_KEY, part "id", if an id cannot be stored
 */
export function checkScope(scope: unknown, maxBytes: number): StateScope {
  // A WeakMap knows nothing of what is no object.
  if (checked.get(scope as object)?.bytes! <= maxBytes) return scope as StateScope;
  // Each property is read once: an accessor may change its answer.
  const { type, id, workflow, step } = Object(scope) as Record<string, unknown>;
  const ids = type === "global" ? [] : type === "step" ? [workflow, step] : [id];
  const strings = ids.every((each) => typeof each === "string");
  const found = strings && ids.every((each) => checkName(each, "id", maxBytes)) && scopeOf(type, ids);
  if (!found) throw new TypeError(`Cannot use ${shown(scope)} as a scope: make one with StateScope, as in StateScope.agent("gpt-4")`);
  return checked.has(scope as object) ? scope as StateScope : found;
}

/** A checked scope as a path of segments: its type, then its ids, joined by `!`. Paths sort bytewise in the order of scopes. */
export function encodeScope(scope: StateScope): string {
  const known = checked.get(scope);
  if (known?.path) return known.path;
  const path = [scope.type, ...idsOf(scope).map(encodeSegment)].join("!");
  if (known) known.path = path;
  return path;
}

/** The scope that {@linkcode encodeScope} made this path of; `undefined` if there is none. */
export function decodeScope(path: string): StateScope | undefined {
  const [type, ...segments] = path.split("!");
  const ids = segments.map(decodeSegment);
  try {
    const scope = ids.includes(undefined) ? undefined : scopeOf(type, ids);
    // A path whose ids are not normalised is none of ours.
    return scope && encodeScope(scope) === path ? scope : undefined;
  } catch {
    return undefined;
  }
}

/** Whether two checked scopes are one. */
export function sameScope(a: StateScope, b: StateScope): boolean {
  return a === b || (a.type === b.type && encodeScope(a) === encodeScope(b));
}
