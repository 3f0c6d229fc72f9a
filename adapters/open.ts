/**
 * A driver from a URL, for programs that are told by configuration where their state is.
 *
 * @module
 */
import { StateError } from "../src/errors.ts";
import type { Driver } from "../src/store/driver.ts";

/** What each scheme opens; `example` is what to write. An adapter is loaded only when it is asked for. */
const schemes: Readonly<Record<string, { readonly example: string; readonly open: (rest: string) => Promise<Driver> }>> = {
  memory: {
    example: "memory:",
    open: async (rest) => {
      if (rest !== "") throw new TypeError(`Cannot open the driver "memory:${rest}": nothing may follow; write "memory:"`);
      return (await import("./memory.ts")).memory();
    },
  },
  fs: {
    example: "fs:./folder",
    open: async (rest) => {
      await requireFiles("fs");
      return (await import("./fs.ts")).fs(asPath("fs", rest, "fs:./folder"));
    },
  },
  "deno-kv": {
    example: "deno-kv:./file.kv",
    open: async (rest) => (await import("./deno_kv.ts")).denoKv(rest === ":memory:" ? rest : asPath("deno-kv", rest, "deno-kv:./file.kv")),
  },
  indexeddb: {
    example: "indexeddb:name",
    open: async (rest) => {
      if (rest === "") throw new TypeError('Cannot open the driver "indexeddb:": the name is missing; write "indexeddb:name"');
      return (await import("./indexed_db.ts")).indexedDb(rest);
    },
  },
  sqlite: {
    example: "sqlite:./file.db",
    open: async (rest) => {
      await requireFiles("sqlite");
      return (await import("./sqlite.ts")).sqlite(asPath("sqlite", rest, "sqlite:./file.db"));
    },
  },
};

// Bundlers that see the name would look for the module, or import it before anything runs.
// deno-lint-ignore house/layers
const importBuiltIn = (name: string): Promise<unknown> => import(name);

/** Asked before an adapter is loaded that cannot be loaded without files: so its failure says what is missing. */
async function requireFiles(scheme: string): Promise<void> {
  try {
    await importBuiltIn("node:fs");
  } catch (cause) {
    throw new StateError(
      "STATE_UNSUPPORTED",
      `Cannot open a driver of "${scheme}:": this runtime has no files; use another adapter, such as memory() or indexedDb(name)`,
      { details: { needs: "node:fs" }, cause },
    );
  }
}

/** What follows the colon, if it is a path and no host. */
function asPath(scheme: string, rest: string, example: string): string {
  if (rest === "") throw new TypeError(`Cannot open the driver "${scheme}:": the path is missing; write "${example}"`);
  if (!rest.startsWith("//")) return rest;
  const path = rest.replace(/^\/+/, "/");
  throw new TypeError(
    `Cannot open the driver "${scheme}:${rest}": a path follows the colon, no "//"; write "${scheme}:${path}" or "${example}"`,
  );
}

/**
 * The driver that a URL names: `"memory:"`, or `"fs:"`, `"sqlite:"` or `"deno-kv:"` and a path, as it is (nothing in it is decoded).
 *
 * Each adapter is a module that is loaded when its scheme is asked for. A bundler for browsers or workers must keep them apart ("code
 * splitting"): `fs` and `sqlite` import modules of Node, which there are not there. Without that, import the one adapter that you use.
 *
 * @throws {TypeError} if no adapter knows the URL; the message says what to write
 * @throws {StateError} STATE_UNSUPPORTED if it needs files (`"fs:"`, `"sqlite:"`), and this runtime has none, as browsers and edge workers. What
 * else the runtime lacks, IndexedDB or Deno KV, is STATE_UNSUPPORTED at the driver's first call
 *
 * @example
 * ```ts
 * import { openState } from "@llmspell/state-persistence";
 * import { openDriver } from "@llmspell/state-persistence/adapters/open";
 *
 * await using state = await openState({ driver: await openDriver("memory:") });
 * ```
 */
export async function openDriver(url: string): Promise<Driver> {
  const known = Object.values(schemes).map(({ example }) => `"${example}"`).join(" or ");
  if (typeof url !== "string") {
    throw new TypeError(`Cannot open a driver from ${url === null ? "null" : typeof url}: pass a string, ${known}`);
  }
  const colon = url.indexOf(":");
  const scheme = url.slice(0, Math.max(0, colon));
  if (!Object.hasOwn(schemes, scheme)) throw new TypeError(`Cannot open the driver "${url}": no adapter knows it; write ${known}`);
  return await schemes[scheme]!.open(url.slice(colon + 1));
}
