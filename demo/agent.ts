/**
 * An agent that lives a trajectory: after each turn its conversation and its status are saved, in one commit.
 *
 * @module
 */
import { type ScopedState, type StateManager, StateScope } from "@llmspell/state-persistence";
import type { Message, Trajectory } from "./trajectory.ts";

/** What an agent knows of itself without reading its conversation. */
export interface Status {
  readonly turns: number;
  /** Whose turn is next. */
  readonly next: "user" | "model" | "tool";
  /** How often it has asked for each tool. */
  readonly calls: ReadonlyMap<string, number>;
}

/** Before the first turn. */
export const newborn: Status = { turns: 0, next: "user", calls: new Map() };

/** The status after one more message. */
export function advance(status: Status, { role, tool_calls: asked = [] }: Message): Status {
  const calls = new Map(status.calls);
  for (const { function: { name } } of asked) calls.set(name, (calls.get(name) ?? 0) + 1);
  const next = asked.length > 0 ? "tool" : role === "user" || role === "tool" ? "model" : "user";
  return { turns: status.turns + 1, next, calls };
}

/** Where an agent keeps its state. */
export function scopeOf({ run }: Trajectory): StateScope {
  return StateScope.agent(`run-${run}`);
}

/** Makes a turn durable: the conversation with its last message, and the status that goes with it. */
export type Remember = (agent: ScopedState, messages: readonly Message[]) => Promise<void>;

/** The honest way. */
export const remember: Remember = (agent, messages) =>
  agent.transaction(async (tx) => {
    const before = await tx.load<Status>("status") ?? newborn;
    // Two processes that live one agent would each drop what the other heard.
    if (before.turns !== messages.length - 1) throw new Error(`Somebody else took turn ${messages.length} of this agent`);
    await tx.save("messages", messages);
    await tx.save("status", advance(before, messages.at(-1)!));
  });

/** Lives a trajectory from where its state stands to its end. `turn` holds each turn back until it may begin, and is told when it is durable. */
export async function live(
  trajectory: Trajectory,
  state: StateManager,
  remember: Remember,
  turn: { readonly begin: () => Promise<void>; readonly acknowledge: (turns: number) => void },
): Promise<void> {
  const agent = state.in(scopeOf(trajectory));
  const messages = await agent.load<Message[]>("messages") ?? [];
  for (const message of trajectory.messages.slice(messages.length)) {
    await turn.begin();
    messages.push(message);
    await remember(agent, messages);
    turn.acknowledge(messages.length);
  }
}
