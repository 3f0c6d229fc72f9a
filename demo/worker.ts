/**
 * The process that works, and that may be killed at any moment: lives all trajectories, several at once, and prints a line
 * for each turn that is durable: the index of its trajectory, and how many of its turns are.
 *
 * Each byte on its standard input says that a line was read. It begins no turn while too many lines are unread, so that
 * whoever wants to kill it half-way is never too late.
 *
 * @module
 */
import { openState } from "@llmspell/state-persistence";
import { openDriver } from "@llmspell/state-persistence/adapters/open";
import { live, type Remember, remember } from "./agent.ts";
import type { Trajectory } from "./trajectory.ts";

/** Agents that live at the same time. */
export const agentsAtOnce = 8;

/** What to work on, and where. */
export interface Work {
  readonly trajectories: readonly Trajectory[];
  readonly driver: string;
  readonly namespace: string;
  /** Acknowledges, from the fourth turn of each agent on, what it has not saved. */
  readonly forgetful: boolean;
}

/** Goes on from what is stored, to the end. */
export async function work({ trajectories, driver, namespace, forgetful }: Work): Promise<void> {
  const turns = trajectories.reduce((sum, { messages }) => sum + messages.length, 0);
  const unread = new Allowance(Math.max(1, Math.min(4 * agentsAtOnce, turns >> 2)));
  hearReader(unread);
  await using state = await openState({ driver: await openDriver(driver), namespace });
  const rest = trajectories.entries();
  await Promise.all(Array.from({ length: agentsAtOnce }, async () => {
    for (const [index, trajectory] of rest) {
      await live(trajectory, state, forgetful ? forget : remember, {
        begin: () => unread.take(),
        acknowledge: (turns) => say(`${index} ${turns}\n`),
      });
    }
  }));
}

const forget: Remember = (agent, messages) => messages.length < 4 ? remember(agent, messages) : Promise.resolve();

/** At once, all of it: what is acknowledged has left this process. */
function say(line: string): void {
  for (let bytes = new TextEncoder().encode(line); bytes.length > 0;) bytes = bytes.subarray(Deno.stdout.writeSync(bytes));
}

async function hearReader(unread: Allowance): Promise<void> {
  for await (const bytes of Deno.stdin.readable) unread.give(bytes.length);
  // Nobody listens any more.
  Deno.exit(1);
}

/** So many may be taken; more when given back. */
class Allowance {
  #left: number;
  readonly #waiting: (() => void)[] = [];

  constructor(left: number) {
    this.#left = left;
  }

  take(): Promise<void> {
    if (this.#left-- > 0) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  give(count: number): void {
    this.#left += count;
    for (const go of this.#waiting.splice(0, count)) go();
  }
}
