/**
 * What a file system's failures mean to a state.
 *
 * @module
 */
import { isStateError, StateError } from "../../src/errors.ts";

/** What was being done, for the message. */
export type Doing = "read" | "write to";

/** The code of a failed call, as in "ENOENT". */
export function codeOf(error: unknown): unknown {
  return (error as { code?: unknown } | undefined)?.code;
}

const reasons: Readonly<Record<string, string>> = {
  EACCES: "it is not allowed",
  EPERM: "it is not allowed",
  EROFS: "the file system is read-only",
  ENOSPC: "the disk is full",
  EDQUOT: "the quota is used up",
  ENOTDIR: "a file stands where a folder should",
  EISDIR: "a folder stands where a file should",
  EMFILE: "too many files are open",
  ENFILE: "too many files are open",
  ELOOP: "a link leads in a circle",
};

/** The StateError for a failure that wrote nothing. */
export function explain(error: unknown, doing: Doing, directory: string): StateError {
  if (isStateError(error)) return error;
  const code = codeOf(error);
  const said = error instanceof Error ? error.message : String(error);
  const reason = typeof code === "string" ? reasons[code] : undefined;
  return new StateError(
    "STATE_DRIVER",
    `Cannot ${doing} the folder "${directory}": ${reason === undefined ? said : `${reason} (${said})`}`,
    {
      details: {},
      cause: error,
    },
  );
}
