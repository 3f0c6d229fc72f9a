/**
 * Proving that what is stored is what happened: every message of every agent is compared with the trace.
 *
 * @module
 */
import { type StateManager, StateScope } from "@llmspell/state-persistence";
import { isDeepStrictEqual } from "node:util";
import { advance, newborn, scopeOf } from "./agent.ts";
import type { Trajectory } from "./trajectory.ts";

/** What was found. */
export interface Findings {
  /** Turns that are stored, of each trajectory. */
  readonly turns: readonly number[];
  /** Turns that were acknowledged and are not stored. */
  readonly lost: number;
  /** Agents whose state is none that they were ever in, and what nobody saved. */
  readonly torn: number;
  /** What is wrong, in words. */
  readonly problems: readonly string[];
}

/** Compares the whole state with the trajectories; of each at least `acknowledged` turns must be there. */
export async function prove(state: StateManager, trajectories: readonly Trajectory[], acknowledged: readonly number[]): Promise<Findings> {
  const turns: number[] = [];
  const problems: string[] = [];
  let [lost, torn] = [0, 0];
  for (const [i, trajectory] of trajectories.entries()) {
    const name = StateScope.format(scopeOf(trajectory));
    const stored = await storedTurns(state, trajectory);
    if (typeof stored === "string") {
      torn++;
      problems.push(`${name}: ${stored}`);
    }
    turns[i] = typeof stored === "string" ? 0 : stored;
    const missing = Math.max(0, acknowledged[i]! - turns[i]!);
    if (missing > 0) problems.push(`${name}: turn ${acknowledged[i]} was acknowledged, and ${turns[i]} are stored`);
    lost += missing;
  }
  for (const foreign of await foreignTo(trajectories, state)) {
    torn++;
    problems.push(`${foreign}: nobody saved it`);
  }
  return { turns, lost, torn, problems };
}

/** How many turns of a trajectory are stored; or what is wrong with them. */
async function storedTurns(state: StateManager, trajectory: Trajectory): Promise<number | string> {
  const values = await state.loadMany(scopeOf(trajectory), ["messages", "status"]);
  const messages = values.get("messages") ?? [];
  if (!Array.isArray(messages)) return "its messages are no array";
  const said = trajectory.messages.slice(0, messages.length);
  if (messages.length > said.length) return `${messages.length} messages are stored, and ${said.length} were ever said`;
  const wrong = messages.findIndex((message, i) => !isDeepStrictEqual(message, said[i]));
  if (wrong >= 0) return `message ${wrong + 1} is not what was said`;
  const status = messages.length === 0 ? undefined : said.reduce(advance, newborn);
  if (!isDeepStrictEqual(values.get("status"), status)) return "its status and its messages are of different turns";
  return messages.length;
}

/** Whatever is stored that no agent of the trace saves. */
async function foreignTo(trajectories: readonly Trajectory[], state: StateManager): Promise<readonly string[]> {
  const ours = new Set(trajectories.map((trajectory) => StateScope.format(scopeOf(trajectory))));
  const foreign: string[] = [];
  for await (const scope of state.scopes()) {
    const name = StateScope.format(scope);
    for await (const key of state.keys(scope)) {
      if (!ours.has(name) || (key !== "messages" && key !== "status")) foreign.push(`${name} "${key}"`);
    }
  }
  return foreign;
}
