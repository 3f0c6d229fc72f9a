/**
 * What a file system's failures mean to a state.
 *
 * @module
 */
import { isStateError, StateError } from "../../src/errors.ts";

/** What was being done, for the message. */
export type Doing = "read" | "write to";

/** What a runtime fails with where it does not let its program touch something: Deno by its names, Node by its code. */
const denied: ReadonlySet<unknown> = new Set(["NotCapable", "PermissionDenied", "ERR_ACCESS_DENIED"]);

/** The code of a failed call, as in "ENOENT". What the runtime refuses is what the system would refuse: "EACCES". */
export function codeOf(error: unknown): unknown {
  const { code, name } = Object(error);
  return denied.has(name) || denied.has(code) ? "EACCES" : code;
}

/** Whether a file is not there, or what should be its folder is a file. */
export function isAbsent(error: unknown): boolean {
  return codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR";
}

/** Whether something else stands there than a file. A socket cannot be opened at all. */
export function isNoFile(error: unknown): boolean {
  return ["EISDIR", "ENXIO", "EOPNOTSUPP"].includes(codeOf(error) as string);
}

/** STATE_CORRUPT: nothing of ours. */
export function noFile(what: string): StateError {
  return new StateError("STATE_CORRUPT", `Cannot trust "${what}": what stands there is no file`, { details: {} });
}

/** STATE_CORRUPT: a file larger than any that we write. */
export function tooLarge(what: string, bytes: number): StateError {
  return new StateError("STATE_CORRUPT", `Cannot trust "${what}": it has ${bytes} bytes, more than anything that is written there`, {
    details: {},
  });
}

const reasons: Readonly<Record<string, string>> = {
  EACCES: "it is not allowed",
  EPERM: "it is not allowed",
  EROFS: "the file system is read-only",
  ENOENT: "a link to it leads nowhere, or it is being removed",
  ENOSPC: "the disk is full",
  EDQUOT: "the quota is used up",
  ENOTDIR: "a file stands where a folder should",
  EISDIR: "a folder stands where a file should",
  EMFILE: "too many files are open",
  ENFILE: "too many files are open",
  ELOOP: "a link leads in a circle",
  EFBIG: "files may not be so large here",
  EIO: "the disk fails",
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
