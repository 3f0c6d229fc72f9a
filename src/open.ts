/**
 * Opening: checks what was given, opens the namespace, puts the state on it.
 *
 * @module
 */
import type { DigestCrypto } from "./digest.ts";
import { StateError } from "./errors.ts";
import { checkName } from "./keys/key.ts";
import type { StateScope } from "./keys/scopes.ts";
import { defaultLimits, LAST_DATE, type Limits, resolveLimits } from "./limits.ts";
import { aBoolean, aFunction, anObject, aString, checkOption, judgedLater, type OptionRule } from "./options.ts";
import type { SchemaDefinition } from "./schema/define.ts";
import { shown, typeName } from "./shown.ts";
import type { StateClass } from "./state/entry.ts";
import type { Consistency, StateManager } from "./state/manager.ts";
import type { Driver } from "./store/driver.ts";
import { supportsOf } from "./store/plain.ts";
import { memory } from "./store/memory_driver.ts";
import type { RepairReport } from "./store/repair/survey.ts";

export type { RepairReport };

/** What an operator should hear. */
export interface Warning {
  /** What it is about, in a word. */
  readonly code: string;
  /** For people. */
  readonly message: string;
  /** The commit that it is about. */
  readonly commit?: number;
}

/** The lock of a driver that allows one writer. */
export interface LockOptions {
  /** How long to wait for whoever holds it, in milliseconds. @default 15_000 */
  readonly waitMs?: number;
  /** Take it over at once: whoever held it gets STATE_LOCKED at its next write. @default false */
  readonly steal?: boolean;
}

/** How state is opened. */
export interface OpenStateOptions {
  /** An adapter's driver, or any unstorage driver as it is. @default memory() */
  readonly driver?: Driver;
  /** One namespace has one ordered history; namespaces in one store never see each other. @default "state" */
  readonly namespace?: string;
  /** Made by `defineSchema`. @default none */
  readonly schemas?: readonly SchemaDefinition[];
  /** How far back the log promises to reach. Only `"none"` is there: a short tail is kept for validation and open readers. @default "none" */
  readonly history?: "none";
  /**
   * What a read sees. `"strong"`: every commit acknowledged anywhere before the call. Else own writes, never backwards, whole
   * transactions, at most so much behind. Transactions always validate.
   *
   * @default "strong" where `supports.strongReads`, else `{ maxStaleMs: 1000 }`
   */
  readonly consistency?: Consistency;
  /**
   * For drivers that allow one writer: how long to wait for it, in milliseconds, and whether to take over. Elsewhere there is
   * nothing to lock. @default { waitMs: 15_000, steal: false }
   */
  readonly lock?: LockOptions;
  /** Writes are STATE_READ_ONLY; nothing is recovered or created, and no lock is taken. @default false */
  readonly readOnly?: boolean;
  /** What an operator should hear. What it throws is dropped. @default nothing is said */
  readonly onWarning?: (warning: Warning) => void;
  /** The class of an entry saved without one. @default "critical" for `critical:`, "archive" for `archive:`, else "standard" */
  readonly classify?: (scope: StateScope, key: string) => StateClass | undefined;
  /** Web Crypto, or a superset of it such as @std/crypto's `crypto`; then used for every digest. @default globalThis.crypto for what is large */
  readonly crypto?: DigestCrypto;
  /** Milliseconds since the epoch, rounded down to whole ones; a date, else what asks for it is a TypeError. @default Date.now */
  readonly now?: () => number;
  /** Random bytes. @default crypto.getRandomValues */
  readonly random?: (bytes: number) => Uint8Array;
  /** Bounds other than the default ones. */
  readonly limits?: Partial<Limits>;
}

/** All of them, so that a misspelt one is told. */
const optionRules: Readonly<Record<keyof OpenStateOptions, OptionRule>> = {
  driver: judgedLater,
  namespace: aString,
  schemas: { must: "an array of what defineSchema() makes", holds: Array.isArray },
  history: { must: '"none": nothing else is there yet', holds: (value) => value === "none" },
  consistency: {
    must: '"strong" or { maxStaleMs: ⟨milliseconds⟩ }',
    holds: (value) => value === "strong" || anObject.holds(value) && isDuration((value as { maxStaleMs?: unknown }).maxStaleMs),
  },
  lock: { must: "{ waitMs, steal }", holds: anObject.holds },
  readOnly: aBoolean,
  onWarning: aFunction,
  classify: aFunction,
  crypto: {
    must: "Web Crypto, or have its subtle.digest()",
    holds: (value) => anObject.holds(value) && aFunction.holds((value as Partial<DigestCrypto>).subtle?.digest),
  },
  now: aFunction,
  random: aFunction,
  limits: anObject,
};

