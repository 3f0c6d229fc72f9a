/** A log on a simulated disk, and what it must hold after a crash. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { FileCalls } from "../../adapters/fs/calls.ts";
import { createDriver } from "../../adapters/fs/driver.ts";
import type { Driver } from "../../src/store/driver.ts";
import { createDigester } from "../../src/digest.ts";
import type { LogOptions, LogTuning } from "../../src/store/log/log.ts";
import { LogPort } from "../../src/store/log/log_port.ts";
import { createSeal } from "../../src/store/seal.ts";
import { seeded } from "./simulated_disk.ts";

/** At once: no thread of Web Crypto decides whose call comes first. */
const seal = createSeal(createDigester({
  subtle: { digest: (_, data) => Promise.resolve(new Uint8Array(createHash("sha256").update(new Uint8Array(data)).digest()).buffer) },
}));
let opened = 0;

/** Opens the log in `/d`, as a process of its own. */
export function openLog(calls: FileCalls, tuning: Partial<LogTuning>, options: Partial<LogOptions> = {}): LogPort {
  return openLogOn(createDriver({ given: "/d", absolute: "/d" }, calls, () => true), tuning, options);
}

/** Opens the log on a driver, as a process of its own. */
export function openLogOn(driver: Driver, tuning: Partial<LogTuning>, options: Partial<LogOptions> = {}): LogPort {
  return new LogPort({
    driver,
    root: "app!",
    seal,
    random: randomOf(++opened * 7919),
    now: () => 0,
    readOnly: false,
    cacheBytes: 1024 * 1024,
    onWarning: () => {},
    tuning,
    ...options,
  });
}

/** Random bytes from a seed. */
export function randomOf(seed: number): (bytes: number) => Uint8Array {
  const choose = seeded(seed);
  return (bytes) => Uint8Array.from({ length: bytes }, () => choose(65_536) >> 4);
}

/** What a log holds. */
export async function contentOf(port: LogPort): Promise<Record<string, string>> {
  const items = await port.list({ prefix: "app!", limit: 10_000, values: true });
  return Object.fromEntries(items.map(({ key, value }) => [key.slice(4), value as string]));
}

/** A batch: keys with what they get; `undefined`: they go. */
export type Step = Readonly<Record<string, string | undefined>>;

/** Writes a step. */
export async function write(port: LogPort, step: Step): Promise<void> {
  const set: [string, string][] = [];
  const remove: string[] = [];
  for (const [key, value] of Object.entries(step)) value === undefined ? remove.push(`app!${key}`) : set.push([`app!${key}`, value]);
  assert.equal(await port.commit({ checks: [], set, remove, durable: true }), true);
}

/** What a transaction may do with two keys. */
function actions(i: number): readonly Step[] {
  return [
    { a: `A${i}` },
    { b: `B${i}` },
    { a: `A${i}`, b: `B${i}` },
    { a: undefined, b: `B${i}` },
    { a: undefined, b: undefined },
  ];
}

/** Every workload of up to so many transactions on two keys. */
export function workloads(most: number): Step[][] {
  let all: Step[][] = [[]];
  const each: Step[][] = [];
  for (let i = 0; i < most; i++) {
    all = all.flatMap((steps) => actions(i).map((action) => [...steps, action]));
    each.push(...all);
  }
  return each;
}
