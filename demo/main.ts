/**
 * `deno task demo`: replays what agents did, saving each turn, is killed half-way, and proves that nothing is lost.
 *
 * Exit code 0: every acknowledged turn was there, whole; 1: not, or something failed; 2: a bad argument.
 *
 * @module
 */
import { resolve } from "node:path";
import { parseWishes, usage, type Wishes } from "./arguments.ts";
import { ownConversation } from "./conversation.ts";
import { choosePlace, type Place } from "./place.ts";
import { replay } from "./replay.ts";
import { seededTrajectories } from "./seeded.ts";
import { countOf } from "./terminal.ts";
import { readTrajectories, type Trajectory } from "./trajectory.ts";
import { agentsAtOnce, work } from "./worker.ts";

/** What stands in for a trace that is not there. */
const seed = 20_240_515;

/** Something to replay, and where it comes from, in words. */
interface Source {
  readonly trajectories: readonly Trajectory[];
  readonly name: string;
}

async function findSource(trace: string | undefined): Promise<Source> {
  if (trace === undefined) return { trajectories: ownConversation(), name: "a conversation of the demo's own" };
  const path = resolve(trace);
  const trajectories = await readTrajectories(path);
  if (trajectories !== undefined) return { trajectories, name: path };
  return { trajectories: seededTrajectories(seed), name: `seed ${seed}, as there is no file ${path}` };
}

async function main(args: readonly string[]): Promise<number> {
  let wishes: Wishes;
  let source: Source;
  let place: Place;
  try {
    wishes = parseWishes(args);
    if (wishes.help) {
      console.log(usage);
      return 0;
    }
    source = await findSource(wishes.trace);
    if (wishes.worker !== undefined) return await runAsWorker(wishes, source, wishes.worker);
    place = await choosePlace(wishes.driver);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    console.error(`${error.message}\n\n${usage}`);
    return 2;
  }
  return await play(wishes, source, place);
}

async function runAsWorker({ driver, forgetful }: Wishes, { trajectories }: Source, namespace: string): Promise<number> {
  if (driver === undefined) throw new TypeError("Cannot run as a worker: --driver is missing");
  try {
    await work({ trajectories, driver, namespace, forgetful });
    return 0;
  } catch (error) {
    console.error((error as Error).message);
    return 1;
  }
}

/** Replays, and cleans up after itself, also where it is interrupted. */
async function play({ trace, keep, forgetful }: Wishes, { trajectories, name }: Source, place: Place): Promise<number> {
  const interrupted = new AbortController();
  const interrupt = () => interrupted.abort(new Error("Interrupted"));
  Deno.addSignalListener("SIGINT", interrupt);
  const args = trace === undefined ? [] : ["--trace", resolve(trace)];
  let isWhole = false;
  try {
    console.log(
      `replaying       ${countOf(trajectories.length, "agent")}, ${Math.min(agentsAtOnce, trajectories.length)} at once, from ${name}`,
    );
    console.log(`on              ${place.driver}\n`);
    isWhole = await replay({ trajectories, place, args, forgetful, signal: interrupted.signal });
    return isWhole ? 0 : 1;
  } catch (error) {
    console.error(`Cannot go on: ${(error as Error).message}`);
    return interrupted.signal.aborted ? 130 : 1;
  } finally {
    Deno.removeSignalListener("SIGINT", interrupt);
    // What went wrong can be looked at.
    if (keep || (!isWhole && !interrupted.signal.aborted)) console.log(`kept in ${place.driver}, namespace "${place.namespace}"`);
    else await place.remove();
  }
}

if (import.meta.main) Deno.exit(await main(Deno.args));
