/**
 * Bundling what stands in an installed project, as its users would.
 *
 * @module
 */

/**
 * Bundles modules for the web platform, in pieces: what is loaded later stays apart. The pieces stand in `folder`, each entry under its name.
 *
 * @returns whether it went well; what did not is on standard error
 */
export async function bundle(entries: readonly string[], folder: string, cwd: string): Promise<boolean> {
  const options = ["--quiet", "--platform=browser", "--code-splitting", "--node-modules-dir=manual", `--outdir=${folder}`];
  const command = new Deno.Command(Deno.execPath(), { args: ["bundle", ...options, ...entries], cwd, stdin: "null", stdout: "null" });
  return (await command.spawn().status).success;
}
