/**
 * A plain driver as a log needs it: whole objects, created where nothing stands, by one writer under a lease.
 *
 * A plain driver promises next to nothing: what it says that it wrote may be torn, late, or somebody else's the moment after.
 * So everything is read back before it counts, and what does not read back as it was written stops the writer.
 *
 * @module
 */
import { isStateError, StateError } from "../../errors.ts";
import type { Driver } from "../driver.ts";
import { type LockOptions, reasonOf } from "../port.ts";
import { corrupt, type Seal } from "../seal.ts";
import { Lease, type LeaseCheck, RENEW_MS } from "./lease.ts";
import { answered, type LogStore, needs } from "./log_store.ts";
import type { LogPaths } from "./checkpoint.ts";

/** What the writer is made of. */
export interface OneWriterParts {
  readonly driver: Driver;
  readonly paths: LogPaths;
  readonly seal: Seal;
  readonly writer: string;
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  readonly every: (ms: number, act: () => void) => () => void;
  readonly lock: LockOptions;
  readonly onWarning: (warning: { readonly code: string; readonly message: string }) => void;
}

/** What a namespace of a driver object has in this process: all states on it write as one. */
interface Shared {
  lease: Lease | undefined;
  users: number;
  /** Two states have been open at once: what one of them wrote the other may not have read, also when it is the only one left. */
  hadCompany: boolean;
  turn: Promise<unknown>;
  /** Ends the renewals. */
  rest: (() => void) | undefined;
  /** A write whose outcome is not known: it may land at any time, so nothing else may take its place. */
  pending: readonly [key: string, text: string] | undefined;
  /** The last frame that was written: those up to it are known to whoever writes here. */
  lastFrame: string;
  /** There was a checkpoint: a driver on which there is none any more has lost it. */
  wasMade: boolean;
}

const sharedBy: WeakMap<object, Map<string, Shared>> = new WeakMap();

/** Another writer's look must not fall between our look and our write where drivers are slow. */
const SETTLE_MS = 50;

