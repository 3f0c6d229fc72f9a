/**
 * Opening a log on whatever a driver has: append-only files, exclusive creation, or nothing but single values.
 *
 * @module
 */
import { StateError } from "../../errors.ts";
import { encodeSegment } from "../../keys/segment.ts";
import type { Driver } from "../driver.ts";
import type { PortOptions } from "../port.ts";
import type { Seal } from "../seal.ts";
import type { LogOptions } from "./log.ts";
import { LogPort } from "./log_port.ts";
import { describePlain } from "../plain.ts";

/** A namespace's keys begin with no more than this where a driver may cut or refuse long ones. */
const ROOT_LENGTH = 160;
/** What of a long one stays legible. */
const LEGIBLE = 64;

/**
 * Opens a namespace on a log.
 *
 * @throws {StateError} STATE_UNSUPPORTED if the driver declares what it does not have
 * @throws {StateError} STATE_LOCKED if somebody else writes, and only one may
 */
export async function openLog(options: PortOptions): Promise<LogPort> {
  const port = new LogPort(await logOptions(options));
  await port.open();
  return port;
}

/**
 * What a log is opened with on whatever a driver has.
 *
 * @throws {StateError} STATE_UNSUPPORTED if the driver declares what it does not have
 */
export async function logOptions(options: PortOptions): Promise<LogOptions> {
  const driver = options.driver.supports === undefined ? describePlain(options.driver) : options.driver;
  checkParts(driver);
  return { ...options, driver, shortRoot: await shortRootOf(options.root, options.seal) };
}

/** A root as it is where it is short; else its beginning and a digest: `~~` stands in no encoded name. */
export async function shortRootOf(root: string, seal: Seal): Promise<string> {
  if (root.length <= ROOT_LENGTH) return root;
  const [digest] = await seal([root]);
  return `${root.slice(0, LEGIBLE)}~~${encodeSegment(digest!.slice(0, 22))}!`;
}

function checkParts({ name = "unnamed", supports, create, list, segments, removeItem }: Driver): void {
  const missing = !supports!.create
    ? undefined
    : !create
    ? "create"
    : !removeItem
    ? "removeItem"
    : supports!.list !== "ordered" || !list
    ? "an ordered list"
    : segments !== undefined && typeof segments.append !== "function"
    ? "segments.append"
    : undefined;
  if (missing === undefined) return;
  throw new StateError("STATE_UNSUPPORTED", `Cannot open state on driver "${name}": it declares supports.create, and lacks ${missing}`, {
    details: { needs: missing },
  });
}

/** What all keys of a namespace begin with, where the driver's keys begin with a cut one; undefined: there is no log under that. */
export async function findRoot(given: Driver, cut: string, seal: Seal): Promise<string | undefined> {
  const driver = given.supports === undefined ? describePlain(given) : given;
  const port = new LogPort({
    driver,
    root: cut,
    seal,
    random: (bytes) => new Uint8Array(bytes),
    now: Date.now,
    readOnly: true,
    cacheBytes: 0,
    onWarning: () => {},
  });
  return await port.findRoot();
}
