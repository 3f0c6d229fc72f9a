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
import type { SchemaDefinition } from "./schema/define.ts";
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
const optionNames: ReadonlySet<string> = new Set(
  "driver namespace schemas history consistency lock readOnly onWarning classify crypto now random limits".split(" "),
);

/**
 * Opens persistent state. With no options: memory, ready at once. Completes an interrupted commit before it resolves. Driver
 * options that name a place on disk create it if it is missing.
 *
 * @throws {TypeError} if an option is not one, or the driver is something else, such as a `Storage`
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
  checkOptions(options);
  const { driver = memory(), namespace = "state", readOnly = false, now = Date.now, onWarning = () => {} } = options;
  checkDriver(driver);
  const limits = resolveLimits(options.limits);
  const name = checkName(namespace, "id", defaultLimits.keyBytes);
  const consistency = checkConsistency(options.consistency, driver);
  // What a page needs before it opens anything is this file; the engine comes with the first open state.
  const { openEngine } = await import("./engine.ts");
  return await openEngine({
    driver,
    namespace: name,
    readOnly,
    lock: checkLock(options.lock),
    schemas: options.schemas ?? [],
    consistency,
    classify: options.classify,
    crypto: options.crypto,
    now: () => wholeMs(now()),
    random: options.random ?? randomBytes,
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
  checkDriver(driver);
  const { scanNamespaces } = await import("./store/namespaces.ts");
  yield* scanNamespaces(driver);
}

/**
 * Removes a namespace and all that it holds. Whoever has it open gets STATE_CLOSED. A namespace that is not there is fine.
 *
 * @throws {StateError} STATE_DRIVER if the driver fails; call it again then, it goes on where it stopped
 */
export async function dropNamespace(driver: Driver, namespace: string): Promise<void> {
  checkDriver(driver);
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
  checkDriver(driver);
  if (typeof options !== "object" || options === null) {
    throw new TypeError('Cannot repair: options must be an object, as in repair(driver, { namespace: "state" })');
  }
  for (const name of Object.keys(options)) {
    if (name !== "namespace" && name !== "dryRun") throw new TypeError(`Cannot repair with option "${name}": there are namespace, dryRun`);
  }
  const { namespace, dryRun = false } = options;
  if (typeof namespace !== "string") {
    throw new TypeError('Cannot repair: namespace must be a text, as in repair(driver, { namespace: "state" })');
  }
  if (typeof dryRun !== "boolean") throw new TypeError("Cannot repair: dryRun must be true or false");
  const { repairNamespace } = await import("./store/repair/repair.ts");
  return await repairNamespace(driver, checkName(namespace, "id", defaultLimits.keyBytes), dryRun);
}

/** Times are stored as whole milliseconds. */
function wholeMs(now: unknown): number {
  if (typeof now === "number" && now >= 0 && now <= LAST_DATE) return Math.floor(now);
  throw new TypeError(`Cannot use the time ${String(now)} that now() gave: it must be milliseconds since the epoch, and a date`);
}

function randomBytes(bytes: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(bytes));
}

function checkOptions(options: OpenStateOptions): void {
  if (typeof options !== "object" || options === null) {
    throw new TypeError("Cannot open state: options must be an object, as in openState({ driver })");
  }
  for (const name of Object.keys(options)) {
    if (!optionNames.has(name)) throw new TypeError(`Cannot open state with option "${name}": there are ${[...optionNames].join(", ")}`);
  }
  const { history } = options;
  if (history !== undefined && history !== "none") {
    throw new TypeError(`Cannot open state with history ${JSON.stringify(history)}: only "none" is there`);
  }
}

/** TypeError that says what to write instead. */
function checkDriver(driver: unknown): asserts driver is Driver {
  if (typeof driver === "function") {
    throw new TypeError(
      `Cannot open state: the driver is a function; call the adapter, as in openState({ driver: ${driver.name || "adapter"}(…) })`,
    );
  }
  if (typeof driver === "string") {
    throw new TypeError(
      `Cannot open state: the driver is a text; write openState({ driver: await openDriver(${JSON.stringify(driver)}) })`,
    );
  }
  if (typeof driver !== "object" || driver === null) {
    throw new TypeError("Cannot open state: the driver must be what an adapter returns, as in memory()");
  }
  if ("mount" in driver && driver.mount !== undefined) {
    throw new TypeError("Cannot open state: this is a Storage, not a driver; give the driver that was given to createStorage()");
  }
  if (typeof (driver as Driver).getItem !== "function") {
    throw new TypeError("Cannot open state: the driver has no getItem; it must be what an adapter returns, as in memory()");
  }
}

function checkLock(lock: LockOptions = {}): LockOptions {
  if (typeof lock !== "object" || lock === null) throw new TypeError("Cannot open state: lock must be { waitMs, steal }");
  const { waitMs = 15_000, steal = false, ...unknown } = lock;
  for (const name of Object.keys(unknown)) throw new TypeError(`Cannot open state with lock option "${name}": there are waitMs, steal`);
  if (typeof waitMs !== "number" || !(waitMs >= 0)) {
    throw new TypeError(`Cannot open state: lock.waitMs must be milliseconds, not ${waitMs}`);
  }
  if (typeof steal !== "boolean") throw new TypeError("Cannot open state: lock.steal must be true or false");
  return { waitMs, steal };
}

function checkConsistency(given: Consistency | undefined, driver: Driver): Consistency {
  const isStrong = supportsOf(driver).strongReads;
  if (given === undefined) return isStrong ? "strong" : { maxStaleMs: 1000 };
  if (given === "strong") {
    if (isStrong) return given;
    throw new StateError("STATE_UNSUPPORTED", `Cannot read strongly from driver "${driver.name ?? "unnamed"}": it has no fresh reads`, {
      details: { needs: "strongReads" },
    });
  }
  if (typeof given === "object" && given !== null && typeof given.maxStaleMs === "number" && given.maxStaleMs >= 0) return given;
  throw new TypeError('Cannot open state: consistency must be "strong" or { maxStaleMs: ⟨milliseconds⟩ }');
}
