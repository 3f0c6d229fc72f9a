/**
 * What may go wrong with a call on a file system.
 *
 * @module
 */
import type { Call, Choose, Fault } from "./simulated_disk.ts";

/** The call fails, and nothing of it was done. */
const refused: Fault = { code: "EIO" };
/** The call fails, and all of it was done. */
const doubtful: Fault = { code: "EIO", isMade: true };

const faults: Readonly<Partial<Record<Call["name"], readonly Fault[]>>> = {
  // A short write, as on a full disk; one of all but the last byte; one that fails after some bytes.
  write: [refused, doubtful, { bytes: 1 }, { bytes: 60 }, { bytes: -1 }, { bytes: 30, code: "ENOSPC" }, { code: "ENOSPC" }],
  writeAt: [refused, { bytes: 1 }],
  link: [refused, doubtful],
  unlink: [refused, doubtful],
  mkdir: [refused, doubtful],
};

/** All that may go wrong with a call. */
export function faultsOf(name: Call["name"]): readonly Fault[] {
  return faults[name] ?? [refused];
}

/** One in so many calls goes wrong. */
export function faultsAmong(choose: Choose, most: number): (call: Call) => Fault | undefined {
  return ({ name }) => {
    if (choose(most) !== 0) return undefined;
    const all = faultsOf(name);
    return all[choose(all.length)];
  };
}

/** From one call on, all calls of one name go wrong, so many times. */
export function faultsFrom(first: number, name: Call["name"], times: number): (call: Call) => Fault | undefined {
  let calls = 0;
  let left = times;
  return (call) => calls++ >= first && call.name === name && left-- > 0 ? faultsOf(name)[0] : undefined;
}
