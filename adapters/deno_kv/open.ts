/**
 * Opening a database of Deno KV.
 *
 * @module
 */
import { StateError } from "../../src/errors.ts";
import type { Kv } from "./kv.ts";

/** What of Deno is used. */
interface DenoCalls {
  readonly openKv?: (path?: string) => Promise<Kv>;
  readonly realPathSync: (path: string) => string;
  readonly statSync: (path: string) => { readonly dev: number; readonly ino: number | null };
}

const denoOf = (): DenoCalls | undefined => (globalThis as { readonly Deno?: DenoCalls }).Deno;

/** A database in a file: how to open it, and how to see that what was opened is still there. */
export interface KvFile {
  open(): Promise<Kv>;
  /** @throws {StateError} STATE_DRIVER if the file was removed or replaced since it was opened: what is written would be gone with it */
  check(): void;
}

/** The database in a file. */
export function fileOf(path: string): KvFile {
  let opened: { readonly absolute: string; readonly identity: string } | undefined;
  return {
    async open() {
      const kv = await openKv(path);
      try {
        const absolute = denoOf()!.realPathSync(path);
        opened = { absolute, identity: identityOf(absolute) };
      } catch {
        // What cannot be looked at cannot be seen to go, but be used.
        opened = undefined;
      }
      return kv;
    },
    check() {
      if (opened === undefined || identityOf(opened.absolute) === opened.identity) return;
      throw new StateError(
        "STATE_DRIVER",
        `Cannot write to Deno KV at "${path}": it was removed or replaced while it was open; close the state and open it again`,
        { details: {} },
      );
    },
  };
}

function identityOf(path: string): string {
  try {
    const { dev, ino } = denoOf()!.statSync(path);
    return `${dev}:${ino}`;
  } catch {
    return "none";
  }
}

/** Opens it; whoever calls closes it. */
export async function openKv(path: string | undefined): Promise<Kv> {
  const Deno = denoOf();
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
