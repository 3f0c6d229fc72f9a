/**
 * Making the log of a namespace: the place where its first frame goes, then the checkpoint that makes it count.
 *
 * @module
 */
import { toHex } from "../../digest.ts";
import { corrupt, type Seal } from "../seal.ts";
import { type Checkpoint, formatCheckpoint, type LogPaths } from "./checkpoint.ts";
import type { Checkpoints } from "./checkpoints.ts";
import { genesisOf } from "./frame.ts";
import type { LogStore } from "./log_store.ts";
import { nameOf } from "./record_journal.ts";
import { headerOf } from "./segment_journal.ts";

/** The parts of a log that its making needs. */
export interface CreationParts {
  readonly store: LogStore;
  readonly checkpoints: Checkpoints;
  readonly paths: LogPaths;
  readonly options: {
    readonly root: string;
    readonly seal: Seal;
    readonly random: (bytes: number) => Uint8Array;
    readonly now: () => number;
  };
}

/** Makes a log, unless somebody else was quicker. */
export async function createFirst(parts: CreationParts): Promise<void> {
  const { store, checkpoints, paths, options: { seal, random, root, now } } = parts;
  await refuseLostLog(parts);
  const { segments } = store;
  const id = toHex(random(12));
  const name = segments === undefined ? paths.frames : paths.segment(1, toHex(random(8)));
  await segments?.create(name, headerOf(1));
  const first: Checkpoint = {
    root,
    id,
    generation: 0,
    at: now(),
    frame: 0,
    digest: genesisOf(id),
    segment: { name, from: segments === undefined ? 1 : 0 },
    horizon: 0,
    runs: [],
    hot: [],
    making: [],
    dropped: [],
    abandoned: [],
    removing: [],
    sealed: [],
    staying: [],
    read: [],
    write: [],
  };
  const isMade = await checkpoints.create(await formatCheckpoint(first, seal));
  if (!isMade) await segments?.remove(name);
}

/**
 * Frames without a checkpoint are a log that has lost its checkpoints, not a new one.
 *
 * @throws {StateError} STATE_CORRUPT if there are some
 */
export async function refuseLostLog({ store, checkpoints, paths }: Pick<CreationParts, "store" | "checkpoints" | "paths">): Promise<void> {
  const lost = await loneFrames(store, paths);
  // Frames come after the first checkpoint: somebody may have made both meanwhile.
  if (lost !== undefined && await checkpoints.find() === undefined) {
    throw corrupt("the namespace", `it has the log "${lost}" and no checkpoint`);
  }
}

async function loneFrames({ segments, list, getItem }: LogStore, paths: LogPaths): Promise<string | undefined> {
  if (list === undefined) {
    const first = nameOf(paths.frames, 1);
    return (await getItem(first) ?? undefined) === undefined ? undefined : first;
  }
  if (segments === undefined) return (await list({ prefix: paths.frames, limit: 1 }))[0]?.key;
  for (const { key } of await list({ prefix: paths.segments, limit: 64 })) {
    const bytes = await segments.read(key, 0);
    if (bytes !== undefined && new TextDecoder().decode(bytes.subarray(0, 65_536)).includes("\nF")) return key;
  }
  return undefined;
}
