/**
 * What becomes of the calls that processes make over a network: chosen for each, by how bad the weather is.
 *
 * @module
 */
import { StateError } from "../../src/errors.ts";
import type { Choose } from "./simulated_disk.ts";
import type { Fate, StoreCall, StoreGate } from "./simulated_store.ts";
import { Death, type Turns } from "./simulated_turns.ts";

/** How a network goes wrong. */
export interface Weather {
  /** One in so many calls goes wrong; 0: none does. */
  readonly faults: number;
  /** What was given up is done within so many calls. @default 60 */
  readonly within?: number;
  /** Writes may be torn, with and without saying so. @default false */
  readonly tears?: boolean;
}

/** A call got no answer. */
export class Lost extends Error {}

/** What becomes of a call. */
export function fateOf({ name }: StoreCall, choose: Choose, { faults, within = 60, tears = false }: Weather): Fate {
  if (faults === 0 || choose(faults) > 0) return {};
  const failure = new Lost(`${name} got no answer`);
  const later = () => 1 + choose(within);
  switch (choose(tears && name === "setItem" ? 9 : 7)) {
    case 0:
      return { done: [], failure };
    case 1:
      return { done: [], failure: new StateError("STATE_DRIVER", `Cannot ${name}: it was refused`, { details: {} }) };
    case 2:
      return { failure };
    case 3:
      return { done: [later()], failure };
    case 4:
      return { done: [later(), later()], failure };
    case 5:
      return { done: [0, later()] };
    case 6:
      // A transport that had no answer, and sent it again.
      return { done: [0, 0] };
    case 7:
      return { torn: choose(3) === 0 ? 0 : choose(400), failure };
    default:
      return { torn: choose(3) === 0 ? 0 : choose(400) };
  }
}

/** The gate of a process whose calls wait for their turns, and whose answers may be late. */
export function networkOf(turns: Turns, process: number, choose: Choose, weather: Weather): StoreGate {
  const turn = turns.gate(process);
  return async (call) => {
    try {
      await turn();
    } catch (error) {
      // What was sent by a process that died is on its way, or is not.
      if (error instanceof Death && error.wasSent && choose(2) === 0) return { done: [1 + choose(weather.within ?? 60)], failure: error };
      throw error;
    }
    const fate = fateOf(call, choose, weather);
    return choose(8) === 0 ? { ...fate, until: turn() } : fate;
  };
}
