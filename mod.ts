/**
 * Persistent state for AI agents and workflows: scoped entries over an atomic, hash-chained log, on any engine that commits a
 * batch, in Deno, Node, Bun and browsers.
 *
 * @module
 */
export {
  isStateError,
  type Issue,
  type NoDetails,
  StateError,
  type StateErrorCode,
  type StateErrorDetails,
  type StateErrorInit,
  type StateErrorOf,
} from "./src/errors.ts";
export type { DigestCrypto } from "./src/digest.ts";
export { StateScope, type StateScopes } from "./src/keys/scopes.ts";
export type { GlobalScope, NamedScope, NamedScopeType, Scope, ScopeType, StepScope } from "./src/scope.ts";
export type { Limits } from "./src/limits.ts";
export type { Driver, DriverBatch, DriverItem, DriverListOptions, DriverSegments, DriverSupports, Durability } from "./src/store/driver.ts";
export {
  dropNamespace,
  listNamespaces,
  type LockOptions,
  openState,
  type OpenStateOptions,
  repair,
  type RepairOptions,
  type RepairReport,
  type Warning,
} from "./src/open.ts";
export { classifyByName } from "./src/state/classes.ts";
export type { Cursor } from "./src/state/cursor.ts";
export {
  type Awaitable,
  type CommitOptions,
  DELETE,
  type Entry,
  type EntryOptions,
  type InputOf,
  type Key,
  type ListOptions,
  type OutputOf,
  type Precondition,
  type Receipt,
  type SaveOptions,
  type StateClass,
  type StateContent,
  type TypedKey,
  type Value,
  type WriteOptions,
} from "./src/state/entry.ts";
export type {
  Consistency,
  Inspection,
  OnceAttempt,
  OnceOptions,
  ScopedState,
  ScopesOptions,
  ScopeVerbs,
  StateManager,
  Supports,
  Transaction,
  TransactionOptions,
} from "./src/state/manager.ts";
export {
  type DefinedSchema,
  defineSchema,
  type SchemaDefinition,
  type SchemaInput,
  type SchemaOutput,
  type StandardSchema,
} from "./src/schema/define.ts";
