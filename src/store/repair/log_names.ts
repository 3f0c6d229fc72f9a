/**
 * The driver's keys that a log uses.
 *
 * @module
 */
import { toHex } from "../../digest.ts";
import type { Log } from "../log/log.ts";

/** Names asked for in one call. */
const PAGE = 1000;

/** All keys of the log on the driver, in order. */
export async function namesOf(log: Log): Promise<string[]> {
  const { store, options: { driver, root, shortRoot = root } } = log;
  const isOurs = (name: string) => partOf(name, log) !== undefined;
  if (store.list === undefined) return (await driver.getKeys("", {})).filter(isOurs).sort();
  const names: string[] = [];
  let after: string | undefined;
  for (;;) {
    const items = await store.list({ prefix: shortRoot, limit: PAGE, ...(after === undefined ? {} : { after }) });
    for (const { key } of items) if (isOurs(key)) names.push(key);
    if (items.length < PAGE) return names;
    after = items.at(-1)!.key;
  }
}

/** What a name of ours is of; others may keep things beside them. */
export function partOf(name: string, { paths, store }: Log): { readonly generation?: number; readonly frame?: number } | undefined {
  const rest = (prefix: string, pattern: RegExp) =>
    name.startsWith(prefix) && pattern.test(name.slice(prefix.length)) ? name.slice(prefix.length) : undefined;
  const generation = rest(paths.checkpoints, store.list === undefined ? /^[ab]$/ : /^\d{16}$/);
  if (generation !== undefined) return store.list === undefined ? {} : { generation: Number(generation) };
  const frame = rest(paths.frames, /^\d{16}$/);
  if (frame !== undefined) return { frame: Number(frame) };
  const other = rest(paths.runs, /^[0-9a-z]+-\d{8}$/) ?? rest(paths.segments, /^\d{16}-[0-9a-f]+$/);
  return other === undefined ? undefined : {};
}

/** The token of what a repair writes: hex, but for a letter in front of its epoch, and one behind it. */
export function tokenOf(epoch: number, random: (bytes: number) => Uint8Array): string {
  return `r${epoch}x${toHex(random(12))}`;
}

/** The epoch of the repair that made an object of a run; `undefined`: none did. */
export function epochOf(name: string, { paths }: Log): number | undefined {
  const [, epoch] = /^r(\d+)x/.exec(name.slice(paths.runs.length)) ?? [];
  return epoch === undefined ? undefined : Number(epoch);
}
