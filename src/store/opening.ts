/**
 * Opening a namespace: its head, the proof that the newest record is the head's, and the completion of what was interrupted.
 * Three calls on the driver after a clean close.
 *
 * @module
 */
import { toHex } from "../digest.ts";
import { checkWritable, createHead, formatHead, type Head, parseHead } from "./head.ts";
import { finishDrop } from "./namespaces.ts";
import { formatRows } from "./compose.ts";
import { slotAfter } from "./operation.ts";
import type { Paths } from "./paths.ts";
import type { Port } from "./port.ts";
import { parseRecord } from "./record.ts";
import { emptySlot, parseGone, parseRow, type Slot } from "./row.ts";
import { corrupt, type Seal } from "./seal.ts";
import { View, type ViewParts } from "./view.ts";

/** What opening takes. */
export interface OpeningParts extends ViewParts {
  readonly port: Port;
  readonly paths: Paths;
  readonly seal: Seal;
  readonly readOnly: boolean;
  readonly random: (bytes: number) => Uint8Array;
}

/** Opens a namespace. `replayed`: 1 if the newest commit had to be completed. */
export async function openNamespace(parts: OpeningParts): Promise<{ readonly view: View; readonly replayed: number }> {
  const { port, paths, seal, readOnly } = parts;
  for (;;) {
    const [text] = await port.getMany([paths.head]);
    const head = text === undefined ? undefined : await parseHead(text, seal);
    if (head === undefined || head.dropping) {
      if (readOnly) return { view: new View(parts, createHead("", 0), undefined), replayed: 0 };
      await makeNamespace(text as string | undefined, parts);
      continue;
    }
    if (head.repairing) throw corrupt("the namespace", "a repair of it was not finished; run it again");
    if (!readOnly) checkWritable(head);
    const replayed = head.commit === 0 ? 0 : await complete(head, text as string, parts);
    if (replayed !== undefined) return { view: new View(parts, head, text as string), replayed };
  }
}

async function makeNamespace(marked: string | undefined, parts: OpeningParts): Promise<void> {
  const { port, paths, seal } = parts;
  if (marked !== undefined) await finishDrop(port, paths, marked);
  else if ((await port.list({ prefix: paths.logs, limit: 1 })).length > 0) {
    // Somebody else may have made it, and written to it, between the two looks.
    if ((await port.getMany([paths.head]))[0] !== undefined) return;
    throw corrupt("the namespace", "it has a log and no head");
  }
  const text = await formatHead(createHead(toHex(parts.random(12)), parts.now()), seal);
  // Whether it was this one or another that made it, looking again tells.
  await port.repeat({ checks: [{ key: paths.head, is: undefined }], set: [[paths.head, text]], remove: [], durable: true });
}

/**
 * Proves that the newest record is the one that the head names, and that its rows stand; writes those that do not. They are
 * part of its batch, so they always stand, unless the driver broke its word. Undefined: the head moved meanwhile.
 */
async function complete(head: Head, text: string, parts: OpeningParts): Promise<number | undefined> {
  const { port, paths, seal } = parts;
  const what = `the record of commit ${head.first}`;
  const [stored] = await port.getMany([paths.log(head.first)]);
  const isNewest = async () => (await port.getMany([paths.head]))[0] === text;
  if (stored === undefined) {
    if (!await isNewest()) return undefined;
    throw corrupt(what, "it is missing, and the head names it", head.first);
  }
  const record = await parseRecord(stored, head.first, seal);
  if (record.digest !== head.digest || record.first + record.commits.length - 1 !== head.commit) {
    throw corrupt(what, "it is not the one that the head names", head.first);
  }
  if (port.isWhole) return 0;
  const wanted = new Map<string, Slot>();
  record.commits.forEach(({ changes }, i) =>
    changes.forEach((change) => wanted.set(change.path, slotAfter(change, head.first + i, record.at)))
  );
  if (wanted.size === 0) return 0;
  const keys = [...wanted.keys()];
  const [again, ...values] = await port.getMany([paths.head, ...keys.map(paths.row), ...keys.map(paths.gone)]);
  if (again !== text) return undefined;
  const missing = new Map<string, Slot>();
  for (const [i, path] of keys.entries()) {
    const row = values[i];
    const rest = values[keys.length + i];
    const found = row !== undefined ? await parseRow(row, path, seal) : rest !== undefined ? await parseGone(rest, path, seal) : emptySlot;
    if (found.commit > head.commit) {
      throw corrupt(`the row "${path}"`, `it is of commit ${found.commit}, and the head of ${head.commit}`, found.commit, path);
    }
    if (found.commit !== wanted.get(path)!.commit) missing.set(path, wanted.get(path)!);
  }
  if (missing.size === 0) return 0;
  if (parts.readOnly) throw corrupt(what, "its rows do not stand; a writer must open the state first", head.first);
  const rows = await formatRows(missing, paths, seal, () => true);
  await port.repeat({ checks: [{ key: paths.head, is: text }], ...rows, durable: true });
  return 1;
}
