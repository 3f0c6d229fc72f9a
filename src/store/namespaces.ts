/**
 * What a store holds, and taking a namespace away.
 *
 * @module
 */
import { createDigester } from "../digest.ts";
import { decodeSegment } from "../keys/segment.ts";
import type { Driver } from "./driver.ts";
import { formatHead, parseHead } from "./head.ts";
import { createPaths, pastSegment, type Paths } from "./paths.ts";
import { openPort, type Port } from "./port.ts";
import { createSeal } from "./seal.ts";

/** Keys removed at a time. */
const PAGE = 256;

/** The namespaces of a store in order of their names. */
export async function* scanNamespaces(driver: Driver): AsyncGenerator<string> {
  const port = openPort(driver);
  const seal = createSeal(createDigester());
  for (let after = "";;) {
    const [item] = await port.list({ prefix: "", after, limit: 1 });
    if (item === undefined) return;
    const segment = item.key.split("!", 1)[0]!;
    after = pastSegment(segment);
    const name = decodeSegment(segment);
    if (name === undefined) continue;
    const [text] = await port.getMany([createPaths(name).head]);
    if (text !== undefined && !(await parseHead(text, seal)).dropping) yield name;
  }
}

/** Marks a namespace as dropped, so that whoever has it open is told, then removes all of it. */
export async function removeNamespace(driver: Driver, namespace: string, id: string): Promise<void> {
  const port = openPort(driver);
  const paths = createPaths(namespace);
  const seal = createSeal(createDigester());
  for (;;) {
    const [text] = await port.getMany([paths.head]);
    if (text === undefined) return;
    const head = await parseHead(text, seal);
    const marked = head.dropping ? text as string : await formatHead({ ...head, id, epoch: head.epoch + 1, dropping: true }, seal);
    if (marked !== text) {
      const batch = { checks: [{ key: paths.head, is: text as string }], set: [[paths.head, marked]] as const, remove: [], durable: true };
      if (!await port.repeat(batch)) continue;
    }
    if (await finishDrop(port, paths, marked)) return;
  }
}

/** Removes what is left of a namespace whose head says that it is dropped; the head goes last. False: the head changed. */
export async function finishDrop(port: Port, paths: Paths, marked: string): Promise<boolean> {
  const checks = [{ key: paths.head, is: marked }];
  const limit = Math.min(PAGE, port.supports.batchOps - 1);
  let after: string | undefined;
  for (;;) {
    const items = await port.list({ prefix: paths.root, limit, ...(after === undefined ? {} : { after }) });
    const last = items.at(-1);
    if (last === undefined) break;
    after = last.key;
    const remove = items.map(({ key }) => key).filter((key) => key !== paths.head);
    if (remove.length > 0 && !await port.repeat({ checks, set: [], remove, durable: false })) return false;
  }
  return await port.repeat({ checks, set: [], remove: [paths.head], durable: true });
}
