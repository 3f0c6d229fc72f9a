/**
 * Read-modify-write of one key.
 *
 * A function that answers at once runs in its turn in the queue, against what is queued before it: it never conflicts within
 * this process. One that answers later (or whose value must be validated, read from an object or cut out) is not waited for by
 * others: its result is committed if what it saw is still there, and it runs again if not; updates of the same key wait for
 * each other.
 *
 * @module
 */
import { encodeValue } from "../codec/encode.ts";
import { StateError } from "../errors.ts";
import { shown, typeName } from "../shown.ts";
import type { SaveDraft } from "../store/draft_change.ts";
import type { Draft } from "../store/operation.ts";
import { checkRevision, type Core, expiryOf, kindOf, type Target } from "./core.ts";
import type { Encoded } from "./encoded.ts";
import { type Awaitable, DELETE, type SaveOptions, type WriteOptions } from "./entry.ts";
import { isLive } from "./live.ts";
import { commitOnce, type Done, Unfinished } from "./operation_ids.ts";
import { decode, encodePresent, GONE, isAtHand, isInline, valueAtHand } from "./payload.ts";
import { entryOf, localEntryOf, outputOf } from "./reads.ts";
import { checkPrecondition, find, type Found, originOf, prepareSave, put, remove } from "./writes.ts";

/** What an update's function is. */
export type Updating = (current: unknown) => Awaitable<unknown>;
/** What an update may be told. */
export interface UpdateOptions extends SaveOptions {
  readonly initial?: unknown;
  /** What is asked for beside the verb and the key, where an operation id must tell it apart. */
  readonly request?: string;
}

/** The same, taken at the call. */
interface Asked extends UpdateOptions {
  /** Gives a copy for each run. */
  readonly initial: () => unknown;
}

/** Runs of a function before STATE_CONFLICT. */
const ATTEMPTS = 100;
/** How long an update waits for another of the same key that takes its time, before it goes ahead. */
const PATIENCE_MS = 1000;

/** Another update of the same key is at work. */
class Busy extends Unfinished {}

/** The function, or its value, takes longer than the queue waits. */
class Later extends Unfinished {
  constructor(readonly found: Found, readonly outcome: Promise<unknown>, readonly release: () => void) {
    super();
  }
}

/** What the function should have got is not written yet, or not there any more. */
const AGAIN = Symbol("again");

/** An update whose function is at work. */
interface Running {
  readonly core: Core;
  readonly path: string;
  isOver: boolean;
}

/** The update whose function is beginning right now: what is called meanwhile, that calls. */
let beginning: Running | undefined;

/** Updates that take their time, by path, of each open state. */
const working: WeakMap<Core, Map<string, Promise<void>>> = new WeakMap();

/** Atomically replaces a value by what a function makes of it. Resolves with what was stored. */
export async function update(verb: string, target: Target, fn: Updating, given: UpdateOptions, core: Core): Promise<unknown> {
  checkRevision(given.ifRevision);
  const options: Asked = { ...given, initial: initialOf(given, core) };
  const { path } = target;
  const at = working.get(core) ?? new Map<string, Promise<void>>();
  working.set(core, at);
  const caller = beginning?.core === core && beginning.path === path ? beginning : undefined;
  const running: Running = { core, path, isOver: false };
  const own = known(fn, running);
  const left = core.ephemeral.leave(path);
  try {
    for (let attempt = 1; attempt <= ATTEMPTS;) {
      const isAlone = await patience(at.get(path));
      // Going ahead would defeat the one that called this, which would run again, and call it again.
      if (!isAlone && caller?.isOver === false) throw insideItself(verb, target);
      const outcome = await begin(verb, target, own, options, core, at, !isAlone);
      if (outcome instanceof Busy) continue;
      if (!(outcome instanceof Later)) return await resultOf(outcome as Stored, target, core);
      attempt++;
      try {
        const finished = await finishLater(verb, target, outcome, options, core);
        if (!(finished instanceof Unfinished)) return await resultOf(finished, target, core);
      } finally {
        at.delete(path);
        outcome.release();
      }
    }
  } finally {
    running.isOver = true;
    left();
  }
  throw new StateError("STATE_CONFLICT", `Cannot update "${target.key}": it was changed by others in each of ${ATTEMPTS} attempts`, {
    details: {},
    scope: target.scope,
    key: target.key,
  });
}

