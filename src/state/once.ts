/**
 * Running a function once, whatever crashes: a lease in the store says who runs it, the result ends it.
 *
 * The lease stands under a scope of its own that no caller can name. Its attempt id stays the same until a result is stored,
 * so that the outside world can tell a repetition.
 *
 * @module
 */
import { toHex } from "../digest.ts";
import { StateError } from "../errors.ts";
import { encodeSegment } from "../keys/segment.ts";
import { momentAfter } from "../limits.ts";
import { draftRemoval, draftSave, type SaveDraft } from "../store/draft_change.ts";
import type { Draft, Operation } from "../store/operation.ts";
import { checkCommit, checkLease, type Core, expiryOf, kindOf, type Target } from "./core.ts";
import type { Awaitable } from "./entry.ts";
import { isLive } from "./live.ts";
import type { OnceAttempt, OnceOptions } from "./manager.ts";
import { commitOnce, rememberedAs, resultOf, rowOfRepeat, Unfinished } from "./operation_ids.ts";
import { encode, valueAtHand } from "./payload.ts";
import { load, localOf, outputOf } from "./reads.ts";
import { find, originOf, prepareSave, put } from "./writes.ts";

/** Between two looks at somebody else's lease, in milliseconds: twice as long each time. */
const POLL = { least: 10, most: 1000 } as const;

/** Timers take no more milliseconds. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** The lease is another's by now, or something else is stored: the result does not count. */
class NotOurs extends Unfinished {}

/** Who runs a function, or ran it last. */
interface Lease {
  /** The attempt id. */
  readonly id: string;
  readonly number: number;
  readonly holder: string;
  readonly since: number;
  /** Until when it is theirs; 0: it was given back. */
  readonly until: number;
}

/** What came of asking for a lease. */
interface Taken {
  readonly lease: Lease;
  /** It is ours. */
  readonly own?: Own;
}

/** What goes with a lease that is ours. */
interface Own {
  /** Tells the function that the lease is lost. */
  readonly lost: AbortController;
  /** Stops the function, as far as it listens, and gives the lease back. */
  readonly leave: () => Promise<void>;
}

/** Runs here in this state, so that callers beside it need not poll. */
const running: WeakMap<Core, Map<string, Promise<void>>> = new WeakMap();

/** Runs a function unless its result is stored; resolves with the stored result. */
export async function once<T>(target: Target, fn: (attempt: OnceAttempt) => Awaitable<T>, options: OnceOptions, core: Core): Promise<T> {
  const { wait = true, operationId } = options;
  const begun = core.now();
  const leaseMs = checkLease(options.leaseMs === undefined ? 60_000 : options.leaseMs, begun);
  checkCommit(options);
  kindOf(target, options, core);
  expiryOf(options, begun);
  if (operationId !== undefined) {
    const memory = await rememberedAs(operationId, `once ${target.path}`, core);
    const row = rowOfRepeat((await core.store.read([memory.path])).slots.get(memory.path)!, core);
    if (row !== undefined) return await resultOf(row, memory.print, operationId, core) as T;
  }
  const here = running.get(core) ?? new Map<string, Promise<void>>();
  running.set(core, here);
  for (let pauseMs: number = POLL.least;; pauseMs = Math.min(2 * pauseMs, POLL.most)) {
    checkCommit(options);
    const taken = await take(target, leaseMs, core);
    if (taken === undefined) return await load(target, core) as T;
    if (taken.own !== undefined) {
      let over = () => {};
      here.set(target.path, new Promise((resolve) => over = resolve));
      try {
        const outcome = await run(target, fn, taken.lease, taken.own.lost, leaseMs, options, core);
        if (outcome !== undefined) return outcome.result as T;
      } finally {
        core.leaving.delete(taken.own.leave);
        here.delete(target.path);
        over();
      }
      continue;
    }
    if (!wait) throw locked(target, taken.lease);
    const left = Math.max(1, taken.lease.until - core.now());
    await rest(Math.min(pauseMs, left), here.get(target.path), options.signal);
  }
}

/** Takes the lease; says who has it otherwise; `undefined`: the result is stored. */
async function take(target: Target, leaseMs: number, core: Core): Promise<Taken | undefined> {
  if (localOf(target.path, core) !== undefined) return undefined;
  const path = pathOf(target);
  const id = toHex(core.store.random(16));
  let own: Own | undefined;
  return await core.commit({
    verb: "once",
    paths: [target.path, path],
    bytes: 0,
    settled: () => own && core.leaving.add(own.leave),
    run(draft) {
      own = undefined;
      const now = core.now();
      if (isLive(draft.slot(target.path).row, now)) return undefined;
      const held = leaseAt(path, draft, now);
      if (held !== undefined && held.until > now) return { lease: held };
      const lease = {
        id: held?.id ?? id,
        number: (held?.number ?? 0) + 1,
        holder: core.store.writer,
        since: now,
        until: momentAfter(now, leaseMs),
      };
      putLease(path, lease, draft, core);
      own = ownOf(target, lease, core);
      return { lease, own };
    },
  });
}

function ownOf(target: Target, lease: Lease, core: Core): Own {
  const lost = new AbortController();
  const leave = async () => {
    lost.abort(new StateError("STATE_CLOSED", `Cannot go on with "${target.key}": the state was closed`, { details: {} }));
    await giveBack(target, lease, core);
  };
  return { lost, leave };
}

