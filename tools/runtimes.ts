/**
 * The runtimes other than Deno that the package is tested under, as npm serves them: one platform package each, which holds
 * the binary and needs no install script. They are kept in the user's cache folder and downloaded once.
 *
 * @module
 */
import { npm } from "./npm.ts";

/** A runtime and its exact version. */
export interface Runtime {
  readonly name: "node" | "bun";
  readonly version: string;
}

/** What is tested: the newest of each line that is served for all common platforms. */
export const runtimes: readonly Runtime[] = [
  { name: "node", version: "20.20.2" },
  { name: "node", version: "22.23.2" },
  { name: "node", version: "24.21.0" },
  { name: "bun", version: "1.4.5" },
];

/** The npm package that holds the binary for this machine, and where the binary is in it. */
export function platformPackage({ name }: Runtime, os: string, arch: string): { readonly package: string; readonly binary: string } {
  const windows = os === "windows";
  const exe = windows ? ".exe" : "";
  if (name === "bun") return { package: `@oven/bun-${os}-${arch === "x86_64" ? "x64" : arch}`, binary: `bin/bun${exe}` };
  const cpu = arch === "aarch64" ? "arm64" : "x64";
  const prefix = os === "darwin" && cpu === "arm64" ? "node-bin" : "node";
  return { package: `${prefix}-${windows ? "win" : os}-${cpu}`, binary: `bin/node${exe}` };
}

/** The user's cache folder for what can be downloaded again. */
function cacheFolder(): string {
  const { HOME = "", XDG_CACHE_HOME, LOCALAPPDATA } = Deno.env.toObject();
  const base = Deno.build.os === "windows"
    ? LOCALAPPDATA
    : Deno.build.os === "darwin"
    ? `${HOME}/Library/Caches`
    : XDG_CACHE_HOME || `${HOME}/.cache`;
  return `${base}/llmspell-state-persistence`;
}

/** The path of a runtime's binary, downloaded if it is not yet there. */
export async function runtimeBinary(runtime: Runtime): Promise<string> {
  const { package: name, binary } = platformPackage(runtime, Deno.build.os, Deno.build.arch);
  const cache = cacheFolder();
  const folder = `${cache}/${runtime.name}-${runtime.version}`;
  const path = `${folder}/node_modules/${name}/${binary}`;
  if (await exists(path)) return path;
  // Renamed into place when whole, so that an interrupted download, or two at once, leave nothing half.
  await Deno.mkdir(cache, { recursive: true });
  const fresh = await Deno.makeTempDir({ dir: cache });
  await npm(["install", "--no-save", "--ignore-scripts", "--prefix", fresh, `${name}@${runtime.version}`], fresh);
  await Deno.rename(fresh, folder).catch(async (error) => {
    await Deno.remove(fresh, { recursive: true });
    if (!await exists(path)) throw error;
  });
  return path;
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}
