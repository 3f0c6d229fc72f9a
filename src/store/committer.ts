/**
 * The queue before the log: what is accepted while a record is in flight shares the next one.
 *
 * Losing the race for the head is never the user's conflict: what was queued runs again on what is there now. What an
 * operation answers, or fails with, is told only once everything that it saw is durable.
 *
 * @module
 */
import { isStateError, StateError } from "../errors.ts";
import { type Composed, composeRecord, type Ran, runAll } from "./compose.ts";
import { formatRows } from "./compose.ts";
import { isCritical, type Operation, type WideOperation } from "./operation.ts";
import type { Paths } from "./paths.ts";
import { type Port, reasonOf } from "./port.ts";
import { parseRecord } from "./record.ts";
import { corrupt, type Seal } from "./seal.ts";
import type { View } from "./view.ts";

/** What a committer is made of. */
export interface CommitterParts {
  readonly port: Port;
  readonly paths: Paths;
  readonly seal: Seal;
  readonly view: View;
  readonly now: () => number;
  readonly random: (bytes: number) => Uint8Array;
  /** A new transaction id. */
  readonly txid: () => string;
  /** Brings in a commit that stands in pieces; does nothing where the head says that none is pending. */
  readonly applySteps: () => Promise<void>;
  /** Commits what one batch cannot hold, or what must be scanned for; undefined: lost the race, run it again. */
  readonly commitWide: (
    operation: WideOperation<unknown>,
    committing: Pick<Committer, "land" | "pause">,
  ) => Promise<{ readonly result: unknown } | undefined>;
  /** Housekeeping between two records. */
  readonly maintain: () => Promise<void>;
}

/** Whether a record became the one that goes by its number. */
export type Land = (composed: Composed) => Promise<boolean>;

interface Waiting {
  readonly operation: Operation<unknown> | WideOperation<unknown>;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
  prepared: boolean;
}

/** The most operations that share a record. */
const GROUP = 512;
/** Microtasks to wait for more of them: callers that were all woken by one record ask again within so many. */
const GATHERING = 8;
/** Tries to learn an unknown outcome. With the pauses between them they take up to a second or two. */
const TRIES = 8;

/** Commits operations in the order in which they are handed in. */
export class Committer {
  readonly #parts: CommitterParts;
  #queue: Waiting[] = [];
  #running: Promise<void> | undefined;

  /** An idle committer. */
  constructor(parts: CommitterParts) {
    this.#parts = parts;
  }

  /** Runs an operation and makes what it changes durable. */
  submit<R>(operation: Operation<R> | WideOperation<R>): Promise<R> {
    return new Promise<R>((resolve, reject) => {
      const waiting: Waiting = {
        operation,
        resolve: resolve as (result: unknown) => void,
        reject,
        prepared: operation.ready === undefined,
      };
      operation.ready?.then(() => waiting.prepared = true, () => {});
      this.#queue.push(waiting);
      this.#running ??= this.#run();
    });
  }

  /** Resolves once all that was handed in so far is settled. */
  async drain(): Promise<void> {
    if (this.#running !== undefined) await this.submit({ verb: "drain", local: true, paths: [], bytes: 0, run: () => {} });
  }

  /** Resolves once nothing is queued and nothing is at work. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  async #run(): Promise<void> {
    for (;;) {
      for (let i = 0; i < GATHERING; i++) await undefined;
      const group = await this.#take();
      if (group.length === 0) {
        if (this.#queue.length > 0) continue;
        this.#running = undefined;
        return;
      }
      try {
        await this.#commit(group);
        await this.#parts.maintain();
      } catch (error) {
        for (const { reject } of group) reject(error);
      }
    }
  }

  /** The next operations that may share a record. */
  async #take(): Promise<Waiting[]> {
    const first = this.#queue[0];
    if (first === undefined) return [];
    if (!first.prepared) {
      try {
        await first.operation.ready;
      } catch (error) {
        this.#queue.shift();
        first.reject(error);
        return [];
      }
    }
    let size = 1;
    if (!("scan" in first.operation)) {
      while (size < GROUP && this.#queue[size]?.prepared && !("scan" in this.#queue[size]!.operation)) size++;
    }
    return this.#queue.splice(0, size);
  }

  /** Settles some of the group, from its front; the rest goes back to the front of the queue. */
  async #commit(group: readonly Waiting[]): Promise<void> {
    let settled = 0;
    for (let attempt = 0; settled === 0; attempt++) {
      if (attempt > 0) await this.pause(attempt);
      await this.#parts.applySteps();
      const { operation, resolve, reject } = group[0]!;
      if (!("scan" in operation)) settled = await this.#commitGroup(group, attempt > 0);
      else {
        try {
          const done = await this.#parts.commitWide(operation, this);
          if (done === undefined) continue;
          operation.settled?.();
          resolve(done.result);
        } catch (error) {
          reject(asOf(error, operation.operationId));
        }
        settled = 1;
      }
    }
    this.#queue.unshift(...group.slice(settled));
    // What was committed in pieces is brought in now rather than by whoever comes next; it stands either way.
    await this.#parts.applySteps().catch(() => {});
  }

