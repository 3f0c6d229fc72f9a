/**
 * Opening a database of Deno KV.
 *
 * @module
 */
import { StateError } from "../../src/errors.ts";
import type { Kv } from "./kv.ts";

/** Opens it; whoever calls closes it. */
export async function openKv(path: string | undefined): Promise<Kv> {
  const { Deno } = globalThis as { readonly Deno?: { readonly openKv?: (path?: string) => Promise<Kv> } };
  if (Deno?.openKv === undefined) {
    const what = Deno === undefined ? "this is not Deno; use fs(directory) or sqlite(file)" : "Deno must be started with --unstable-kv";
    throw new StateError("STATE_UNSUPPORTED", `Cannot open Deno KV: ${what}`, { details: { needs: "Deno.openKv" } });
  }
  try {
    return await Deno.openKv(path);
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    throw new StateError("STATE_DRIVER", `Cannot open Deno KV${path === undefined ? "" : ` at "${path}"`}: ${said}`, {
      details: {},
      cause: error,
    });
  }
}
