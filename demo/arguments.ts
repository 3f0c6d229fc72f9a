/**
 * What the demo may be told.
 *
 * @module
 */
import { parseArgs } from "node:util";

/** For `--help`, and after a mistake. */
export const usage = `deno task demo [--trace FILE] [--driver URL] [--keep]

  --trace FILE   trajectories to replay: JSON lines, plain or gzipped; without it, a short conversation of the demo's own
  --driver URL   where the state goes, as in sqlite:./demo.db; without it, files in a temporary folder
  --keep         leaves the state where it is, and says where`;

/** What was asked for. */
export interface Wishes {
  readonly trace: string | undefined;
  readonly driver: string | undefined;
  readonly keep: boolean;
  readonly help: boolean;
  /** Set where this process is the one that works, and may be killed: the namespace to work in. */
  readonly worker: string | undefined;
  /** For the demo's own test: the worker acknowledges turns that it has not saved. */
  readonly forgetful: boolean;
}

const options = {
  trace: { type: "string" },
  driver: { type: "string" },
  keep: { type: "boolean", default: false },
  help: { type: "boolean", default: false },
  worker: { type: "string" },
  forgetful: { type: "boolean", default: false },
} as const;

/**
 * Reads the command line.
 *
 * @throws {TypeError} if it holds something unknown, or a value is missing
 */
export function parseWishes(args: readonly string[]): Wishes {
  const { trace, driver, worker, ...flags } = parse(args);
  for (const [name, value] of Object.entries({ trace, driver, worker })) {
    if (value === "") throw new TypeError(`Cannot run the demo: --${name} is empty`);
  }
  return { trace, driver, worker, ...flags };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: false, strict: true }).values;
  } catch (error) {
    // Its first sentence says what is wrong, the others how to quote.
    throw new TypeError(`Cannot run the demo: ${(error as Error).message.split(/\.\s/)[0]}`);
  }
}
