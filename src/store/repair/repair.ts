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

/** Keeps what proves itself, sets the rest aside, and says what was lost. */
export async function repairNamespace(driver: Driver, namespace: string, dryRun: boolean): Promise<RepairReport> {
  const paths = createPaths(namespace);
  const digester = createDigester();
  const seal = createSeal(digester);
  const random = (bytes: number) => crypto.getRandomValues(new Uint8Array(bytes));
  const now = Date.now;
  const options = { driver, root: paths.root, seal, random, now, readOnly: dryRun, cacheBytes: 0, onWarning: () => {} };
  const parts = { paths, seal, digester, random, now, dryRun };
  if (driver.supports?.commit) return await repairNative({ ...parts, port: await openPort({ ...options, isLenient: true }) });
  const { logOptions } = await import("../log/open_log.ts");
  const { repairLog } = await import("./log_repair.ts");
  return await repairLog({ ...parts, options: await logOptions(options) });
}
