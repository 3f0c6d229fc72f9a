/**
 * The expiry index, as the rows want it.
 *
 * @module
 */
import type { Paths } from "../paths.ts";
import { everything, type Sink, type Source } from "./source.ts";

/** What mending the index takes. */
export interface ExpiriesParts {
  readonly source: Source;
  readonly sink: Sink;
  readonly paths: Paths;
}

/**
 * Writes what is missing, takes away what is wrong; true: there was something.
 *
 * @param expiring when entries expire, by their path
 * @param pending paths whose rows need not stand yet: their places may be old
 */
export async function mendExpiries(
  expiring: ReadonlyMap<string, number>,
  pending: ReadonlySet<string>,
  { source, sink, paths }: ExpiriesParts,
): Promise<boolean> {
  const missing = new Map(expiring);
  let isDamaged = false;
  for await (const { key, found } of everything(source, paths.expiries)) {
    const standing = found.find(({ stands }) => stands);
    const path = key.slice(key.indexOf("!", paths.expiries.length) + 1);
    const at = missing.get(path);
    const isWanted = at !== undefined && key === paths.expiry(at, path);
    if (isWanted && standing?.value === "X1") missing.delete(path);
    if (standing === undefined || isWanted && standing.value === "X1") continue;
    if (!pending.has(path)) isDamaged = true;
    await sink.aside(key, standing.value);
    if (!isWanted) await sink.remove(key);
  }
  for (const [path, at] of missing) {
    if (!pending.has(path)) isDamaged = true;
    await sink.put(paths.expiry(at, path), "X1");
  }
  return isDamaged;
}
