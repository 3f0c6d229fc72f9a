/**
 * Which schema governs which entry, and what it says of a value.
 *
 * @module
 */
import compare from "semver/functions/compare.js";
import { type Issue, StateError } from "../errors.ts";
import type { StateScope } from "../keys/scopes.ts";
import { anObject } from "../options.ts";
import { shown } from "../shown.ts";
import type { Governor, SchemaRules, Target } from "../state/core.ts";
import type { TypedKey } from "../state/entry.ts";
import { definitionOf, fits, type SchemaDefinition, type StandardSchema } from "./define.ts";

/**
 * The rules of an open state.
 *
 * @throws {StateError} SCHEMA_CONFLICT if a schema is given twice, not the same, or two govern the same key
 */
export function createSchemaRules(definitions: readonly SchemaDefinition[]): SchemaRules {
  const byName = new Map<string, SchemaDefinition>();
  for (const given of definitions) {
    const definition = definitionOf(given);
    if (definition === undefined) throw new TypeError("Cannot open state: schemas must be made by defineSchema()");
    const other = byName.get(definition.name);
    if (other !== undefined && other !== definition) {
      throw clash(definition, `it is given twice, as ${other.version} and as ${definition.version}`);
    }
    byName.set(definition.name, definition);
  }
  const known = [...byName.values()];
  for (const [i, definition] of known.entries()) {
    const rival = known.slice(0, i).find((other) => patternOf(other) === patternOf(definition) && shareScope(other, definition));
    if (rival !== undefined) throw clash(definition, `schema "${rival.name}" governs "${patternOf(rival)}" too`);
  }
  // The most particular one governs: an exact key before a prefix, a longer prefix before a shorter one.
  const governors = known
    .map((definition) => ({ definition, pattern: patternOf(definition), governor: createGovernor(definition) }))
    .sort((a, b) => Number(a.pattern.endsWith("*")) - Number(b.pattern.endsWith("*")) || b.pattern.length - a.pattern.length);
  return {
    checkKey(key: TypedKey): void {
      const definition = definitionOf(key);
      if (definition === undefined) throw new TypeError("Cannot use this object as a key: a typed key is made by defineSchema()");
      if (byName.get(definition.name) !== definition) {
        throw new TypeError(`Cannot use a key of schema "${definition.name}": it was not given; write openState({ schemas: [⟨schema⟩] })`);
      }
      if (typeof key.key !== "string") {
        throw new TypeError(`Cannot use schema "${definition.name}" as a key: it governs a prefix; use under(⟨key⟩)`);
      }
    },
    find: (scope: StateScope, key: string): Governor | undefined =>
      governors.find(({ definition, pattern }) => fits(pattern, key) && governsScope(definition, scope.type))?.governor,
  };
}

function createGovernor(definition: SchemaDefinition): Governor {
  const { name, version, schema } = definition;
  const tag = `${name}@${version}`;
  /** What the schema says; at once, unless it takes its time. */
  const validate = (value: unknown, target: Target, verb: string): unknown => {
    const fail = (error: unknown): never => {
      throw faulty(tag, target, verb, "threw an error instead of giving issues", error);
    };
    try {
      const result: unknown = schema["~standard"].validate(value);
      return isThenable(result) ? Promise.resolve(result).catch(fail) : result;
    } catch (error) {
      return fail(error);
    }
  };
  const judge = (result: unknown, target: Target, verb: string): unknown => {
    if (!isResult(result)) throw faulty(tag, target, verb, `gave ${shown(result)}, which is neither { value } nor { issues }`);
    if (result.issues === undefined) return result.value;
    const issues: Issue[] = Array.from(result.issues, ({ message, path }) => ({ path: formatPath(path ?? []), message }));
    const where = issues.map(({ path }) => path).join(", ");
    throw new StateError("SCHEMA_INVALID", `Cannot ${verb} "${target.key}": it does not fit schema "${tag}" at ${where}`, {
      details: { schema: tag, issues },
      scope: target.scope,
      key: target.key,
    });
  };
  return {
    tag,
    check: (value, target) => {
      const result = validate(value, target, "save");
      if (result instanceof Promise) return result.then((later) => void judge(later, target, "save"));
      judge(result, target, "save");
    },
    read: async (value, stored, target) => {
      const at = stored.lastIndexOf("@");
      if (stored !== tag && stored.slice(0, at) === name && compare(stored.slice(at + 1), version) > 0) {
        throw new StateError(
          "MIGRATION_NEWER",
          `Cannot load "${target.key}": it is stored as "${stored}", and this program knows "${tag}"`,
          {
            details: { schema: name, stored: stored.slice(at + 1), known: version },
            scope: target.scope,
            key: target.key,
          },
        );
      }
      return judge(await validate(value, target, "load"), target, "load");
    },
  };
}

/** What `validate` of Standard Schema gives. */
type Result = Awaited<ReturnType<StandardSchema["~standard"]["validate"]>>;

/** A result may be anything that has the properties: arktype gives a list of errors that has `issues`. */
function isResult(result: unknown): result is Result {
  if (typeof result !== "object" || result === null) return false;
  const { issues } = result as { readonly issues?: unknown };
  return issues === undefined ? "value" in result : Array.isArray(issues) && issues.every(isIssue);
}

function isIssue(issue: unknown): boolean {
  if (!anObject.holds(issue)) return false;
  const { path } = issue as { readonly path?: unknown };
  return path === undefined || path === null || Array.isArray(path);
}

function isThenable(value: unknown): boolean {
  return typeof (value as { readonly then?: unknown } | null | undefined)?.then === "function";
}

/** The schema itself is at fault, not the value. Its own words may show that, so that they are but the cause. */
function faulty(tag: string, { key }: Target, verb: string, what: string, cause?: unknown): TypeError {
  return new TypeError(`Cannot ${verb} "${key}": schema "${tag}" ${what}`, cause === undefined ? undefined : { cause });
}

function patternOf({ name, appliesTo }: SchemaDefinition): string {
  return appliesTo?.key ?? name;
}

function governsScope({ appliesTo }: SchemaDefinition, type: StateScope["type"]): boolean {
  const types = appliesTo?.scope;
  return types === undefined || (typeof types === "string" ? types === type : types.includes(type));
}

function shareScope(a: SchemaDefinition, b: SchemaDefinition): boolean {
  const [of, ofOther] = [a.appliesTo?.scope, b.appliesTo?.scope];
  if (of === undefined || ofOther === undefined) return true;
  return (typeof of === "string" ? [of] : of).some((type) => governsScope(b, type));
}

function clash({ name }: SchemaDefinition, why: string): StateError<"SCHEMA_CONFLICT"> {
  return new StateError("SCHEMA_CONFLICT", `Cannot use schema "${name}": ${why}`, { details: { schema: name } });
}

function formatPath(path: readonly (PropertyKey | { readonly key: PropertyKey })[]): string {
  return path.reduce<string>((text, part) => {
    const key = typeof part === "object" ? part.key : part;
    return typeof key === "number"
      ? `${text}[${key}]`
      : /^[\p{L}_$][\p{L}\d_$]*$/u.test(String(key))
      ? `${text}.${String(key)}`
      : `${text}[${JSON.stringify(String(key))}]`;
  }, "$");
}