  /** How many were settled; 0: the race was lost, or what was answered from is not the newest. */
  async #commitGroup(group: readonly Waiting[], contended: boolean): Promise<number> {
    const { view, paths, seal, now, port } = this.#parts;
    const operations = group.map(({ operation }) => operation as Operation<unknown>);
    const wanted = [...new Set(operations.flatMap((operation) => operation.paths))];
    // What is known may be old: the check on the head finds out, at no cost where nobody else writes.
    const reading = await view.read(wanted, { gone: true, ...(contended ? {} : { maxStaleMs: Infinity }) });
    const { head, text } = view;
    if (text === undefined) throw corrupt("the namespace", "it is not there");
    if (head.commit !== reading.head.commit || head.applied < head.commit) return 0;
    const { ran, tooLarge } = runAll(operations, head, reading.slots, view.recent, now(), port.supports);
    if (tooLarge) return await this.#commitLarge(group[0]!);
    const drafts = ran.flatMap(({ changes }, i) =>
      changes.length === 0 ? [] : [{ txid: this.#parts.txid(), verb: operations[i]!.verb, changes }]
    );
    if (drafts.length === 0) {
      // Nothing to write: what is answered must still be of the newest head.
      const isLocal = ran.every((_, i) => operations[i]!.local === true);
      if (!contended && !isLocal && (await view.look()).commit !== head.commit) return 0;
    } else {
      const durable = drafts.some(({ changes }) => changes.some(isCritical));
      const composed = await composeRecord(drafts, { head, headText: text, now: now(), paths, seal, durable });
      try {
        if (!await this.land(composed)) return 0;
      } catch (error) {
        ran.forEach((_, i) => group[i]!.reject(asOf(error, operations[i]!.operationId)));
        return ran.length;
      }
    }
    settle(group, ran);
    return ran.length;
  }

  /** One operation alone is more than a batch holds. */
  async #commitLarge(waiting: Waiting): Promise<number> {
    const { widen } = await import("./widen.ts");
    const operation = widen(waiting.operation as Operation<unknown>);
    await this.#commit([{ ...waiting, operation }]);
    return 1;
  }

  /** A rest before trying again, longer each time, of random length. */
  pause(attempt: number): Promise<void> {
    const [a = 0, b = 0] = this.#parts.random(2);
    const ms = Math.min(500, 2 ** Math.min(attempt, 10)) * ((a * 256 + b) / 65_536);
    return new Promise((resolve) => setTimeout(resolve, ms));
  }