/** A function whose own calls, up to its first await, are known to be its. */
function known(fn: Updating, running: Running): Updating {
  return (current) => {
    const outer = beginning;
    beginning = running;
    try {
      return fn(current);
    } finally {
      beginning = outer;
    }
  };
}

function insideItself(verb: string, { key }: Target): TypeError {
  return new TypeError(`Cannot call ${verb}() of "${key}" in the function of its own update, which waits for it: return the new value`);
}

/** Adds to a number. */
export async function increment(target: Target, by: number, options: WriteOptions, core: Core): Promise<number> {
  checkStep(target, by);
  return await update(
    "increment",
    target,
    (current) => sumOf(target, current, by),
    { ...options, initial: 0, request: String(by) },
    core,
  ) as number;
}

/**
 * What is to be added, from the caller.
 *
 * @throws {TypeError} if it is no finite number
 */
export function checkStep({ key }: Target, by: unknown): void {
  if (typeof by !== "number" || !Number.isFinite(by)) {
    throw new TypeError(`Cannot increment "${key}" by ${shown(by)}: it must be a finite number`);
  }
}

/**
 * What counting comes to. Whole numbers stay exact: beyond 2^53 a step of one would change nothing (ECMA-262, "Number.MAX_SAFE_INTEGER").
 *
 * @throws {StateError} STATE_INVALID_VALUE if there is no number, or the sum is not finite, or not exact
 */
export function sumOf(target: Target, current: unknown, by: number): number {
  if (typeof current !== "number") throw uncountable(target, `what is stored is ${typeName(current)}, not a number`);
  const sum = current + by;
  if (!Number.isFinite(sum)) throw uncountable(target, `with ${by} it comes to no finite number`);
  if (Number.isInteger(sum) && !Number.isSafeInteger(sum)) {
    throw uncountable(target, `with ${by} it is beyond what a number holds exactly; update() can count with a BigInt`);
  }
  return sum;
}

function uncountable({ scope, key }: Target, why: string): StateError {
  return new StateError("STATE_INVALID_VALUE", `Cannot increment "${key}": ${why}`, { details: { path: "$" }, scope, key });
}

/** What was stored: text, or nothing. */
type Stored = Encoded | undefined;

async function begin(
  verb: string,
  target: Target,
  fn: Updating,
  options: Asked,
  core: Core,
  at: Map<string, Promise<void>>,
  isImpatient: boolean,
): Promise<Stored | Unfinished> {
  let later: Later | undefined;
  const postpone = (found: Found, outcome: Promise<unknown>): Later => {
    outcome.catch(() => {});
    let release = () => {};
    at.set(target.path, new Promise<void>((resolve) => release = resolve));
    return later = new Later(found, outcome, release);
  };
  try {
    return await remembered(core, options, verb, target, (draft) => {
      if (later !== undefined) return later;
      if (at.has(target.path) && !isImpatient) return new Busy();
      const found = find(target.path, draft, core);
      checkPrecondition(target, options, found);
      const governor = core.schemas?.find(target.scope, target.key);
      const { row } = found.slot;
      const isHere = found.local !== undefined || !isLive(row, core.now());
      if (governor !== undefined || !(isHere || isAtHand(row))) return postpone(found, callLater(target, fn, options, found, core));
      const result = fn(currentOf(found, options, core));
      if (isThenable(result)) return postpone(found, Promise.resolve(result));
      return write(target, found, result, options, draft, core) ?? postpone(found, Promise.resolve(result));
    });
  } catch (error) {
    // It was begun, and what it shared a record with failed.
    if (later !== undefined) {
      at.delete(target.path);
      later.release();
    }
    throw error;
  }
}

/** Commits what a function came to that took its time, if what it saw is still there. */
async function finishLater(verb: string, target: Target, later: Later, options: UpdateOptions, core: Core): Promise<Stored | Unfinished> {
  const { found } = later;
  const isCurrent = (now: Found) =>
    now.slot.commit === found.slot.commit && now.revision === found.revision && now.visible === found.visible;
  let made: ReturnType<typeof make>;
  let draft: SaveDraft | undefined;
  try {
    const result = await later.outcome;
    if (result === AGAIN) return new Busy();
    made = make(target, found, result, options, core);
    draft = await made?.saving.draft;
  } catch (error) {
    // It failed because of what it saw: that counts only if that is still so.
    return await remembered(core, options, verb, target, (run) => {
      if (isCurrent(find(target.path, run, core))) throw error;
      return new Busy();
    });
  }
  return await remembered(core, options, verb, target, (run) => {
    const now = find(target.path, run, core);
    if (!isCurrent(now)) return new Busy();
    if (made === undefined || draft === undefined) {
      return { answer: undefined, ...effectOf(remove(target, now, originOf(options), run, core)) };
    }
    return { answer: made.encoded, ...effectOf(put(target, now, made.saving, draft, originOf(options), run, core)) };
  }, made);
}

