/**
 * A store of keys and values in memory, that several processes reach over a network which loses, delays and repeats.
 *
 * - A call may be done or not, answered or not, each by itself; what was given up may be done at any later time, also after
 *   other calls, also twice. Calls of different keys, and of one key, overtake each other.
 * - What was created or removed lately may be missing from a list, or still stand in it; a single key is always read as it is.
 * - On a plain store what is written may be torn; and where it is volatile, a power loss leaves of each key any value that was
 *   written since it last was flushed, or a part of it.
 *
 * @module
 */
import type { Driver, DriverItem, DriverListOptions, DriverSupports } from "../../src/store/driver.ts";
import type { Choose } from "./simulated_disk.ts";

/** A call, as it is about to be made. */
export interface StoreCall {
  readonly name: "getItem" | "hasItem" | "getKeys" | "list" | "create" | "setItem" | "removeItem";
  readonly key: string;
}

/** What becomes of a call. Nothing said: it is done at once, and answered. */
export interface Fate {
  /** After how many further calls it is done, each time that it is; 0: at once, and answered as the last time was. @default [0] */
  readonly done?: readonly number[];
  /** What the caller gets instead of the answer. @default the answer, which needs that it is done at once */
  readonly failure?: unknown;
  /** Only so many characters of the value are written. @default all */
  readonly torn?: number;
  /** What the answer, or the failure, waits for after the call was done. @default nothing */
  readonly until?: Promise<void>;
}

/** Looks at each call before it is made: may wait, and says what becomes of it. */
export type StoreGate = (call: StoreCall) => Fate | void | Promise<Fate | void>;

/** How a store behaves. */
export interface StoreOptions {
  /** For so long a list may be behind. @default 0 */
  readonly lag?: number;
  /** What that is measured by. @default the calls that were made */
  readonly now?: () => number;
  /** A power loss may take what was written since the last flush. @default false */
  readonly isVolatile?: boolean;
}

/** What stood under a key since some call; `undefined`: nothing. */
interface Version {
  readonly value: string | undefined;
  readonly since: number;
}

/** What a driver of object storage declares. */
const recordSupports: DriverSupports = {
  commit: false,
  create: true,
  list: "ordered",
  writers: "many",
  durability: "remote",
  strongReads: true,
  binary: false,
  valueBytes: 16 * 1024 * 1024,
  keyBytes: 1024,
  batchOps: 100_000,
  batchBytes: 16 * 1024 * 1024,
};

/** A store. Processes on it see each other's calls at once. */
export class SimulatedStore {
  readonly #choose: Choose;
  readonly #options: Required<Omit<StoreOptions, "now">>;
  readonly #now: () => number;
  /** Of each key what stands there, last, and before it what a list or a power loss may show. */
  readonly #versions: Map<string, Version[]>;
  #late: { readonly at: number; readonly act: () => void }[] = [];
  /** Calls that were made. */
  calls = 0;
  /** Calls that were done later than they were made. */
  landed = 0;

  /** A store that chooses what a list shows, with these values in it. */
  constructor(choose: Choose, options: StoreOptions = {}, contents: Iterable<readonly [string, string]> = []) {
    this.#choose = choose;
    const { lag = 0, now = () => this.calls, isVolatile = false } = options;
    this.#options = { lag, isVolatile };
    this.#now = now;
    this.#versions = new Map([...contents].map(([key, value]) => [key, [{ value, since: -Infinity }]]));
  }