const lockRules: Readonly<Record<keyof LockOptions, OptionRule>> = {
  waitMs: { must: "milliseconds, 0 or more", holds: isDuration },
  steal: aBoolean,
};

const repairRules: Readonly<Record<keyof RepairOptions, OptionRule>> = { namespace: aString, dryRun: aBoolean };

/**
 * Opens persistent state. With no options: memory, ready at once. Completes an interrupted commit before it resolves. Driver
 * options that name a place on disk create it if it is missing.
 *
 * @throws {TypeError} if an option is not one, or not what it must be, or the driver is something else, such as a `Storage`
 * @throws {StateError} STATE_UNSUPPORTED if the driver cannot do what is asked
 * @throws {StateError} STATE_LOCKED if the driver allows one writer, and somebody else is that for longer than `lock.waitMs`
 * @throws {StateError} STATE_CORRUPT, STATE_NEWER_FORMAT if what is stored cannot be read
 * @throws {StateError} STATE_DRIVER if the driver fails
 *
 * @example
 * ```ts
 * import { openState, StateScope } from "@llmspell/state-persistence";
 *
 * await using state = await openState();
 * await state.save(StateScope.agent("gpt-4"), "seen", new Map([["alice", new Date()]]));
 * console.log(await state.load(StateScope.agent("gpt-4"), "seen"));
 * ```
 */
export async function openState(options: OpenStateOptions = {}): Promise<StateManager> {
  checkOptions("open state", "", options, optionRules);
  checkOptions("open state", "lock.", options.lock ?? {}, lockRules);
  const { driver = memory(), namespace = "state", readOnly = false, now = Date.now, random = randomBytes, onWarning = () => {} } = options;
  checkDriver("open state", driver);
  const limits = resolveLimits(options.limits);
  const clock = clockOf(now);
  const name = checkName(namespace, "id", defaultLimits.keyBytes);
  const consistency = consistencyOf(options.consistency, driver);
  // What a page needs before it opens anything is this file; the engine comes with the first open state.
  const { openEngine } = await import("./engine.ts");
  return await openEngine({
    driver,
    namespace: name,
    readOnly,
    lock: { ...options.lock },
    schemas: options.schemas ?? [],
    consistency,
    classify: options.classify,
    crypto: options.crypto,
    now: clock,
    random: (count) => checkBytes(random(count), count),
    limits,
    onWarning: (warning) => void tell(onWarning, warning),
  });
}

/** Tells the operator. What fails there, at once or later, must not end what it is told about. */
async function tell(onWarning: (warning: Warning) => unknown, warning: Warning): Promise<void> {
  try {
    await onWarning(warning);
  } catch { /* There is nobody else to tell. */ }
}

/**
 * The namespaces that a store holds, in order of their names, without opening any.
 *
 * @throws {StateError} STATE_DRIVER if the driver fails
 */
export async function* listNamespaces(driver: Driver): AsyncIterable<string> {
  checkDriver("list namespaces", driver);
  const { scanNamespaces } = await import("./store/namespaces.ts");
  yield* scanNamespaces(driver);
}

/**
 * Removes a namespace and all that it holds. Whoever has it open gets STATE_CLOSED. A namespace that is not there is fine.
 *
 * @throws {StateError} STATE_DRIVER if the driver fails; call it again then, it goes on where it stopped
 */
export async function dropNamespace(driver: Driver, namespace: string): Promise<void> {
  checkDriver("drop a namespace", driver);
  const { removeNamespace } = await import("./store/namespaces.ts");
  await removeNamespace(
    driver,
    checkName(namespace, "id"),
    Array.from(randomBytes(12), (byte) => byte.toString(16).padStart(2, "0")).join(""),
  );
}

/** What is to be repaired. */
export interface RepairOptions {
  /** The name of the namespace, as it was given to `openState`. */
  readonly namespace: string;
  /** Only says what a repair would come to; writes nothing. @default false */
  readonly dryRun?: boolean;
}

