/**
 * A project that uses the package as npm delivers it: installed from the tarball, with the tests of test/runtime/ and the examples beside it.
 *
 * @module
 */
import { buildPackage } from "../npm-build/build.ts";
import { root } from "./doors.ts";
import { npm } from "./npm.ts";

/** A consumer's folder, gone when disposed. */
export interface Consumer extends AsyncDisposable {
  readonly folder: string;
}

/** Builds the tarball, installs it in a new temporary folder together with these packages, and copies test/runtime/ and examples/ into it. */
export async function createConsumer(...packages: readonly string[]): Promise<Consumer> {
  const folder = await Deno.makeTempDir();
  const remove = (): Promise<void> => Deno.remove(folder, { recursive: true });
  try {
    const tarball = await buildPackage(folder);
    await Deno.writeTextFile(`${folder}/package.json`, '{ "private": true, "type": "module" }\n');
    await npm(["install", "--ignore-scripts", tarball, ...packages], folder);
    await copyFolder(new URL("test/runtime/", root), `${folder}/runtime`);
    await copyFolder(new URL("examples/", root), `${folder}/examples`);
  } catch (error) {
    await remove();
    throw error;
  }
  return { folder, [Symbol.asyncDispose]: remove };
}

async function copyFolder(from: URL, to: string): Promise<void> {
  await Deno.mkdir(to);
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (isDirectory) await copyFolder(new URL(`${name}/`, from), `${to}/${name}`);
    else await Deno.copyFile(new URL(name, from), `${to}/${name}`);
  }
}
