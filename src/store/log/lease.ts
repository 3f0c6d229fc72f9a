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

/** How closely a lease is looked at. */
export interface LeaseCheck {
  /** Also where its time has not come: somebody may have taken it all the same, whose clock is another, or who stole it. */
  readonly isSuspect?: boolean;
  /** It is time, whatever the clock says: that may have been set back. */
  readonly renew?: boolean;
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
  /** Whether the last renewal stands is not known. */
  #isDoubtful = false;

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
      let text: unknown;
      try {
        text = await get(key) ?? undefined;
      } catch (error) {
        // While it waits for somebody, one look more or less does not matter.
        if (seen === undefined || now() - begun >= waitMs) throw error;
        await sleep(POLL_MS);
        continue;
      }
      const held = await this.#parse(text);
      if (seen === undefined || seen.text !== text) seen = { text, at: now() };
      // A lease that cannot be read may be somebody's all the same, for as long as one lasts.
      const until = held?.until ?? seen.at + LEASE_MS;
      // Its own stands there where an answer was lost.
      const isFree = text === undefined || now() >= until || held?.writer === this.#parts.writer;
      if (isFree || steal) {
        if (text !== undefined && held?.writer !== this.#parts.writer) {
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
  async check({ isSuspect = false, renew = false }: LeaseCheck = {}): Promise<void> {
    const { key, get, now, sleep, settleMs, writer } = this.#parts;
    const held = this.#held;
    if (held === undefined) throw this.#locked(undefined);
    const isDue = renew || this.#isDoubtful || now() >= held.until - LEASE_MS + RENEW_MS;
    if (!isDue && !isSuspect) return;
    const text = await get(key) ?? undefined;
    if (!isDue && text === this.#text) return;
    await this.#refuseOther(text);
    const isCertain = text === this.#text && now() < held.until;
    this.#isDoubtful = true;
    await this.#write(held.since);
    if (!isCertain) {
      // It had run out, or what stood there was torn: somebody else may be about to take it.
      await sleep(settleMs);
      const found = await get(key) ?? undefined;
      await this.#refuseOther(found);
      if (found !== this.#text) throw new Error(`the lease "${key}" of writer ${writer} does not read back as it was written`);
    }
    this.#isDoubtful = false;
  }

  /** Somebody else was seen to write. */
  async lost(): Promise<StateError> {
    this.#lose();
    return this.#locked(await this.#parse(await this.#parts.get(this.#parts.key) ?? undefined));
  }

  /** Gives it back, if it is still held. */
  async release(): Promise<void> {
    const { key, get, remove, writer } = this.#parts;
    if (this.#held === undefined) return;
    this.#lose();
    if ((await this.#parse(await get(key)))?.writer === writer) await remove(key);
  }

  /** A text that does not prove itself is none of somebody else: who takes a lease reads it back. */
  async #refuseOther(text: unknown): Promise<void> {
    const found = await this.#parse(text);
    if (text !== undefined && (found === undefined || found.writer === this.#parts.writer)) return;
    this.#lose();
    throw this.#locked(found);
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
    const { driverName, writer } = this.#parts;
    const who = held === undefined || held.writer === writer
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
