/**
 * The one error class, its closed union of codes, and the guard.
 *
 * Misuse of the interface (a wrong type, an impossible option) is a `TypeError` or `RangeError`; an aborted signal
 * rethrows its own reason; everything else that can go wrong is a {@linkcode StateError}.
 *
 * @module
 */
import type { Limits } from "./limits.ts";
import type { Scope } from "./scope.ts";

/** For codes that say all by themselves. */
export type NoDetails = Readonly<Record<never, never>>;

/** Where a value does not fit, and what was expected there. */
export interface Issue {
  /** Where, as in `$.tools[2].run`. */
  readonly path: string;
  /** What was expected there. */
  readonly message: string;
}

/** What each code is about, as data. The keys of this interface are the codes. */
export interface StateErrorDetails {
  /** The state was closed, or its namespace was dropped. */
  readonly STATE_CLOSED: NoDetails;
  /** A key or an id that cannot be stored. */
  readonly STATE_INVALID_KEY: { readonly part: "key" | "id"; readonly rule: string };
  /** A value that would not come out as it went in; `path` as in `$.tools[2].run`. */
  readonly STATE_INVALID_VALUE: { readonly path: string };
  /** A value that contains itself: what stands at `path` is what stands at `to`. */
  readonly STATE_CIRCULAR: { readonly path: string; readonly to: string };
  /** Over a limit; `actual` and `max` in the limit's own unit. */
  readonly STATE_TOO_LARGE: { readonly limit: keyof Limits; readonly actual: number; readonly max: number };
  /** Stored bytes that do not prove themselves. */
  readonly STATE_CORRUPT: { readonly commit?: number; readonly object?: string };
  /** A precondition that does not hold, an operation id that was used for something else, or attempts that ran out. */
  readonly STATE_CONFLICT: { readonly expected?: number | null; readonly actual?: number | null; readonly operationId?: string };
  /** Somebody else holds it, since then. */
  readonly STATE_LOCKED: { readonly holder?: string; readonly since?: Date };
  /** The driver or the runtime cannot do this. */
  readonly STATE_UNSUPPORTED: { readonly needs: string };
  /** A secret, and nothing to seal it with. */
  readonly STATE_SECRET: { readonly found: readonly { readonly path: string; readonly rule: string }[] };
  /** The outcome could not be learnt, even after looking for it in the log. Retryable only with an operation id. */
  readonly STATE_UNCERTAIN: { readonly operationId?: string };
  /** A write through a state opened with `readOnly`. */
  readonly STATE_READ_ONLY: NoDetails;
  /** The driver failed, and the write is known not to have happened. */
  readonly STATE_DRIVER: NoDetails;
  /** Written by a newer version of this library. */
  readonly STATE_NEWER_FORMAT: { readonly stored: number; readonly supported: number };
  /** A value that does not fit its schema. */
  readonly SCHEMA_INVALID: { readonly schema: string; readonly issues: readonly Issue[] };
  /** One schema version, two shapes. */
  readonly SCHEMA_CONFLICT: { readonly schema: string };
  /** The entry was written under a newer schema version than this program knows. */
  readonly MIGRATION_NEWER: { readonly schema: string; readonly stored: string; readonly known: string };
}

/** The closed union of codes. */
export type StateErrorCode = keyof StateErrorDetails;

/** One `StateError` type a code, so that `switch (error.code)` narrows `error.details`. */
export type StateErrorOf<C extends StateErrorCode> = C extends unknown ? StateError<C> : never;

/** What a `StateError` is made of besides its code and message. */
export interface StateErrorInit<C extends StateErrorCode> {
  /** What the code is about. */
  readonly details: StateErrorDetails[C];
  /** Where, if it is about one scope. */
  readonly scope?: Scope;
  /** Which key, if it is about one. */
  readonly key?: string;
  /** What it came from. */
  readonly cause?: unknown;
}

// Two copies of the package (say, one a dependency bundles) have two classes but one registered symbol.
const brand: unique symbol = Symbol.for("@llmspell/state-persistence.StateError") as never;

/** Retrying the same call can succeed: the other side may be gone, or the current revision read first. */
const retryableCodes: ReadonlySet<StateErrorCode> = new Set(["STATE_CONFLICT", "STATE_LOCKED", "STATE_DRIVER"]);

/**
 * Everything that goes wrong and is not misuse.
 *
 * @example Branch on the code
 * ```ts
 * import { isStateError, openState, StateScope } from "@llmspell/state-persistence";
 *
 * await using state = await openState();
 * try {
 *   await state.save(StateScope.global, "", 1);
 * } catch (error) {
 *   if (!isStateError(error, "STATE_INVALID_KEY")) throw error;
 *   console.log(error.details.rule);
 * }
 * ```
 */
export class StateError<C extends StateErrorCode = StateErrorCode> extends Error {
  /** Always "StateError". */
  override readonly name = "StateError";
  /** What went wrong, from a closed union. */
  readonly code: C;
  /** Where, if it is about one scope. */
  readonly scope?: Scope;
  /** Which key, if it is about one. */
  readonly key?: string;
  /** Whether the same call may succeed later without a change on the caller's side. */
  readonly retryable: boolean;
  /** What the code is about, as data. */
  readonly details: StateErrorDetails[C];

  /** Makes an error; messages read "Cannot ⟨do⟩ ⟨what⟩: ⟨why⟩". */
  constructor(code: C, message: string, init: StateErrorInit<C>) {
    super(message, init.cause === undefined ? undefined : { cause: init.cause });
    this.code = code;
    this.details = init.details;
    if (init.scope !== undefined) this.scope = init.scope;
    if (init.key !== undefined) this.key = init.key;
    this.retryable = retryableCodes.has(code) ||
      (code === "STATE_UNCERTAIN" && (init.details as StateErrorDetails["STATE_UNCERTAIN"]).operationId !== undefined);
    Object.defineProperty(this, brand, { value: true });
  }
}

/**
 * Whether something thrown is a `StateError`, of one of the codes if any are given. True also for errors that another
 * copy of the package threw.
 */
export function isStateError<C extends StateErrorCode = StateErrorCode>(error: unknown, ...codes: C[]): error is StateErrorOf<C> {
  if (typeof error !== "object" || error === null || (error as Record<PropertyKey, unknown>)[brand] !== true) return false;
  return codes.length === 0 || codes.includes((error as StateError<C>).code);
}
