/**
 * Builds the npm tarball in npm-build/out/ and checks it as its users and their tools will: what is in it, publint and @arethetypeswrong/cli. That its
 * declarations compile is a test (test/runtime/typescript/).
 *
 * @module
 */
import { deno, doors, root } from "../tools/doors.ts";
import { buildPackage } from "./build.ts";
import type { Manifest } from "./complete.ts";

const publint = "npm:publint@0.3.25";
const attw = "npm:@arethetypeswrong/cli@0.18.5";

/** What is wrong with a package of these files, as sentences: nothing but what the doors need may be in it, and each door must lead somewhere. */
export function findFaults(files: readonly string[], manifest: Manifest, expectedDoors: readonly string[]): readonly string[] {
  const has = new Set(files);
  const faults = files.filter((file) => !isWanted(file)).map((file) => `${file} must not be shipped`);
  for (const door of expectedDoors) {
    const targets = Object.entries(manifest.exports[door] ?? {});
    if (targets[0]?.[0] !== "types") faults.push(`the door "${door}" does not begin with its types`);
    for (const [condition, target] of targets) {
      if (!has.has(target.replace(/^\.\//, ""))) faults.push(`the door "${door}" leads by "${condition}" to ${target}, which is not there`);
    }
  }
  if (manifest.exports["./package.json"] !== "./package.json") faults.push("package.json is no door");
  for (const field of ["description", "repository", "keywords", "license", "engines", "sideEffects"]) {
    if (manifest[field] === undefined) faults.push(`package.json has no ${field}`);
  }
  return faults;
}

function isWanted(file: string): boolean {
  if (/^(package\.json|README\.md|CHANGELOG\.md|LICENSE-APACHE|LICENSE-MIT)$/.test(file)) return true;
  return /^(mod|(src|adapters|test\/conformance)\/.+)\.(js|d\.ts)$/.test(file) && !/_test\./.test(file);
}

async function readTarball(tarball: string): Promise<{ readonly files: readonly string[]; readonly manifest: Manifest }> {
  const tar = async (...args: string[]): Promise<string> => {
    const { success, stdout } = await new Deno.Command("tar", { args, stdin: "null", stderr: "inherit" }).output();
    if (!success) throw new Error(`tar ${args.join(" ")} failed`);
    return new TextDecoder().decode(stdout);
  };
  const files = (await tar("-tzf", tarball)).trim().split(/\r?\n/).map((file) => file.replace(/^package\//, ""));
  return { files, manifest: JSON.parse(await tar("-xzOf", tarball, "package/package.json")) };
}

if (import.meta.main) {
  const out = new URL("npm-build/out/", root);
  await Deno.mkdir(out, { recursive: true });
  const tarball = await buildPackage(await Deno.realPath(out));
  const { files, manifest } = await readTarball(tarball);
  const faults = findFaults(files, manifest, doors().map(([door]) => door));
  for (const fault of faults) console.error(`In ${tarball}: ${fault}`);
  const sound = faults.length === 0 &&
    await deno("run", "-A", "--no-lock", publint, "run", tarball, "--strict") &&
    // The package is ESM alone, so what only concerns require() and Node 10 is not asked.
    await deno("run", "-A", "--no-lock", attw, tarball, "--profile", "esm-only", "--no-emoji");
  Deno.exit(sound ? 0 : 1);
}
