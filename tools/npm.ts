/**
 * npm, as a child process.
 *
 * @module
 */

/**
 * Runs npm in a folder and returns what it wrote to standard output.
 *
 * @throws {Error} with npm's own words if it fails
 */
export async function npm(args: readonly string[], cwd: string): Promise<string> {
  const quiet = ["--no-audit", "--no-fund", "--loglevel=error", "--no-update-notifier"];
  // On Windows npm is a script, which only a shell can start.
  const [program, ...first] = Deno.build.os === "windows" ? ["cmd", "/c", "npm"] : ["npm"];
  const command = new Deno.Command(program!, { args: [...first, ...args, ...quiet], cwd, stdin: "null", stdout: "piped", stderr: "piped" });
  const { success, stdout, stderr } = await command.output();
  const decoder = new TextDecoder();
  if (!success) throw new Error(`npm ${args.join(" ")} failed:\n${decoder.decode(stderr)}`);
  return decoder.decode(stdout);
}
