/**
 * The doors of the package, as deno.json names them: what the gates look at and what is shipped.
 *
 * @module
 */
import config from "../deno.json" with { type: "json" };

/** The project's folder, with a slash at its end. */
export const root: URL = new URL("../", import.meta.url);

/** Each door and the file behind it, relative to the project: `["./testing", "test/conformance/mod.ts"]`. */
export function doors(): readonly (readonly [door: string, file: string])[] {
  return Object.entries(config.exports).map(([door, file]) => [door, file.replace(/^\.\//, "")]);
}

/** Runs this Deno with these arguments in the project's folder; its output is the caller's. True if it succeeded. */
export async function deno(...args: readonly string[]): Promise<boolean> {
  const child = new Deno.Command(Deno.execPath(), { args: [...args], cwd: root, stdin: "null" }).spawn();
  return (await child.status).success;
}
