/**
 * What a store holds, and taking a namespace away.
 *
 * @module
 */
import { createDigester } from "../digest.ts";
import { isStateError } from "../errors.ts";
import { decodeSegment } from "../keys/segment.ts";
import type { Driver } from "./driver.ts";
import { formatHead, parseHead } from "./head.ts";
import { createPaths, pastSegment, type Paths } from "./paths.ts";
import { openPort } from "./open_port.ts";
import type { Port } from "./port.ts";
import { createSeal, type Seal } from "./seal.ts";

/** For looking at a head. */
const CACHE_BYTES = 256 * 1024;
/** Keys removed at a time. */
const PAGE = 256;

/** Keys looked at together for the next namespaces: a small one has few, and of a large one all but the first are passed over. */
const GLANCE = 64;

/** The namespaces of a store in order of their names. */
export async function* scanNamespaces(driver: Driver): AsyncGenerator<string> {
  for await (const segment of segmentsOf(driver)) {
    const name = await nameOf(driver, segment);
    if (name === undefined) continue;
    if (await isThere(driver, name)) yield name;
  }
}

/** Whether a namespace is there, damaged or not, and is not being taken away. */
async function isThere(driver: Driver, name: string): Promise<boolean> {
  try {
    const { port, paths, seal } = await openParts(driver, name, true);
    const [text] = await port.getMany([paths.head]);
    if (text === undefined) return (await port.list({ prefix: paths.logs, limit: 1 })).length > 0;
    return !(await parseHead(text, seal)).dropping;
  } catch (error) {
    if (isStateError(error, "STATE_CORRUPT")) return true;
    throw error;
  }
}

/** What keys begin with, up to the first `!`, in order. */
async function* segmentsOf(driver: Driver): AsyncGenerator<string> {
  if (driver.supports?.list !== "ordered" || !driver.list) {
    const segments = new Set((await driver.getKeys("", {})).filter((key) => /^[^!]+!ckpt![ab]$/.test(key)).map(firstSegment));
    yield* [...segments].sort();
    return;
  }
  for (let after = "";;) {
    const items = await driver.list({ prefix: "", after, limit: GLANCE });
    for (const { key } of items) {
      if (after !== "" && key < after) continue;
      const segment = firstSegment(key);
      after = pastSegment(segment);
      // What has no more to its key is not ours.
      if (key !== segment) yield segment;
    }
    if (items.length < GLANCE) return;
  }
}

function firstSegment(key: string): string {
  return key.split("!", 1)[0]!;
}

/** The namespace whose keys begin with a segment, which may have been cut. */
async function nameOf(driver: Driver, segment: string): Promise<string | undefined> {
  const name = decodeSegment(segment);
  if (name !== undefined) return name;
  if (driver.supports?.commit) return await cutNameOf(driver, segment);
  const { findRoot } = await import("./log/open_log.ts");
  const root = await findRoot(driver, `${segment}!`, createSeal(createDigester())).catch((error) => {
    // Nothing that is left says what its name was.
    if (isStateError(error, "STATE_CORRUPT")) return undefined;
    throw error;
  });
  return root === undefined ? undefined : decodeSegment(root.slice(0, -1));
}

/** The namespace of keys that were cut: each has the whole one before its value. */
async function cutNameOf(driver: Driver, segment: string): Promise<string | undefined> {
  const [item] = await driver.list!({ prefix: `${segment}!`, limit: 1, values: true });
  if (item?.value === undefined || !segment.includes("~~")) return undefined;
  const { unwrap } = await import("./short_keys.ts");
  return decodeSegment(firstSegment(unwrap(item.key, item.value).key));
}

async function openParts(driver: Driver, namespace: string, readOnly: boolean): Promise<{ port: Port; paths: Paths; seal: Seal }> {
  const paths = createPaths(namespace);
  const seal = createSeal(createDigester());
  const port = await openPort({
    driver,
    root: paths.root,
    seal,
    random: (bytes) => crypto.getRandomValues(new Uint8Array(bytes)),
    now: Date.now,
    readOnly,
    cacheBytes: CACHE_BYTES,
    onWarning: () => {},
  });
  return { port, paths, seal };
}

/** Marks a namespace as dropped, so that whoever has it open is told, then removes all of it. */
export async function removeNamespace(driver: Driver, namespace: string, id: string): Promise<void> {
  const { port, paths, seal } = await openParts(driver, namespace, false);
  try {
    await removeAll(port, paths, seal, id);
  } finally {
    await port.close?.();
  }
}

async function removeAll(port: Port, paths: Paths, seal: Seal, id: string): Promise<void> {
  for (;;) {
    const [text] = await port.getMany([paths.head]);
    if (text === undefined) return;
    const head = await parseHead(text, seal);
    const marked = head.dropping ? text as string : await formatHead({ ...head, id, epoch: head.epoch + 1, dropping: true }, seal);
    if (marked !== text) {
      const batch = { checks: [{ key: paths.head, is: text as string }], set: [[paths.head, marked]] as const, remove: [], durable: true };
      if (!await port.repeat(batch)) continue;
    }
    if (await finishDrop(port, paths, marked)) break;
  }
  await port.shrink?.();
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
