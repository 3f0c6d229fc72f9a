/**
 * Schemas as keys: what a definition says, and the typed key that it is.
 *
 * @module
 */
import { isScopeType } from "../keys/scopes.ts";
import type { ScopeType } from "../scope.ts";
import { shown } from "../shown.ts";
import type { Awaitable, TypedKey } from "../state/entry.ts";

/** Standard Schema 1 (standardschema.dev), types only: valibot, zod, arktype fit as they are. */
export interface StandardSchema<In = unknown, Out = In> {
  /** What the standard asks of a schema. */
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly types?: { readonly input: In; readonly output: Out } | undefined;
    readonly validate: (value: unknown) => Awaitable<
      | { readonly value: Out; readonly issues?: undefined }
      | {
        readonly issues: readonly {
          readonly message: string;
          readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
        }[];
      }
    >;
  };
}
/** What a schema takes. */
// deno-lint-ignore no-explicit-any
export type SchemaInput<S> = S extends StandardSchema<infer In, any> ? In : never;
/** What a schema gives. */
// deno-lint-ignore no-explicit-any
export type SchemaOutput<S> = S extends StandardSchema<any, infer Out> ? Out : never;

/** A schema, its name and version, and which entries it governs. */
// deno-lint-ignore no-explicit-any
export interface SchemaDefinition<S extends StandardSchema<any, any> = StandardSchema<any, any>, K extends string = string> {
  /** Not empty, without `@`. */
  readonly name: string;
  /** semver (semver.org). A change of shape raises it. */
  readonly version: string;
  /** Takes and gives the values. */
  readonly schema: S;
  /** Which entries it governs. @default the key of the schema's own name, in any scope */
  readonly appliesTo?: {
    readonly scope?: ScopeType | readonly ScopeType[];
    /** Exact, or a prefix ending in `*`. */
    readonly key?: K;
  };
}

/** The definition, which is also the key that it governs, typed. Under a prefix: `draft.under("draft:7")`. */
// deno-lint-ignore no-explicit-any
export type DefinedSchema<S extends StandardSchema<any, any>, K extends string = string> =
  & SchemaDefinition<S, K>
  & { under(key: K extends `${infer P}*` ? `${P}${string}` : K): TypedKey<SchemaInput<S>, SchemaOutput<S>> }
  & (K extends `${string}*` ? unknown : TypedKey<SchemaInput<S>, SchemaOutput<S>>);

/** The suggested expression of semver.org for a version. */
const semver =
  /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-((?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?(?:\+([0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*))?$/;

/** Which definition a key was made of. */
const origins: WeakMap<object, SchemaDefinition> = new WeakMap();

/**
 * Defines a schema, which is also a typed key: values saved under it are validated, and typed when loaded.
 *
 * @throws {TypeError} if the name, the version or the schema is not one
 *
 * @example
 * ```ts
 * import { defineSchema, openState, StateScope } from "@llmspell/state-persistence";
 * import * as v from "valibot";
 *
 * const settings = defineSchema({ name: "settings", version: "1.0.0", schema: v.object({ theme: v.string() }) });
 * await using state = await openState({ schemas: [settings] });
 * await state.save(StateScope.user("alice"), settings, { theme: "dark" });
 * const theme: string | undefined = (await state.load(StateScope.user("alice"), settings))?.theme;
 * console.log(theme);
 * ```
 */
// deno-lint-ignore no-explicit-any
export function defineSchema<S extends StandardSchema<any, any>, const K extends string = string>(
  definition: SchemaDefinition<S, K>,
): DefinedSchema<S, K> {
  const kept = checkDefinition(definition);
  const pattern = kept.appliesTo?.key ?? kept.name;
  const own = pattern.endsWith("*") ? {} : { key: pattern };
  const defined = {
    ...kept,
    ...own,
    under(key: string): TypedKey {
      if (!fits(pattern, key)) throw new TypeError(`Cannot use "${key}" under schema "${kept.name}": it governs "${pattern}"`);
      const typed = Object.freeze({ key });
      origins.set(typed, kept);
      return typed;
    },
  };
  origins.set(defined, kept);
  return Object.freeze(defined) as unknown as DefinedSchema<S, K>;
}

/** The definition that a typed key was made of; `undefined` for any other object. */
export function definitionOf(key: object): SchemaDefinition | undefined {
  return origins.get(key);
}

/** Whether a key is exactly what a pattern says, or begins with what stands before its `*`. */
export function fits(pattern: string, key: string): boolean {
  return pattern.endsWith("*") ? key.startsWith(pattern.slice(0, -1)) : key === pattern;
}

function checkDefinition<S extends StandardSchema, K extends string>(definition: SchemaDefinition<S, K>): SchemaDefinition<S, K> {
  const { name, version, schema, appliesTo } = definition;
  if (typeof name !== "string" || name === "" || name.includes("@")) {
    throw new TypeError(`Cannot define a schema named ${shown(name)}: a name is a string, not empty, without "@"`);
  }
  if (typeof version !== "string" || !semver.test(version)) {
    throw new TypeError(`Cannot define schema "${name}" with version ${shown(version)}: it must be one of semver.org, as "1.0.0"`);
  }
  if (typeof schema?.["~standard"]?.validate !== "function") {
    throw new TypeError(`Cannot define schema "${name}": schema must be a Standard Schema, as valibot, zod and arktype make`);
  }
  const types = appliesTo?.scope === undefined ? [] : typeof appliesTo.scope === "string" ? [appliesTo.scope] : appliesTo.scope;
  for (const type of types) {
    if (!isScopeType(type)) {
      throw new TypeError(`Cannot define schema "${name}" for scope ${shown(type)}: there is no such type`);
    }
  }
  return Object.freeze({ name, version, schema, ...(appliesTo === undefined ? {} : { appliesTo: Object.freeze({ ...appliesTo }) }) });
}
