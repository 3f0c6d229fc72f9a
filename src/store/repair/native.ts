/**
 * Repairing a namespace on a driver that commits natively. What is wrong is looked for first; then a mark in the head stops
 * whoever has the namespace open, everything is looked at again and mended in bounded batches that check the mark, and the
 * last batch begins a new epoch. Cut off anywhere, it can be run again.
 *
 * @module
 */
import { checkWritable, type Head, parseHead } from "../head.ts";
import type { Paths } from "../paths.ts";
import type { Port, Stored } from "../port.ts";
import { Batches, Overtaken } from "./batches.ts";
import { endOf, type EpochParts, markOf, type StoredHead } from "./epoch.ts";
import { NativeSource } from "./native_source.ts";
import { attempt, type Sink } from "./source.ts";
import { type RepairReport, reportOf, type Survey, survey, type SurveyParts } from "./survey.ts";

/** What a repair takes. */
export interface RepairParts extends EpochParts, Omit<SurveyParts, "source" | "sink"> {
  readonly port: Port;
  readonly dryRun: boolean;
}

/** Looks at a store that others write: what seemed wrong may only have moved. */
const LOOKS = 3;

/** Writes nothing. */
const nowhere: Sink = {
  aside: async () => {},
  put: async () => {},
  choose: async () => {},
  remove: async () => {},
};

/** Repairs a namespace; with `dryRun` says what that would come to. */
export async function repairNative(parts: RepairParts): Promise<RepairReport> {
  const { port, paths, seal, dryRun } = parts;
  for (let look = 1;; look++) {
    const [stored] = await port.getMany([paths.head]);
    if (stored === undefined && (await port.list({ prefix: paths.root, limit: 1 })).length === 0) return { kept: 0, lostCommits: [] };
    const head = stored === undefined ? undefined : await attempt(() => parseHead(stored, seal), true);
    if (head !== undefined) checkWritable(head);
    if (head?.dropping) return { kept: 0, lostCommits: [] };
    let marked = head?.repairing === true ? { head, text: stored as string } : undefined;
    if (marked === undefined || dryRun) {
      const found = await survey(head, { ...parts, source: await NativeSource.open(port, paths, marked?.head.epoch), sink: nowhere });
      const isDamaged = found.isDamaged || (await port.strays?.(paths.root) ?? []).length > 0;
      if (isDamaged && look < LOOKS && !await stands(stored, parts)) continue;
      if (dryRun || !isDamaged) return reportOf(found);
      marked = await mark(head, stored, found, parts);
    }
    const report = marked === undefined ? undefined : await mend(marked, head === undefined || head.repairing ? undefined : stored, parts);
    if (report !== undefined) return report;
  }
}

/** Whether the head is still what it was. */
async function stands(stored: Stored | undefined, { port, paths }: RepairParts): Promise<boolean> {
  const [now] = await port.getMany([paths.head]);
  return typeof now === "string" || now === undefined ? now === stored : String(now) === String(stored);
}

/** Says in the head that it is being repaired, so that whoever has the namespace open is told. Undefined: others were quicker. */
async function mark(
  head: Head | undefined,
  stored: Stored | undefined,
  found: Survey,
  parts: RepairParts,
): Promise<StoredHead | undefined> {
  const { port, paths } = parts;
  const marked = await markOf(head, found, await newestAside(port, paths), parts);
  // Bytes in the place of a head cannot be checked for; nobody else writes a namespace with such a head.
  const checks = stored !== undefined && typeof stored !== "string" ? [] : [{ key: paths.head, is: stored }];
  const aside = head === undefined && stored !== undefined ? [[paths.aside(marked.head.epoch, paths.head), stored] as const] : [];
  const set = [...aside, [paths.head, marked.text] as const];
  return await port.repeat({ checks, set, remove: [], durable: true }) ? marked : undefined;
}

/** The epoch of the newest repair that set something aside. */
async function newestAside(port: Port, paths: Paths): Promise<number> {
  const [item] = await port.list({ prefix: paths.asides, limit: 1, reverse: true });
  return item === undefined ? 0 : Number(item.key.slice(paths.asides.length).split("!")[0]);
}

/** Mends everything under the mark, and ends with a new epoch; or takes the mark back where nothing was wrong. Undefined: begin anew. */
async function mend(
  { head, text }: StoredHead,
  before: Stored | undefined,
  parts: RepairParts,
): Promise<RepairReport | undefined> {
  const { port, paths } = parts;
  const checks = [{ key: paths.head, is: text }];
  try {
    const batches = new Batches({ ...parts, epoch: head.epoch, mark: text });
    const found = await survey(head, { ...parts, source: await NativeSource.open(port, paths, head.epoch), sink: batches });
    const strays = await port.strays?.(paths.root) ?? [];
    if (!found.isDamaged && strays.length === 0 && typeof before === "string") {
      // Others wrote while it was looked for; what seemed wrong is not.
      if (await port.repeat({ checks, set: [[paths.head, before]], remove: [], durable: true })) return reportOf(found);
      return undefined;
    }
    await batches.flush();
    // Those that were put in their place are none any more.
    for (const { key, value } of await port.strays?.(paths.root) ?? []) await batches.takeAside(key, value);
    await batches.flush();
    const { set, end } = await endOf(head, found, await sizeOfAsides(port, paths), parts);
    if (await port.repeat({ checks, set, remove: [], durable: true }) || await stands(end, parts)) return reportOf(found);
    return undefined;
  } catch (error) {
    if (error instanceof Overtaken) return undefined;
    throw error;
  }
}

async function sizeOfAsides(port: Port, paths: Paths): Promise<number> {
  let bytes = 0;
  let after: string | undefined;
  for (;;) {
    const items = await port.list({ prefix: paths.asides, limit: 64, values: true, ...(after === undefined ? {} : { after }) });
    for (const { value } of items) bytes += value?.length ?? 0;
    if (items.length < 64) return bytes;
    after = items.at(-1)!.key;
  }
}
