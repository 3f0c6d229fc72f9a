/**
 * Makes the npm tarball: packs, completes what was packed, and packs that.
 *
 * @module
 */
import config from "../deno.json" with { type: "json" };
import { deno } from "../tools/doors.ts";
import { npm } from "../tools/npm.ts";
import { completeManifest, type Manifest, withDisposableTypes } from "./complete.ts";
import ours from "./manifest.json" with { type: "json" };

/** Builds the tarball into a folder that exists and returns its path. */
export async function buildPackage(out: string): Promise<string> {
  const work = await Deno.makeTempDir();
  try {
    // Source maps would carry every source a second time, under the paths of this machine.
    if (!await deno("pack", "--quiet", "--allow-dirty", "--no-source-maps", "--output", `${work}/packed.tgz`)) {
      throw new Error("deno pack failed");
    }
    await run("tar", ["-xzf", "packed.tgz"], work);
    await complete(`${work}/package`);
    const [{ filename }] = JSON.parse(await npm(["pack", "--json", "--pack-destination", out], `${work}/package`));
    return `${out}/${filename}`;
  } finally {
    await Deno.remove(work, { recursive: true });
  }
}

async function complete(folder: string): Promise<void> {
  const manifestFile = `${folder}/package.json`;
  const packed: Manifest = JSON.parse(await Deno.readTextFile(manifestFile));
  await Deno.writeTextFile(manifestFile, `${JSON.stringify(completeManifest(packed, ours, config.imports), undefined, 2)}\n`);
  for await (const file of filesIn(folder)) {
    if (file.endsWith(".d.ts")) await Deno.writeTextFile(file, withDisposableTypes(await Deno.readTextFile(file)));
  }
}

/** Every file under a folder. */
async function* filesIn(folder: string): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) yield* filesIn(`${folder}/${name}`);
    else yield `${folder}/${name}`;
  }
}

async function run(program: string, args: string[], cwd: string): Promise<void> {
  const { success } = await new Deno.Command(program, { args, cwd, stdin: "null" }).spawn().status;
  if (!success) throw new Error(`${program} ${args.join(" ")} failed`);
}