  /**
   * Writes a record. True once it stands; false if another one took its number.
   *
   * @throws {StateError} STATE_DRIVER if the driver failed and nothing was written
   * @throws {StateError} STATE_UNCERTAIN if that could not be learnt
   */
  readonly land: Land = async (composed) => {
    const { port, view } = this.#parts;
    let failure: unknown;
    for (let attempt = 1;; attempt++) {
      let written: boolean;
      try {
        written = await port.commit(composed.batch);
      } catch (error) {
        // A StateError says that nothing was written, but an earlier try may still have been.
        if (isStateError(error) && failure === undefined) throw error;
        failure ??= error;
        if (attempt >= TRIES || isStateError(error, "STATE_CORRUPT")) throw uncertain(failure);
        await this.pause(attempt + 2);
        continue;
      }
      if (written || await this.#landedBefore(composed, failure)) break;
      return false;
    }
    await view.adopt(composed.head, composed.text, composed);
    if (composed.batch.durable) await this.#readBack(composed);
    return true;
  };

  /** A check failed: because another record took the number, or because this very one stands already. */
  async #landedBefore(composed: Composed, failure: unknown): Promise<boolean> {
    const { view, port, paths, seal } = this.#parts;
    const { first, txid } = { first: composed.head.first, txid: composed.commits[0]!.txid };
    return await this.#persistently(async () => {
      await view.look().catch((error) => {
        // An earlier try may have been written before the namespace was repaired, and may have been kept.
        throw failure !== undefined && isStateError(error, "STATE_CLOSED") ? uncertain(failure) : error;
      });
      // The head is another one than the batch asks for, so that batch can never land any more.
      if (view.head.commit < first) return false;
      let holder = view.recent.txidOf(first);
      if (holder === undefined) {
        const [record] = await port.getMany([paths.log(first)]);
        if (record === undefined) throw uncertain(failure ?? new Error("the record that decides is gone"));
        holder = (await parseRecord(record, first, seal)).commits[0]?.txid;
      }
      if (holder === txid) await this.#complete(composed);
      return holder === txid;
    });
  }

  /** Its record stands, but nobody said so: a driver that broke its word may have left rows out. */
  async #complete(composed: Composed): Promise<void> {
    const { port, paths, seal } = this.#parts;
    const rows = await formatRows(composed.slots, paths, seal, () => true);
    try {
      const remove = [...new Set([...rows.remove, ...composed.batch.remove])];
      await port.commit({ checks: [{ key: paths.head, is: composed.text }], set: rows.set, remove, durable: composed.batch.durable });
    } catch { /* Then whoever opens next completes it. */ }
  }

  /** Reads what decides about a commit that may stand: a failure to read is no proof that it does not. */
  async #persistently<T>(read: () => Promise<T>): Promise<T> {
    for (let attempt = 1;; attempt++) {
      try {
        return await read();
      } catch (error) {
        if (!isStateError(error, "STATE_DRIVER")) throw error;
        if (attempt >= TRIES) throw uncertain(error);
        await this.pause(attempt + 2);
      }
    }
  }

  /** Critical: what was acknowledged is read back and compared. */
  async #readBack(composed: Composed): Promise<void> {
    const { port, paths } = this.#parts;
    const rows = composed.batch.set.filter(([key]) => key !== paths.head);
    const found = await this.#persistently(() => port.getMany([paths.head, ...rows.map(([key]) => key)]));
    // Another writer may have replaced a row already; its head shows that.
    if (found[0] !== composed.text) return;
    rows.forEach(([key, value], i) => {
      if (!isSame(found[i + 1], value)) throw corrupt(`"${key}"`, "it does not read back as it was written", composed.head.first);
    });
  }
}

function settle(group: readonly Waiting[], ran: readonly Ran[]): void {
  ran.forEach(({ outcome }, i) => {
    const { operation, resolve, reject } = group[i]!;
    if ("error" in outcome) return reject(outcome.error);
    (operation as Operation<unknown>).settled?.();
    resolve(outcome.result);
  });
}

/** The error as the operation that it is about must see it: with an operation id, a retry of the unknown is safe. */
function asOf(error: unknown, operationId: string | undefined): unknown {
  return isStateError(error, "STATE_UNCERTAIN") && operationId !== undefined ? uncertain(error.cause, operationId) : error;
}

function uncertain(cause: unknown, operationId?: string): unknown {
  if (isStateError(cause, "STATE_UNCERTAIN")) return cause;
  return new StateError("STATE_UNCERTAIN", `Cannot learn whether the commit was written: ${reasonOf(cause)}`, {
    details: operationId === undefined ? {} : { operationId },
    cause,
  });
}

function isSame(a: string | Uint8Array | undefined, b: string | Uint8Array): boolean {
  if (typeof a === "string" || typeof b === "string" || a === undefined) return a === b;
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
