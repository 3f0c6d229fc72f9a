/**
 * What a repair begins and ends with: a head that says so, and the record and the head of a new epoch.
 *
 * @module
 */
import { toBase64url, toHex } from "../../digest.ts";
import { createHead, formatHead, genesis, type Head } from "../head.ts";
import type { Paths } from "../paths.ts";
import { formatRecord } from "../record.ts";
import type { Seal } from "../seal.ts";
import type { Survey } from "./survey.ts";

/** A head, and what it is stored as. */
export interface StoredHead {
  readonly head: Head;
  readonly text: string;
}

/** What heads and records are made of. */
export interface EpochParts {
  readonly paths: Paths;
  readonly seal: Seal;
  readonly now: () => number;
  readonly random: (bytes: number) => Uint8Array;
}

/**
 * The head of a namespace that is being repaired: another id, so that whoever has it open is told. What was known by the head
 * before stays, so that whoever goes on with the repair comes to the same end.
 *
 * @param asides the epoch of the newest repair that set something aside; 0: there was none
 */
export async function markOf(head: Head | undefined, found: Survey, asides: number, { seal, random }: EpochParts): Promise<StoredHead> {
  const base: Head = head ?? {
    ...createHead("", found.at),
    commit: found.newest,
    first: found.last?.first ?? 0,
    // What nothing proves now must not seem proven to whoever goes on with this repair.
    digest: found.last?.last === found.newest && found.last.isCovered ? found.last.digest : "",
    applied: found.newest,
    horizon: found.horizon,
    ...found.figures,
  };
  const marked: Head = {
    ...base,
    horizon: found.horizon,
    id: toHex(random(12)),
    epoch: Math.max(base.epoch, found.epoch, asides) + 1,
    repairing: true,
  };
  return { head: marked, text: await formatHead(marked, seal) };
}

/** The record with which the new epoch begins, and the head that names it; with `setAside` bytes set aside in all. */
export async function endOf(
  head: Head,
  found: Survey,
  setAside: number,
  { paths, seal, now, random }: EpochParts,
): Promise<{ readonly set: readonly (readonly [key: string, text: string])[]; readonly end: string }> {
  const { repairing: _, setAside: __, ...last } = head;
  const first = found.newest + 1;
  const at = Math.max(now(), head.at, found.at);
  const prev = found.last?.last === found.newest ? found.last.digest : head.commit === found.newest && head.digest || genesis(head.id);
  const commits = [{ txid: `${toBase64url(random(9))}.1`, op: "repair", changes: [] }];
  const record = await formatRecord({ first, epoch: head.epoch, at, prev, commits }, seal);
  const end = await formatHead({
    ...last,
    ...found.figures,
    commit: first,
    first,
    digest: record.digest,
    at,
    applied: first,
    step: 0,
    horizon: found.nextHorizon,
    logBytes: found.figures.logBytes + record.text.length,
    ...(found.isForgetful ? { repaired: first } : {}),
    ...(setAside > 0 ? { setAside } : {}),
  }, seal);
  return { set: [[paths.log(first), record.text], [paths.head, end]], end };
}
