/**
 * Runs the worker of test/runtime/workerd/, and the example of one, in real isolates: `deno run -A tools/workerd.ts NODE FOLDER REPORT`.
 *
 * Both are bundled from the installed tarball in FOLDER, as a user would, without modules of Node. NODE is the binary that runs miniflare.
 *
 * @module
 */
import { bundle } from "./bundle.ts";
import { type CaseResult, formatJunit } from "./junit.ts";

/** The package that brings workerd, and simulates what stands around it. */
export const miniflare = "miniflare@4.20260730.0";

async function main([node = "", consumer = "", report = ""]: readonly string[]): Promise<boolean> {
  const folder = await Deno.makeTempDir();
  try {
    if (!await bundle([`${consumer}/runtime/workerd/worker.js`], `${folder}/suite`, consumer)) return false;
    if (!await bundle([`${consumer}/examples/worker/agent.js`], `${folder}/example`, consumer)) return false;
    const args = [`${consumer}/runtime/workerd/run.js`, folder];
    const { success, stdout } = await new Deno.Command(node, { args, cwd: consumer, stdin: "null", stderr: "inherit" }).output();
    const lines = new TextDecoder().decode(stdout).split("\n").filter((line) => line !== "");
    const results = lines.map((line): CaseResult => JSON.parse(line));
    await Deno.writeTextFile(report, formatJunit(results));
    for (const { name, failure } of results) if (failure !== null) console.error(`${name}: ${failure}`);
    console.log(`workerd: ${results.length} tests`);
    return success && results.every(({ failure }) => failure === null);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

if (import.meta.main) Deno.exit(await main(Deno.args) ? 0 : 1);
