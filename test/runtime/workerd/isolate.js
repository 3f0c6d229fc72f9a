/** Isolates of workerd, through miniflare. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
// @ts-ignore: it is installed beside the tarball.
import { Miniflare } from "miniflare";

/** No later than the release of miniflare that is installed. */
const compatibilityDate = "2026-07-30";

/** Runs a bundle: `entry` and all that stands beside it. No flag of compatibility is set: a module of Node's is not found. */
export function startWorker(folder, entry, options) {
  const names = readdirSync(folder).sort((a, b) => Number(b === entry) - Number(a === entry));
  const modules = names.map((path) => ({ type: "ESModule", path, contents: readFileSync(join(folder, path), "utf8") }));
  return new Miniflare({ compatibilityDate, modules, ...options });
}