/** A plain driver's namespace. */
export function oneWriterStore(parts: OneWriterParts): LogStore {
  const { driver, paths, lock } = parts;
  const shared = sharedOf(driver, paths.lease);
  let isWriter = false;
  const get = async (key: string) => answered(await driver.getItem(key)) ?? undefined;
  const inTurn = async <T>(act: () => Promise<T>): Promise<T> => {
    const turn = shared.turn.then(act);
    shared.turn = turn.catch(() => {});
    return await turn;
  };
  const checkLease = async (how: LeaseCheck = {}): Promise<void> => {
    if (shared.lease === undefined) throw new StateError("STATE_CLOSED", "Cannot write: the state was closed", { details: {} });
    await shared.lease.check(how).catch((error) => {
      if (isStateError(error)) throw error;
      throw new StateError("STATE_DRIVER", `Cannot renew the lock on driver "${driver.name ?? "unnamed"}": ${reasonOf(error)}`, {
        details: {},
        cause: error,
      });
    });
  };
  /**
   * Writes, reads back, and sees that nobody has taken the lease meanwhile, whatever any clock says. Whoever takes it writes that
   * before anything is looked at: so what stood before then is seen.
   */
  const write = async (key: string, text: string): Promise<void> => {
    if (!driver.setItem) throw needs("setItem", driver);
    await driver.setItem(key, text);
    // From here on it may stand, whatever a failure says.
    const [found] = await Promise.all([get(key), checkLease({ isSuspect: true })]).catch((error) => {
      throw new Error(reasonOf(error), { cause: error });
    });
    if (found === text) return;
    if (found === undefined) throw new Error(`"${key}" is not there after it was written: the driver may be read-only, or full`);
    throw new Error(`"${key}" does not read back as it was written`);
  };
  /** What this process writes stands there for certain. */
  const landed = (key: string): void => {
    shared.pending = undefined;
    if (key.startsWith(paths.frames) && key > shared.lastFrame) shared.lastFrame = key;
  };
  const wasWritten = (key: string): boolean => key.startsWith(paths.frames) && key <= shared.lastFrame;
  /** What could not be settled before is, before anything else is written. */
  const settle = async (): Promise<void> => {
    if (shared.pending === undefined) return;
    const [key, text] = shared.pending;
    await write(key, text);
    landed(key);
  };
  /** A frame that is read torn is dead for whoever reads it, unless it is our own, which may become whole by the next write. */
  const settleForReading = async (): Promise<void> => {
    if (shared.pending === undefined) return;
    try {
      await checkLease({ isSuspect: true });
    } catch (error) {
      // This process writes nothing any more.
      if (isStateError(error, "STATE_LOCKED") || isStateError(error, "STATE_CLOSED")) return;
      throw error;
    }
    await settle();
  };
  /** Writes; what comes of it is settled before anything else is written. */
  const put = async (key: string, text: string): Promise<void> => {
    const isFirst = shared.pending === undefined;
    shared.pending = [key, text];
    await write(key, text).catch((error) => {
      // A StateError says that nothing was written; an earlier try may still land.
      if (isStateError(error) && isFirst) shared.pending = undefined;
      throw error;
    });
    landed(key);
  };
  /** What stands there already was written by this process, as far as nobody has taken the lease. */
  const confirm = async (): Promise<void> => {
    await checkLease({ isSuspect: true }).catch((error) => {
      throw new Error(reasonOf(error), { cause: error });
    });
  };
  return {
    getItem: async (key) => {
      if (isWriter && shared.pending !== undefined && key.startsWith(paths.frames)) await inTurn(settleForReading);
      const found = await get(key);
      if (key.startsWith(paths.checkpoints)) {
        if (found !== undefined) shared.wasMade = true;
        else if (shared.wasMade && key === paths.slot(0) && await get(paths.slot(1)) === undefined) {
          throw corrupt("the log", `driver "${driver.name ?? "unnamed"}" held a checkpoint of it, and holds none any more`);
        }
      }
      return found;
    },
    create: (key, text) =>
      inTurn(async () => {
        await checkLease({ isSuspect: shared.pending !== undefined });
        if (shared.pending !== undefined && shared.pending[0] !== key) {
          const [before] = shared.pending;
          await settle();
          // It is the next frame by now: look again.
          if ([before, key].every((name) => name.startsWith(paths.frames))) return false;
        }
        const found = await get(key);
        if (found === text) {
          landed(key);
          await confirm();
          return true;
        }
        // It stood there: whoever is behind that reads on.
        if (found === undefined && wasWritten(key)) return false;
        if (found !== undefined && shared.pending?.[0] !== key) {
          if (key.startsWith(paths.frames) && !wasWritten(key) && isWhole(found)) throw await shared.lease!.lost();
          return false;
        }
        if (shared.pending !== undefined && shared.pending[1] !== text) {
          await settle();
          return false;
        }
        await put(key, text);
        return true;
      }),
    removeItem: (key) =>
      inTurn(async () => {
        await checkLease();
        await driver.removeItem?.(key);
      }),
    replace: (key, text) =>
      inTurn(async () => {
        await checkLease({ isSuspect: shared.pending !== undefined });
        if (shared.pending !== undefined && shared.pending[1] !== text) {
          const [before] = shared.pending;
          await settle();
          if (before === key) return false;
        }
        await put(key, text);
        return true;
      }),
    wasWritten,
    isAlone: () => isWriter && !shared.hadCompany && shared.lease?.isHeld === true,
    open: () =>
      inTurn(async () => {
        if (!driver.setItem || !driver.removeItem) throw needs("setItem and removeItem", driver);
        if (shared.lease === undefined) {
          const lease = new Lease({
            ...parts,
            key: paths.lease,
            driverName: driver.name ?? "unnamed",
            get,
            set: async (key, text) => void await driver.setItem!(key, text),
            remove: async (key) => await driver.removeItem!(key),
            settleMs: SETTLE_MS,
          });
          await lease.take(lock).catch((error) => {
            if (isStateError(error)) throw error;
            throw new StateError("STATE_DRIVER", `Cannot lock driver "${driver.name ?? "unnamed"}": ${reasonOf(error)}`, {
              details: {},
              cause: error,
            });
          });
          shared.lease = lease;
          shared.rest = parts.every(RENEW_MS, () => void inTurn(() => lease.check({ renew: true })).catch(() => {}));
        }
        shared.hadCompany ||= shared.users > 0;
        shared.users++;
        isWriter = true;
      }),
    close: () =>
      inTurn(async () => {
        if (!isWriter) return;
        isWriter = false;
        if (--shared.users > 0) return;
        shared.hadCompany = false;
        shared.rest?.();
        const { lease } = shared;
        shared.lease = undefined;
        // Whoever disposes a driver in memory takes away what it holds.
        shared.wasMade = false;
        shared.lastFrame = "";
        await lease?.release().catch((error) => {
          parts.onWarning({ code: "lock", message: `The lock could not be given back, and will run out: ${reasonOf(error)}` });
        });
      }),
  };
}

function sharedOf(driver: Driver, root: string): Shared {
  const all = sharedBy.get(driver) ?? new Map<string, Shared>();
  sharedBy.set(driver, all);
  const shared = all.get(root) ??
    {
      lease: undefined,
      users: 0,
      hadCompany: false,
      turn: Promise.resolve(),
      rest: undefined,
      pending: undefined,
      lastFrame: "",
      wasMade: false,
    };
  all.set(root, shared);
  return shared;
}

/** Whether a frame is somebody's, rather than what a torn write left. */
function isWhole(found: unknown): boolean {
  return typeof found === "string" && /^F\d+\t/.test(found);
}