/** An update that is remembered by its operation id; what it answers is remembered as a value. */
async function remembered(
  core: Core,
  options: UpdateOptions,
  verb: string,
  target: Target,
  run: (draft: Draft) => Done<Stored> | Unfinished,
  made?: { readonly encoded: Encoded },
): Promise<Stored | Unfinished> {
  // Remembered as text: the answer of the first call and of a repeated one are made in the same way.
  return await commitOnce<Stored, Unfinished>(core, options, `${verb} ${target.path} ${options.request ?? ""}`, {
    verb,
    paths: [target.path],
    bytes: 0,
    run,
  }, made === undefined ? undefined : { answer: made.encoded });
}

function effectOf({ effect }: Done<unknown>): { readonly effect?: () => void } {
  return effect === undefined ? {} : { effect };
}

/** What the function gets: a copy of its own. */
function currentOf({ local, slot }: Found, options: Asked, core: Core): unknown {
  if (local !== undefined) return decode(local);
  return isLive(slot.row, core.now()) ? valueAtHand(slot.row) : options.initial();
}

/** The caller's initial value as it is now, a copy for each run. */
export function initialOf({ initial }: { readonly initial?: unknown }, core: Core): () => unknown {
  if (typeof initial !== "object" || initial === null) return () => initial;
  const encoded = encodeValue(initial, core.limits);
  return () => decode(encoded);
}

/** The same for what must be read first: of what was found, which may not even be durable yet. */
async function callLater(
  target: Target,
  fn: Updating,
  options: Asked,
  { local, slot, visible }: Found,
  core: Core,
): Promise<unknown> {
  if (visible === null) return await fn(options.initial());
  const entry = local !== undefined ? await localEntryOf(target, local, core) : await entryOf(target, slot.row!, core);
  return entry === GONE ? AGAIN : await fn(entry.value);
}

/** What a function's result becomes; `undefined`: the entry goes. */
function make(target: Target, found: Found, result: unknown, options: UpdateOptions, core: Core) {
  if (result === undefined) {
    throw new TypeError(`Cannot update "${target.key}": the function returned undefined; return DELETE to delete it`);
  }
  if (result === DELETE) return undefined;
  const was = found.local ?? (isLive(found.slot.row, core.now()) ? found.slot.row : undefined);
  const kind = kindOf(target, options, core, was === undefined ? undefined : { class: was.class as never, content: was.content as never });
  const encoded = encodePresent(result, target, core);
  const expiresAt = options.expiresInMs === undefined ? was?.expiresAt ?? 0 : expiryOf(options, core.now());
  return { encoded, saving: prepareSave(target, encoded, kind, expiresAt, core) };
}

/** Commits a result at once, where its value can be put into a payload as it is. */
function write(target: Target, found: Found, result: unknown, options: UpdateOptions, draft: Draft, core: Core): Done<Stored> | undefined {
  const made = make(target, found, result, options, core);
  if (made === undefined) return { answer: undefined, ...effectOf(remove(target, found, originOf(options), draft, core)) };
  if (made.saving.draft instanceof Promise) {
    made.saving.draft.catch(() => {});
    return undefined;
  }
  // What it answers is remembered as well, and may be too long to stand in a row.
  if (options.operationId !== undefined && !isInline(made.encoded, "standard", core)) return undefined;
  return { answer: made.encoded, ...effectOf(put(target, found, made.saving, made.saving.draft, originOf(options), draft, core)) };
}

async function resultOf(stored: Stored, target: Target, core: Core): Promise<unknown> {
  return stored === undefined ? undefined : await outputOf(stored, target, core);
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function";
}

/** Waits for other work that goes first; false: it takes too long. */
export async function patience(work: Promise<unknown> | undefined): Promise<boolean> {
  if (work === undefined) return true;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const tooLong = new Promise<boolean>((resolve) => timer = setTimeout(() => resolve(false), PATIENCE_MS));
  const isOver = await Promise.race([work.then(() => true), tooLong]);
  clearTimeout(timer);
  return isOver;
}
