/**
 * Finding the newest checkpoint, and making the first one.
 *
 * @module
 */
import { toHex } from "../../digest.ts";
import { isStateError } from "../../errors.ts";
import type { Driver } from "../driver.ts";
import { corrupt, type Seal } from "../seal.ts";
import { type Checkpoint, createLogPaths, formatCheckpoint, type LogPaths, parseCheckpoint, type StoredCheckpoint } from "./checkpoint.ts";
import { genesisOf } from "./frame.ts";
import type { LogPort } from "./log_port.ts";

/** Looks before a checkpoint that is listed and not there counts as lost. */
const LOOKS = 10;

/** The numbers of the checkpoints that are there, newest first. */
export async function listGenerations(driver: Driver, paths: LogPaths): Promise<number[]> {
  const { checkpoints } = paths;
  const items = await driver.list!({ prefix: checkpoints, limit: 64, reverse: true });
  return items.map(({ key }) => Number(key.slice(checkpoints.length))).filter(Number.isSafeInteger);
}

/** The newest checkpoint that proves itself, and those above it that do not. Undefined: there is none at all. */
export async function findCheckpoint(
  driver: Driver,
  paths: LogPaths,
  seal: Seal,
): Promise<{ readonly checkpoint: StoredCheckpoint; readonly damaged: readonly string[] } | undefined> {
  look: for (let look = 1;; look++) {
    const generations = await listGenerations(driver, paths);
    const damaged: string[] = [];
    let failure: unknown;
    for (const generation of generations) {
      const name = paths.checkpoint(generation);
      const text = await driver.getItem(name);
      if (text === undefined || text === null) {
        // A newer one took its place meanwhile.
        if (look === LOOKS) throw corrupt(`"${name}"`, "it is listed, and it is missing");
        continue look;
      }
      try {
        return { checkpoint: await parseCheckpoint(text, generation, seal), damaged };
      } catch (error) {
        if (!isStateError(error, "STATE_CORRUPT")) throw error;
        failure ??= error;
        damaged.push(name);
      }
    }
    if (failure !== undefined) throw failure;
    return undefined;
  }
}

/** What all keys of a namespace begin with, where the driver has cut them; undefined: there is no log under the cut root. */
export async function findRoot(driver: Driver, cut: string, seal: Seal): Promise<string | undefined> {
  return (await findCheckpoint(driver, createLogPaths(cut), seal))?.checkpoint.root;
}

/** Makes the log of a namespace: its first segment, then the checkpoint that makes it count. */
export async function createNamespaceLog({ options, paths }: LogPort): Promise<void> {
  const { driver, seal, random, root } = options;
  await refuseLostLog(driver, paths);
  const id = toHex(random(12));
  const name = paths.segment(1, toHex(random(8)));
  const segments = driver.segments!;
  await segments.create(name, headerOf(1));
  const first: Checkpoint = {
    root,
    id,
    generation: 0,
    frame: 0,
    digest: genesisOf(id),
    segment: { name, from: 0 },
    horizon: 0,
    runs: [],
    making: [],
    dropped: [],
    abandoned: [],
    removing: [],
    sealed: [],
  };
  const { text } = await formatCheckpoint(first, seal);
  if (!await driver.create!(paths.checkpoint(0), text)) await segments.remove(name);
}

/** The first bytes of a segment: no frame in it has a lower number. */
export function headerOf(first: number): Uint8Array {
  return new TextEncoder().encode(`S1\t${first}\n`);
}

/** Segments with frames and no checkpoint are a log that has lost its checkpoints, not a new one. */
async function refuseLostLog(driver: Driver, paths: LogPaths): Promise<void> {
  for (const { key } of await driver.list!({ prefix: paths.segments, limit: 64 })) {
    const bytes = await driver.segments!.read(key, 0);
    const hasFrames = bytes !== undefined && new TextDecoder().decode(bytes.subarray(0, 65_536)).includes("\nF");
    // Frames come after the first checkpoint: somebody may have made both meanwhile.
    if (hasFrames && (await listGenerations(driver, paths)).length === 0) {
      throw corrupt("the namespace", `it has the log "${key}" and no checkpoint`);
    }
  }
}