/** Runs the function under the lease, and stores what it returns. `undefined`: the lease was lost, what it returned does not count. */
async function run<T>(
  target: Target,
  fn: (attempt: OnceAttempt) => Awaitable<T>,
  lease: Lease,
  lost: AbortController,
  leaseMs: number,
  options: OnceOptions,
  core: Core,
): Promise<{ readonly result: unknown } | undefined> {
  const { signal } = options;
  const stop = () => lost.abort(signal!.reason);
  signal?.addEventListener("abort", stop);
  const lose = (why: string) => lost.abort(new StateError("STATE_LOCKED", `Cannot go on with "${target.key}": ${why}`, { details: {} }));
  let { until } = lease;
  /** The last renewal is under way, or has failed: the next one tries again. */
  let isOpen = false;
  let isUnderWay = false;
  const renewal = setInterval(async () => {
    // Whoever is cut off from the store is not told by it.
    if (isOpen && core.now() >= until) lose("the lease ran out, and could not be renewed");
    if (isUnderWay) return;
    isOpen = isUnderWay = true;
    const next = momentAfter(core.now(), leaseMs);
    try {
      if (await renew(target, lease, next, core)) until = next;
      else lose("the lease was lost");
      isOpen = false;
    } catch {
      /* The store is away. */
    } finally {
      isUnderWay = false;
    }
  }, Math.min(leaseMs / 3, LONGEST_TIMER));
  try {
    lost.signal.throwIfAborted();
    const result = await fn({ id: lease.id, number: lease.number, signal: lost.signal });
    checkCommit(options);
    return await finish(target, result, lease, options, core);
  } catch (error) {
    await giveBack(target, lease, core).catch(() => {/* Then it runs out. */});
    throw error;
  } finally {
    clearInterval(renewal);
    signal?.removeEventListener("abort", stop);
  }
}

/** Stores the result, if the lease is still ours, and ends the lease. */
async function finish(
  target: Target,
  result: unknown,
  lease: Lease,
  options: OnceOptions,
  core: Core,
): Promise<{ readonly result: unknown } | undefined> {
  const path = pathOf(target);
  const encoded = encode(result, target, core);
  const saving = prepareSave(target, encoded, kindOf(target, options, core), expiryOf(options, core.now()), core);
  const draft: SaveDraft = await saving.draft;
  const outcome = await commitOnce<unknown, NotOurs>(core, options, `once ${target.path}`, {
    verb: "once",
    paths: [target.path, path],
    bytes: encoded.text.length,
    run(run) {
      const now = core.now();
      const held = leaseAt(path, run, now);
      if (held?.id !== lease.id || held.number !== lease.number) return new NotOurs();
      // Somebody has saved something there: whoever asked since has that.
      if (isLive(run.slot(target.path).row, now)) return new NotOurs();
      const { effect } = put(target, find(target.path, run, core), saving, draft, originOf(options), run, core);
      run.put(draftRemoval(path, run.slot(path), "d", core.store.salt(), []));
      return { answer: result, ...(effect === undefined ? {} : { effect }) };
    },
  }, { answer: result });
  if (!(outcome instanceof NotOurs)) return { result: await outputOf(encoded, target, core) };
  await giveBack(target, lease, core).catch(() => {/* Then it runs out. */});
  return undefined;
}

async function renew(target: Target, lease: Lease, until: number, core: Core): Promise<boolean> {
  return await core.commit(change(target, lease, (mine) => ({ ...mine, until }), core));
}

/** Lets the next caller try at once, under the same id; also while the state closes. */
async function giveBack(target: Target, lease: Lease, core: Core): Promise<void> {
  await core.store.commit(change(target, lease, (mine) => ({ ...mine, until: 0 }), core));
}

/** Changes the lease if it is still ours. */
function change(target: Target, lease: Lease, by: (mine: Lease) => Lease, core: Core): Operation<boolean> {
  const path = pathOf(target);
  return {
    verb: "once",
    paths: [path],
    bytes: 0,
    run(draft) {
      const held = leaseAt(path, draft, core.now());
      if (held?.id !== lease.id || held.number !== lease.number) return false;
      putLease(path, by(held), draft, core);
      return true;
    },
  };
}

function pathOf(target: Target): string {
  return `once!${encodeSegment(target.path)}`;
}

function leaseAt(path: string, draft: Draft, now: number): Lease | undefined {
  const { row } = draft.slot(path);
  return isLive(row, now) ? valueAtHand(row) as Lease : undefined;
}

function putLease(path: string, lease: Lease, draft: Draft, core: Core): void {
  // A lease that nobody takes up again is forgotten like an operation id.
  const expiresAt = momentAfter(Math.max(lease.until, core.now()), core.limits.operationIdMs);
  const save = { codec: "j", value: JSON.stringify(lease), class: "standard", content: "plain", expiresAt, schema: "" };
  draft.put(draftSave(path, draft.slot(path), save, core.store.salt(), [], true));
}

function locked({ scope, key }: Target, { holder, since }: Lease): StateError {
  return new StateError(
    "STATE_LOCKED",
    `Cannot run "${key}" once: "${holder}" has been running it since ${new Date(since).toISOString()}`,
    {
      details: { holder, since: new Date(since) },
      scope,
      key,
    },
  );
}

/** Waits: for a while, for what runs beside us, or for an abort. */
async function rest(ms: number, beside: Promise<void> | undefined, signal: AbortSignal | undefined): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let wake = () => {};
  try {
    await new Promise<void>((resolve) => {
      wake = resolve;
      timer = setTimeout(resolve, beside === undefined ? ms : POLL.most);
      beside?.then(resolve);
      signal?.addEventListener("abort", wake);
    });
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", wake);
  }
}
