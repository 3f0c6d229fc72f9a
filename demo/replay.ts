/**
 * The play: agents live, their process is killed half-way, the state is opened again and proven, another process goes on.
 *
 * @module
 */
import { openState } from "@llmspell/state-persistence";
import { openDriver } from "@llmspell/state-persistence/adapters/open";
import type { Place } from "./place.ts";
import { type Ending, runWorker } from "./process.ts";
import { type Findings, prove } from "./proof.ts";
import { count, countOf, duration, megabytes, showProgress } from "./terminal.ts";
import type { Trajectory } from "./trajectory.ts";

/** What is to be replayed, and where. */
export interface ReplayOptions {
  readonly trajectories: readonly Trajectory[];
  readonly place: Place;
  /** What a worker is told beside the place: where its trajectories come from. */
  readonly args: readonly string[];
  /** The first worker acknowledges what it has not saved. */
  readonly forgetful: boolean;
  readonly signal: AbortSignal;
}

/** Replays all, says what happens, and resolves with whether every acknowledged turn was there, whole. */
export async function replay({ trajectories, place, args, forgetful, signal }: ReplayOptions): Promise<boolean> {
  const start = performance.now();
  const total = trajectories.reduce((sum, { messages }) => sum + messages.length, 0);
  const acknowledged = trajectories.map(() => 0);
  const work = async (label: string, from: number, args: readonly string[], killAfter = Infinity): Promise<Ending> => {
    let done = from;
    const progress = showProgress(label, from, total);
    const onTurn = (trajectory: number, turns: number) => {
      acknowledged[trajectory] = turns;
      progress.to(++done);
    };
    try {
      return await runWorker({
        args: ["--worker", place.namespace, "--driver", place.driver, ...args],
        onTurn,
        killAfter,
        signal,
      });
    } finally {
      progress.end();
    }
  };

  const first = await work("first process   ", 0, forgetful ? [...args, "--forgetful"] : args, Math.ceil(total / 2));
  console.log(`first process   ${countOf(first.turns, "turn")} acknowledged in ${duration(first.durationMs)}, then SIGKILL`);
  const reopened = await look(place, trajectories, acknowledged);
  const found = sum(reopened.turns);
  const unacknowledged = count(Math.max(0, found - first.turns));
  console.log(
    `reopened        in ${duration(reopened.openMs)}: ${countOf(found, "turn")}, ${unacknowledged} of them unacknowledged; ${
      verdict(reopened)
    }`,
  );
  if (!isWhole(reopened)) return summarise(reopened);

  const second = await work("second process  ", found, args);
  console.log(`second process  ${countOf(second.turns, "turn")} in ${duration(second.durationMs)}, to the end`);
  const whole = await look(place, trajectories, trajectories.map(({ messages }) => messages.length));
  console.log(`opened again    ${countOf(sum(whole.turns), "turn")}; ${verdict(whole)}\n`);
  showFigures(trajectories, [first, second], whole);
  console.log(`time      ${duration(performance.now() - start)}, recovery ${duration(reopened.openMs)}`);
  return summarise(whole);
}

/** What a fresh look at the state found. */
interface Look extends Findings {
  readonly openMs: number;
  readonly commits: number;
  /** The first of them whose record is kept. */
  readonly oldest: number;
  readonly bytes: { readonly values: number; readonly objects: number; readonly log: number };
}

/** Opens the state as a new process would, and compares all of it. */
async function look(place: Place, trajectories: readonly Trajectory[], acknowledged: readonly number[]): Promise<Look> {
  const driver = await openDriver(place.driver);
  const start = performance.now();
  await using state = await openState({ driver, namespace: place.namespace });
  const openMs = performance.now() - start;
  const { commit, oldest, bytes } = await state.inspect();
  return { ...await prove(state, trajectories, acknowledged), openMs, commits: commit, oldest, bytes };
}

function isWhole({ lost, torn }: Findings): boolean {
  return lost === 0 && torn === 0;
}

function verdict(findings: Findings): string {
  return isWhole(findings) ? "all as in the trace" : "not as in the trace";
}

function showFigures(trajectories: readonly Trajectory[], workers: readonly Ending[], { turns, commits, oldest, bytes }: Look): void {
  const rate = sum(workers.map((worker) => worker.turns)) * 1000 / sum(workers.map(({ durationMs }) => durationMs));
  console.log(`turns     ${count(sum(turns))} by ${countOf(trajectories.length, "agent")}, ${count(Math.round(rate))} a second`);
  console.log(`commits   ${count(commits)}`);
  console.log(`bytes     ${megabytes(bytesSaved(trajectories))} saved, as each turn saves its whole conversation`);
  const { values, objects, log } = bytes;
  console.log(`          ${megabytes(values + objects)} of values and ${megabytes(log)} of log stored, back to commit ${count(oldest)}`);
}

/** The last line; before it, what is wrong. */
function summarise(findings: Findings): boolean {
  const { problems, lost, torn } = findings;
  for (const problem of problems.slice(0, 10)) console.error(problem);
  if (problems.length > 10) console.error(`… and ${problems.length - 10} more`);
  console.log(`kills: 1, lost: ${lost}, torn: ${torn}`);
  return isWhole(findings);
}

/** What all saves together were given, as JSON. */
function bytesSaved(trajectories: readonly Trajectory[]): number {
  const encoder = new TextEncoder();
  let bytes = 0;
  for (const { messages } of trajectories) {
    // Brackets and commas beside the messages: one more than there are.
    let conversation = 1;
    for (const message of messages) bytes += conversation += encoder.encode(toJson(message)).length + 1;
  }
  return bytes;
}

/** What JSON cannot say, it says as an array or a text: near enough to count. */
function toJson(value: unknown): string {
  return JSON.stringify(
    value,
    (_, part) => part instanceof Map || part instanceof Set ? [...part] : typeof part === "bigint" ? `${part}` : part,
  );
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
