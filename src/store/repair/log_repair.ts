/**
 * Repairing a namespace on a log. What is wrong is looked for first; then whoever has the log open is stopped, and everything
 * that still counts is written anew: one run, and a checkpoint that begins with it. That one is all it takes: before it stands,
 * nothing is different but that nobody writes, and a repair that was cut off is run again.
 *
 * What was there before stays until the checkpoints behind this one do without it.
 *
 * @module
 */
import type { Digester } from "../../digest.ts";
import { isStateError, StateError } from "../../errors.ts";
import { checkWritable, formatHead, type Head, parseHead, refuseFeatures } from "../head.ts";
import { Log, type LogOptions } from "../log/log.ts";
import { reasonOf } from "../port.ts";
import { type EpochParts, markOf } from "./epoch.ts";
import { fence } from "./log_fence.ts";
import { epochOf, namesOf } from "./log_names.ts";
import { beginAnew, Draft } from "./log_rebuild.ts";
import { readRemains } from "./log_remains.ts";
import { LogSource } from "./log_source.ts";
import { attempt, everything } from "./source.ts";
import { type RepairReport, reportOf, survey } from "./survey.ts";

/** What repairing a log takes. */
export interface LogRepairParts extends EpochParts {
  readonly options: LogOptions;
  readonly digester: Digester;
  readonly dryRun: boolean;
}

/** Looks at a log that others write: what seemed wrong may only have moved. */
const LOOKS = 8;

const nothing: RepairReport = { kept: 0, lostCommits: [] };

/** Repairs a namespace; with `dryRun` says what that would come to. */
export async function repairLog(parts: LogRepairParts): Promise<RepairReport> {
  const { options, dryRun } = parts;
  const log = new Log(options);
  try {
    if (!dryRun) await log.store.open();
    try {
      return await repairOpened(log, parts);
    } finally {
      await log.store.close();
    }
  } catch (error) {
    if (isStateError(error)) throw error;
    const name = options.driver.name ?? "unnamed";
    throw new StateError("STATE_DRIVER", `Cannot repair on driver "${name}": ${reasonOf(error)}`, { details: {}, cause: error });
  }
}

async function repairOpened(log: Log, parts: LogRepairParts): Promise<RepairReport> {
  const { paths, dryRun } = parts;
  for (let look = 1;; look++) {
    const names = await namesOf(log);
    if (names.length === 0) return nothing;
    const remains = await readRemains(log, names);
    let source = new LogSource(log, remains);
    const { head, isOld } = await headOf(source, parts);
    const isRepairing = head?.repairing === true && !isOld;
    // What a repair that was cut off has written never stood.
    const isMade = ({ name }: { readonly name: string }) => (epochOf(name, log) ?? 0) < head!.epoch;
    if (isRepairing) source = new LogSource(log, { ...remains, loose: remains.loose.filter(isMade) });
    if (head !== undefined) checkWritable(head);
    if (remains.base !== undefined) refuseFeatures(remains.base.write);
    // It was dropped, or is about to be: then who comes next goes on with that.
    if (!remains.isDamaged && (head?.dropping || head === undefined && (await source.list(paths.root, undefined)).length === 0)) {
      return nothing;
    }
    const sink = new Draft();
    const found = await survey(head, { ...parts, source, sink, isOldHead: isOld });
    const isDamaged = remains.isDamaged || found.isDamaged;
    if (isDamaged && !isRepairing && look < LOOKS && String(await namesOf(log)) !== String(names)) continue;
    if (dryRun || !isDamaged && !isRepairing) return reportOf(found);
    const asides = await asidesIn(source, parts);
    const marked = isRepairing ? head : (await markOf(head, found, asides.epoch, parts)).head;
    const isFenced = isRepairing && remains.chain.isFenced;
    const place = isFenced ? remains.chain.end : await fence(log, remains, [[paths.head, await formatHead(marked, parts.seal)]]);
    if (place === undefined) continue;
    if (await beginAnew({ log, remains, source, sink, found, place, head: marked, asideBytes: asides.bytes }, parts)) {
      return reportOf(found);
    }
  }
}

/** The head that counts; or where that is lost, the newest that is left. */
async function headOf(
  source: LogSource,
  { paths, seal }: LogRepairParts,
): Promise<{ readonly head: Head | undefined; readonly isOld: boolean }> {
  const [found = []] = await source.getMany([paths.head]);
  let newest: Head | undefined;
  for (const { value, stands } of found) {
    const head = await attempt(() => parseHead(value, seal), stands);
    if (head !== undefined && stands) return { head, isOld: false };
    if (head !== undefined && (newest === undefined || isLater(head, newest))) newest = head;
  }
  return { head: newest, isOld: true };
}

function isLater(a: Head, b: Head): boolean {
  return a.epoch !== b.epoch ? a.epoch > b.epoch : a.commit > b.commit;
}

/** What repairs have set aside so far: how much, and in which epoch last. */
async function asidesIn(source: LogSource, { paths }: LogRepairParts): Promise<{ readonly bytes: number; readonly epoch: number }> {
  let bytes = 0;
  let epoch = 0;
  for await (const { key, found } of everything(source, paths.asides)) {
    if (found[0]?.stands) bytes += found[0].value.length;
    epoch = Math.max(epoch, Number(key.slice(paths.asides.length).split("!")[0]) || 0);
  }
  return { bytes, epoch };
}
