/**
 * Where a key lives: the shapes of a scope, and nothing else. The factories, `parse` and `format` are in `keys/scopes.ts`.
 *
 * @module
 */

/** A scope of which there is one a namespace. */
export interface GlobalScope {
  /** Tells it apart. */
  readonly type: "global";
}

/** The types of scope that carry one id. */
export type NamedScopeType = "user" | "session" | "agent" | "tool" | "workflow" | "hook" | "custom";

/** A scope known by one id: any non-empty Unicode string, NFC-normalised. */
export interface NamedScope<T extends NamedScopeType = NamedScopeType> {
  /** Which of the named types. */
  readonly type: T;
  /** Not empty. */
  readonly id: string;
}

/** A step of a workflow: two ids. */
export interface StepScope {
  /** Tells it apart. */
  readonly type: "step";
  /** The id of the workflow. */
  readonly workflow: string;
  /** The id of the step in it. */
  readonly step: string;
}

/** Any scope. Two different scopes never share a key. */
export type Scope = GlobalScope | NamedScope | StepScope;

/** `"global"`, `"user"`, … `"step"`. */
export type ScopeType = Scope["type"];