  /** What stands there. */
  get contents(): Map<string, string> {
    return new Map([...this.#keys()].map((key) => [key, this.#get(key)!]));
  }

  /** Calls that are still to be done. */
  get underway(): number {
    return this.#late.length;
  }

  /** Does what is still to be done, in any order. */
  land(): void {
    while (this.#late.length > 0) {
      const [late] = this.#late.splice(this.#choose(this.#late.length), 1);
      this.landed++;
      late!.act();
    }
  }

  /** All that stands there survives a power loss from now on. */
  flush(): void {
    for (const [key, versions] of this.#versions) this.#versions.set(key, versions.slice(-1));
  }

  /** What a power loss leaves, of all that it may leave. */
  crash(choose: Choose): SimulatedStore {
    const left: [string, string][] = [];
    for (const [key, versions] of this.#versions) {
      const at = this.#options.isVolatile ? choose(versions.length) : versions.length - 1;
      const { value } = versions[at]!;
      // What was flushed is whole.
      const isTorn = this.#options.isVolatile && at > 0 && choose(3) === 0;
      if (value !== undefined) left.push([key, isTorn ? value.slice(0, choose(value.length)) : value]);
    }
    return new SimulatedStore(this.#choose, { ...this.#options, now: this.#now }, left);
  }

  /** A driver with exclusive creation and ordered lists, as one process has it. */
  records(gate: StoreGate = () => {}): Driver {
    return {
      name: "records",
      supports: recordSupports,
      ...this.#common(gate),
      create: (key, value) =>
        this.#call(gate, { name: "create", key }, ({ torn }) => {
          if (this.#get(key) !== undefined) return false;
          this.#put(key, textOf(value).slice(0, torn));
          return true;
        }),
      list: (options) => this.#call(gate, { name: "list", key: options.prefix }, () => this.#list(options)),
    };
  }

  /** A driver as unstorage knows it, as one process has it. */
  plain(gate: StoreGate = () => {}): Driver {
    return {
      name: "plain",
      ...this.#common(gate),
      setItem: (key, value) => this.#call(gate, { name: "setItem", key }, ({ torn }) => this.#put(key, textOf(value).slice(0, torn))),
    };
  }

  #common(gate: StoreGate): Pick<Driver, "hasItem" | "getItem" | "getKeys" | "removeItem"> {
    return {
      hasItem: (key) => this.#call(gate, { name: "hasItem", key }, () => this.#get(key) !== undefined),
      getItem: (key) => this.#call(gate, { name: "getItem", key }, () => this.#get(key) ?? null),
      getKeys: (base) => this.#call(gate, { name: "getKeys", key: base }, () => this.#shown(base).map(({ key }) => key)),
      removeItem: (key) =>
        this.#call(gate, { name: "removeItem", key }, () => {
          if (this.#get(key) !== undefined) this.#put(key, undefined);
        }),
    };
  }

  async #call<T>(gate: StoreGate, call: StoreCall, act: (fate: Fate) => T): Promise<T> {
    const fate = await gate(call) ?? {};
    const { done = [0], failure } = fate;
    const isAnswered = failure === undefined;
    if (isAnswered && done[0] !== 0) throw new TypeError(`Cannot answer ${call.name} of "${call.key}": it is not done`);
    this.#tick();
    const isWrite = call.name === "create" || call.name === "setItem" || call.name === "removeItem";
    let answer: T | undefined;
    for (const after of done) {
      if (after === 0) answer = act(fate);
      // Whoever reads later learns nothing from it. A late write over what was read back since can only be of the same text, whole:
      // against a torn one no order of calls would help.
      else if (isWrite) {
        const late = call.name === "setItem" ? { ...fate, torn: undefined } : fate;
        this.#late.push({ at: this.calls + after, act: () => act(late as Fate) });
      }
    }
    await fate.until;
    if (!isAnswered) throw failure;
    return answer as T;
  }

  /** Another call is made: what was underway before it may be done by now. */
  #tick(): void {
    this.calls++;
    const due = this.#late.filter(({ at }) => at <= this.calls);
    if (due.length === 0) return;
    this.#late = this.#late.filter(({ at }) => at > this.calls);
    for (const { act } of due) {
      this.landed++;
      act();
    }
  }

  #get(key: string): string | undefined {
    return this.#versions.get(key)?.at(-1)?.value;
  }

  #put(key: string, value: string | undefined): void {
    const { lag, isVolatile } = this.#options;
    const before = this.#versions.get(key) ?? [{ value: undefined, since: -Infinity }];
    const kept = isVolatile ? before : lag > 0 ? before.filter((_, i) => (before[i + 1]?.since ?? Infinity) > this.#now() - lag) : [];
    if (value === undefined && kept.length === 0) this.#versions.delete(key);
    else this.#versions.set(key, [...kept, { value, since: this.#now() }]);
  }

  *#keys(): Iterable<string> {
    for (const [key, versions] of this.#versions) if (versions.at(-1)!.value !== undefined) yield key;
  }

  /** What a list shows of the keys that begin with a prefix, in no order. */
  #shown(prefix: string): { readonly key: string; readonly value: string }[] {
    const oldest = this.#now() - this.#options.lag;
    const shown: { key: string; value: string }[] = [];
    for (const [key, versions] of this.#versions) {
      if (!key.startsWith(prefix)) continue;
      const may = versions.filter((_, i) => i === versions.length - 1 || versions[i + 1]!.since > oldest);
      const { value } = may.length > 1 ? may[this.#choose(may.length)]! : may[0]!;
      if (value !== undefined) shown.push({ key, value });
    }
    return shown;
  }

  #list({ prefix, after, limit, reverse = false, values = false }: DriverListOptions): DriverItem[] {
    const items = this.#shown(prefix).filter(({ key }) => after === undefined || (reverse ? key < after : key > after));
    items.sort(({ key: a }, { key: b }) => a < b ? -1 : 1);
    if (reverse) items.reverse();
    return items.slice(0, limit).map((item) => values ? item : { key: item.key });
  }
}

function textOf(value: string | Uint8Array): string {
  if (typeof value !== "string") throw new TypeError("Cannot write bytes: the simulated store takes text");
  return value;
}