/**
 * Makes a namespace usable again after STATE_CORRUPT: keeps what still proves itself, sets the rest aside, and says what was
 * lost. An entry whose newest value is lost has the newest one that is left, or is absent. Nothing is deleted: what is set aside
 * stands in the store under `aside`, until the namespace is dropped.
 *
 * Whoever has the namespace open gets STATE_CLOSED. A repair that was cut off is finished by calling it again. Of a namespace
 * in which nothing is wrong, or that is not there, nothing is changed.
 *
 * @throws {TypeError} if an option is not one
 * @throws {StateError} STATE_NEWER_FORMAT if a newer version of the library wrote it
 * @throws {StateError} STATE_DRIVER if the driver fails; call it again then, it goes on where it stopped
 *
 * @example
 * ```ts
 * import { isStateError, openState, repair } from "@llmspell/state-persistence";
 * import { memory } from "@llmspell/state-persistence/adapters/memory";
 *
 * const driver = memory();
 * const state = await openState({ driver, namespace: "agents" }).catch(async (error) => {
 *   if (!isStateError(error, "STATE_CORRUPT")) throw error;
 *   const { lostCommits } = await repair(driver, { namespace: "agents" });
 *   console.warn(`lost: ${lostCommits.join(", ")}`);
 *   return await openState({ driver, namespace: "agents" });
 * });
 * await state.close();
 * ```
 */
export async function repair(driver: Driver, options: RepairOptions): Promise<RepairReport> {
  checkDriver("repair", driver);
  checkOptions("repair", "", options, repairRules);
  const { namespace, dryRun = false } = options;
  if (namespace === undefined) throw new TypeError('Cannot repair: namespace is missing, as in repair(driver, { namespace: "state" })');
  const { repairNamespace } = await import("./store/repair/repair.ts");
  return await repairNamespace(driver, checkName(namespace, "id", defaultLimits.keyBytes), dryRun);
}

/** A clock that was asked already: what fails once the driver is called would be taken for the driver's failure. */
function clockOf(now: () => number): () => number {
  let first: number | undefined = wholeMs(now());
  return () => {
    const ms = first ?? wholeMs(now());
    first = undefined;
    return ms;
  };
}

/** Times are stored as whole milliseconds. */
function wholeMs(now: unknown): number {
  if (typeof now === "number" && now >= 0 && now <= LAST_DATE) return Math.floor(now);
  throw new TypeError(`Cannot use the time ${shown(now)} that now() gave: it must be milliseconds since the epoch, and a date`);
}

/** Of any realm: what says so itself. */
function checkBytes(bytes: unknown, count: number): Uint8Array {
  const isBytes = Object.prototype.toString.call(bytes) === "[object Uint8Array]";
  if (isBytes && (bytes as Uint8Array).length === count) return bytes as Uint8Array;
  const what = isBytes ? `${(bytes as Uint8Array).length} bytes` : shown(bytes);
  throw new TypeError(`Cannot use what random(${count}) gave: it must be a Uint8Array of ${count} bytes, not ${what}`);
}

function randomBytes(bytes: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(bytes));
}

function isDuration(ms: unknown): boolean {
  return typeof ms === "number" && ms >= 0;
}

function checkOptions(doing: string, within: string, options: unknown, rules: Readonly<Record<string, OptionRule>>): void {
  if (!anObject.holds(options)) throw new TypeError(`Cannot ${doing} with options that are ${typeName(options)}: they must be an object`);
  for (const [name, value] of Object.entries(options as Record<string, unknown>)) {
    if (!Object.hasOwn(rules, name)) {
      throw new TypeError(`Cannot ${doing} with option "${within}${name}": there are ${Object.keys(rules).join(", ")}`);
    }
    checkOption(doing, within + name, value, rules[name]!);
  }
}

/** TypeError that says what to write instead. */
function checkDriver(doing: string, driver: unknown): asserts driver is Driver {
  const problem = driverProblem(driver);
  if (problem !== undefined) throw new TypeError(`Cannot ${doing}: ${problem}`);
}

function driverProblem(driver: unknown): string | undefined {
  if (typeof driver === "function") {
    return `the driver is a function; call the adapter, and give what ${driver.name || "adapter"}(…) returns`;
  }
  if (typeof driver === "string") return `the driver is a text; give what await openDriver(${JSON.stringify(driver)}) returns`;
  if (!anObject.holds(driver)) return `the driver is ${shown(driver)}; it must be what an adapter returns, as in memory()`;
  if ((driver as { readonly mount?: unknown }).mount !== undefined) {
    return "this is a Storage, not a driver; give the driver that was given to createStorage()";
  }
  if (typeof (driver as Driver).getItem === "function") return undefined;
  return "the driver has no getItem; it must be what an adapter returns, as in memory()";
}

function consistencyOf(given: Consistency | undefined, driver: Driver): Consistency {
  const isStrong = supportsOf(driver).strongReads;
  if (given === undefined) return isStrong ? "strong" : { maxStaleMs: 1000 };
  if (given !== "strong" || isStrong) return given;
  throw new StateError("STATE_UNSUPPORTED", `Cannot read strongly from driver "${driver.name ?? "unnamed"}": it has no fresh reads`, {
    details: { needs: "strongReads" },
  });
}
