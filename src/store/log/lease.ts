/**
 * The lease of the one writer that a plain driver allows: an object with an id and a time, renewed while its holder lives.
 *
 * ```text
 * W1
 * digest of the next line
 * {"writer", "since", "until"}
 * ```
 *
 * A lease makes two writers unlikely, no more: who stands still between looking at it and writing is not seen. What they write
 * shows them to each other in most cases.
 *
 * @module
 */
import { StateError } from "../../errors.ts";
import type { LockOptions } from "../port.ts";
import { FORMAT, openEnvelope, type Seal } from "../seal.ts";

/** How long a lease holds without a renewal, and after which time it is renewed. */
export const LEASE_MS = 15_000;
export const RENEW_MS = 5_000;
/** Between two looks at a lease that somebody else holds. */
const POLL_MS = 250;

/** What a lease says. */
export interface LeaseBody {
  readonly writer: string;
  readonly since: number;
  readonly until: number;
}

/** How a lease is taken. */
export interface LeaseParts {
  readonly key: string;
  /** For messages. */
  readonly driverName: string;
  readonly writer: string;
  readonly seal: Seal;
  readonly get: (key: string) => Promise<unknown>;
  readonly set: (key: string, text: string) => Promise<void>;
  readonly remove: (key: string) => Promise<void>;
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  /** Until what others wrote is certain to be seen. */
  readonly settleMs: number;
  readonly onWarning: (warning: { readonly code: string; readonly message: string }) => void;
}

/** One writer's hold on one namespace. Calls must not overlap. */
export class Lease {
  readonly #parts: LeaseParts;
  #held: LeaseBody | undefined;
  #text: string | undefined;

  /** Not taken yet. */
  constructor(parts: LeaseParts) {
    this.#parts = parts;
  }

  /** Whether it was taken, and has neither been lost nor run out. */
  get isHeld(): boolean {
    return this.#held !== undefined && this.#parts.now() < this.#held.until;
  }

  /** Since when, by whom. */
  get body(): LeaseBody | undefined {
    return this.#held;
  }

  /**
   * Takes it, once nobody holds it.
   *
   * @throws {StateError} STATE_LOCKED if somebody does for longer than `waitMs`
   */
  async take({ waitMs = LEASE_MS, steal = false }: LockOptions): Promise<void> {
    const { key, get, now, sleep, onWarning, settleMs } = this.#parts;
    const begun = now();
    let seen: { readonly text: unknown; readonly at: number } | undefined;
    for (;;) {
      const text = await get(key) ?? undefined;
      const held = await this.#parse(text);
      if (seen === undefined || seen.text !== text) seen = { text, at: now() };
      // A lease that cannot be read may be somebody's all the same, for as long as one lasts.
      const until = held?.until ?? seen.at + LEASE_MS;
      const isFree = text === undefined || now() >= until;
      if (isFree || steal) {
        if (text !== undefined) {
          const who = held === undefined ? "a writer that cannot be told any more" : `writer ${held.writer}`;
          onWarning({ code: "lock", message: `The lock was taken over from ${who}${isFree ? ", whose lease had run out" : ""}` });
        }
        await this.#write(now());
        await sleep(settleMs);
        const found = await get(key) ?? undefined;
        if (found === this.#text) return;
        if (found === undefined) throw new Error(`"${key}" is not there after it was written: the driver may be read-only, or full`);
        this.#lose();
        steal = false;
        continue;
      }
      const left = waitMs - (now() - begun);
      if (left <= 0) throw this.#locked(held);
      await sleep(Math.max(1, Math.min(POLL_MS, left, until - now())));
    }
  }

  /**
   * Makes certain that it is still held, and renews it when it is time.
   *
   * @throws {StateError} STATE_LOCKED if somebody else has taken it
   */
  async check(): Promise<void> {
    const { key, get, now } = this.#parts;
    if (this.#held === undefined) throw this.#locked(undefined);
    if (now() < this.#held.until - LEASE_MS + RENEW_MS) return;
    const text = await get(key) ?? undefined;
    if (text !== this.#text) {
      this.#lose();
      throw this.#locked(await this.#parse(text));
    }
    await this.#write(this.#held.since);
  }

  /** Somebody else was seen to write. */
  async lost(): Promise<StateError> {
    this.#lose();
    return this.#locked(await this.#parse(await this.#parts.get(this.#parts.key) ?? undefined));
  }

  /** Gives it back, if it is still held. */
  async release(): Promise<void> {
    const { key, get, remove } = this.#parts;
    const text = this.#text;
    this.#lose();
    if (text !== undefined && await get(key) === text) await remove(key);
  }

  async #write(since: number): Promise<void> {
    const { key, set, writer, seal, now } = this.#parts;
    const body = { writer, since, until: now() + LEASE_MS };
    const json = JSON.stringify(body);
    const [digest] = await seal([json]);
    const text = `W${FORMAT}\n${digest}\n${json}`;
    await set(key, text);
    [this.#held, this.#text] = [body, text];
  }

  #lose(): void {
    [this.#held, this.#text] = [undefined, undefined];
  }

  #locked(held: LeaseBody | undefined): StateError {
    const { driverName } = this.#parts;
    const who = held === undefined
      ? "another writer holds it, or has held it"
      : `writer ${held.writer} has held it since ${isoOf(held.since)}`;
    return new StateError(
      "STATE_LOCKED",
      `Cannot write to driver "${driverName}": ${who}; close that state, or open with lock: { steal: true }`,
      { details: held === undefined ? {} : { holder: held.writer, since: new Date(held.since) } },
    );
  }

  async #parse(text: unknown): Promise<LeaseBody | undefined> {
    if (typeof text !== "string") return undefined;
    try {
      const body = openEnvelope("W", text, "the lease");
      const cut = body.indexOf("\n");
      const json = body.slice(cut + 1);
      if (body.slice(0, cut) !== (await this.#parts.seal([json]))[0]) return undefined;
      const { writer, since, until } = JSON.parse(json) as LeaseBody;
      return typeof writer === "string" && Number.isFinite(since) && Number.isFinite(until) ? { writer, since, until } : undefined;
    } catch {
      return undefined;
    }
  }
}

function isoOf(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? String(ms) : date.toISOString();
}
