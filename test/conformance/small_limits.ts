/**
 * A driver with tiny limits, so that what takes several steps on a large engine takes them on few bytes.
 *
 * @module
 */
import type { Driver, DriverBatch, DriverSupports } from "../../src/store/driver.ts";

const encoder = new TextEncoder();

function bytesOf(value: string | Uint8Array): number {
  return typeof value === "string" ? encoder.encode(value).length : value.length;
}

/** The limits that are declared: small, but enough for a head, a record, and a few rows. */
export const smallLimits: Pick<DriverSupports, "valueBytes" | "batchOps" | "batchBytes"> = {
  valueBytes: 2 * 1024,
  batchOps: 12,
  batchBytes: 8 * 1024,
};

/**
 * A driver that declares {@linkcode smallLimits} over another one, and keeps callers to them. The longest key is the inner
 * driver's.
 *
 * What it throws is a bare `TypeError`, which no library call expects: a limit that is passed fails the test.
 */
export function limitDriver(inner: Driver, limits: Partial<typeof smallLimits> = {}): Driver {
  if (!inner.supports?.commit || !inner.commit) throw new TypeError(`Cannot limit driver "${inner.name}": it commits no batches`);
  const supports: DriverSupports = { ...inner.supports, ...smallLimits, ...limits };
  const { commit, create } = inner;

  function refuse(what: string, actual: number, max: number): void {
    if (actual > max) throw new TypeError(`Cannot take ${what}: ${actual}, the limit is ${max}`);
  }

  function check(key: string, value: string | Uint8Array): void {
    refuse(`the key "${key}"`, bytesOf(key), supports.keyBytes);
    refuse(`the value of "${key}"`, bytesOf(value), supports.valueBytes);
  }

  function checkBatch({ checks, set, remove }: DriverBatch): void {
    for (const [key, value] of set) check(key, value);
    refuse("the keys of a batch", checks.length + set.length + remove.length, supports.batchOps);
    const sizes = [
      ...checks.map(({ key, is }) => bytesOf(key) + bytesOf(is ?? "")),
      ...set.map(([key, value]) => bytesOf(key) + bytesOf(value)),
      ...remove.map(bytesOf),
    ];
    refuse("the bytes of a batch", sizes.reduce((sum, size) => sum + size, 0), supports.batchBytes);
  }

  return {
    ...inner,
    name: `${inner.name ?? "unnamed"} with small limits`,
    supports,
    commit: async (batch) => {
      checkBatch(batch);
      return await commit(batch);
    },
    ...(create && {
      create: async (key: string, value: string | Uint8Array) => {
        check(key, value);
        return await create(key, value);
      },
    }),
  };
}
