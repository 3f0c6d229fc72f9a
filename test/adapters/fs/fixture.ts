/** What the tests of the adapter over a folder share. */
import { readFileSync, readlinkSync, rmSync } from "node:fs";

/** Runs something with a folder of its own. */
export async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = Deno.makeTempDirSync({ prefix: "fs_test_" });
  try {
    await run(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Every file, folder and link below a folder, and what is in it. */
export function snapshot(folder: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const { name, isDirectory, isFile, isSymlink } of Deno.readDirSync(folder)) {
    const path = `${folder}/${name}`;
    found[path] = isDirectory ? "folder" : isFile ? readFileSync(path, "latin1") : isSymlink ? `link to ${readlinkSync(path)}` : "no file";
    if (isDirectory) Object.assign(found, snapshot(path));
  }
  return found;
}
