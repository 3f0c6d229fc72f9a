/**
 * Repairing a namespace that does not prove itself any more.
 *
 * @module
 */
import { createDigester } from "../../digest.ts";
import type { Driver } from "../driver.ts";
import { createPaths } from "../paths.ts";
import { openPort } from "../open_port.ts";
import { createSeal } from "../seal.ts";
import { repairNative } from "./native.ts";
import type { RepairReport } from "./survey.ts";

/** For pages of a log. */
const CACHE_BYTES = 8 * 1024 * 1024;

/** Keeps what proves itself, sets the rest aside, and says what was lost. */
export async function repairNamespace(driver: Driver, namespace: string, dryRun: boolean): Promise<RepairReport> {
  const paths = createPaths(namespace);
  const digester = createDigester();
  const seal = createSeal(digester);
  const random = (bytes: number) => crypto.getRandomValues(new Uint8Array(bytes));
  const port = await openPort({
    driver,
    root: paths.root,
    seal,
    random,
    now: Date.now,
    readOnly: dryRun,
    cacheBytes: CACHE_BYTES,
    onWarning: () => {},
  });
  return await repairNative({ port, paths, seal, digester, random, now: Date.now, dryRun });
}
