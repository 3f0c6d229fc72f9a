/**
 * A driver that takes little at a time, and refuses what is more, so that small tests reach pieces, stages and steps.
 *
 * @module
 */
import type { Driver, DriverBatch, DriverSupports } from "../../src/store/driver.ts";

/** What it takes at a time. */
export type SmallLimits = Partial<Pick<DriverSupports, "valueBytes" | "batchOps" | "batchBytes" | "binary">>;

/** As little as a commit of one small entry needs, and not much more. */
export const smallLimits: SmallLimits = { valueBytes: 4096, batchOps: 20, batchBytes: 16 * 1024 };

/** The same driver with less room. What breaks a bound is an error that no caller could mean: the store must have split it. */
export function limitDriver(driver: Driver, limits: SmallLimits = smallLimits): Driver {
  const supports: DriverSupports = { ...driver.supports!, ...limits };
  return { ...driver, supports, commit: async (batch) => (checkBatch(batch, supports), await driver.commit!(batch)) };
}

/** Throws what a batch has too much of. */
export function checkBatch({ checks, set, remove }: DriverBatch, supports: DriverSupports): void {
  const ops = new Set([...checks.map(({ key }) => key), ...set.map(([key]) => key), ...remove]).size;
  const bytes = [...set].reduce((sum, [key, value]) => sum + key.length + sizeOf(value), 0) +
    remove.reduce((sum, key) => sum + key.length, 0);
  const largest = Math.max(0, ...set.map(([, value]) => sizeOf(value)));
  if (ops > supports.batchOps) throw new RangeError(`a batch has ${ops} keys, the limit is ${supports.batchOps}`);
  if (bytes > supports.batchBytes) throw new RangeError(`a batch has ${bytes} bytes, the limit is ${supports.batchBytes}`);
  if (largest > supports.valueBytes) throw new RangeError(`a value has ${largest} bytes, the limit is ${supports.valueBytes}`);
  if (!supports.binary && set.some(([, value]) => typeof value !== "string")) throw new TypeError("a value is no text");
  const both = remove.find((key) => set.some(([other]) => other === key));
  if (both !== undefined) throw new TypeError(`a batch sets and removes "${both}"`);
}

function sizeOf(value: string | Uint8Array): number {
  return typeof value === "string" ? new TextEncoder().encode(value).length : value.length;
}
