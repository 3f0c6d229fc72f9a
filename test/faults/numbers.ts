/**
 * Numbers taken from a shared counter, one a commit, each once and by one: the measure of a log under faults.
 *
 * @module
 */
import assert from "node:assert/strict";
import { isStateError } from "../../src/errors.ts";
import type { DriverBatch } from "../../src/store/driver.ts";
import type { Port } from "../../src/store/port.ts";
import { Crash } from "./simulated_disk.ts";

/** What was told of the numbers. */
export interface Ledger {
  /** Each commit also writes what fills a page alone. */
  readonly isFat: boolean;
  /** Who got which number, as far as it was acknowledged. */
  readonly acknowledged: Map<number, string>;
  /** What was said not to stand, ever. */
  readonly refused: Set<string>;
  /** What could not be decided. */
  doubtful: number;
}

/** Nothing was told yet. */
export function createLedger(isFat = false): Ledger {
  return { isFat, acknowledged: new Map(), refused: new Set(), doubtful: 0 };
}

/** Whether a failure comes of the process's own end. */
export function isCrash(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) if (at instanceof Crash) return true;
  return false;
}

/** Tries of a batch whose outcome is not known. */
const TRIES = 6;
/** Failures in a row before a store counts as gone. */
const PATIENCE = 200;

/** The key that says who took a number. */
function keyOf(number: number): string {
  return `app!taken!${String(number).padStart(4, "0")}`;
}

/** Which keys the commit of a number sets beside it, and which it removes. */
function changesOf(number: number, isFat: boolean): { readonly set: [string, string][]; readonly remove: string[] } {
  const fat = (of: number) => `app!fat!${of % 5}`;
  return {
    set: [
      [`app!ring!${number % 3}`, String(number)],
      ...isFat ? [[fat(number), String(number).padEnd(17_000, "-")] as [string, string]] : [],
    ],
    remove: [`app!ring!${(number + 1) % 3}`, ...isFat ? [fat(number + 2)] : []],
  };
}

/**
 * Takes numbers: each batch checks the number before, says who took it, and turns a ring of keys by one. What is read must
 * never be older than what was acknowledged to anybody before the read began.
 */
export async function takeNumbers(port: Port, name: string, times: number, ledger: Ledger): Promise<void> {
  for (let i = 0, attempt = 0; i < times; attempt++) {
    assert.ok(attempt < PATIENCE, `${name} gets no further`);
    const before = Math.max(0, ...ledger.acknowledged.keys());
    const [last] = await reading(() => port.getMany(["app!n"]));
    const number = Number(last ?? "0") + 1;
    assert.ok(number > before, `${name} read ${number - 1} after ${before} was acknowledged`);
    const who = `${name}.${i}.${attempt}`;
    const { set, remove } = changesOf(number, ledger.isFat);
    const batch: DriverBatch = {
      checks: [{ key: "app!n", is: last as string | undefined }],
      set: [["app!n", String(number)], [keyOf(number), who], ...set],
      remove,
      durable: false,
    };
    const outcome = await commit(port, batch, number, who);
    if (outcome === "refused") ledger.refused.add(who);
    else {
      i++;
      if (outcome === "unknown") ledger.doubtful++;
      else {
        assert.ok(!ledger.acknowledged.has(number), `${number} was acknowledged twice`);
        ledger.acknowledged.set(number, who);
      }
    }
  }
}

/** Commits as the library does: what is not known is tried again, until it is known. */
async function commit(port: Port, batch: DriverBatch, number: number, who: string): Promise<"stands" | "refused" | "unknown"> {
  let isDoubtful = false;
  for (let attempt = 0; attempt < TRIES; attempt++) {
    try {
      if (await port.commit(batch)) return "stands";
      // A check fails: because another batch took the number, or because this very one did, and nobody said so.
      const [holder] = await reading(() => port.getMany([keyOf(number)]));
      return holder === who ? "stands" : "refused";
    } catch (error) {
      if (isCrash(error)) throw error;
      if (isStateError(error) && !isStateError(error, "STATE_DRIVER")) throw error;
      if (isStateError(error) && !isDoubtful) return "refused";
      isDoubtful = true;
    }
  }
  return "unknown";
}

async function reading<T>(read: () => Promise<T>): Promise<T> {
  for (let attempt = 1;; attempt++) {
    try {
      return await read();
    } catch (error) {
      if (!isStateError(error, "STATE_DRIVER") || isCrash(error) || attempt === PATIENCE) throw error;
    }
  }
}

/** What a log must hold: numbers without a gap, each taken once, with all that were acknowledged and none that was refused. */
export async function verifyNumbers(port: Port, { isFat, acknowledged, refused }: Ledger): Promise<number> {
  const items = await reading(() => port.list({ prefix: "app!", limit: 10_000, values: true }));
  const { "app!n": n = "0", ...rest } = Object.fromEntries(items.map(({ key, value }) => [key, value as string]));
  const count = Number(n);
  const expected: Record<string, string> = {};
  const whos: string[] = [];
  for (let number = 1; number <= count; number++) {
    const who = rest[keyOf(number)];
    assert.ok(who !== undefined, `${number} of ${count} is missing`);
    assert.ok(!refused.has(who), `${number} is ${who}, which was said not to stand`);
    whos.push(who);
    expected[keyOf(number)] = who;
    const { set, remove } = changesOf(number, isFat);
    for (const [key, value] of set) expected[key] = value;
    for (const key of remove) delete expected[key];
  }
  assert.deepEqual(rest, expected);
  assert.equal(new Set(whos).size, count, `one commit counts twice: ${whos}`);
  for (const [number, who] of acknowledged) assert.equal(rest[keyOf(number)], who, `${number} is lost`);
  return count;
}
