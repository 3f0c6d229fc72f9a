/**
 * The driver over a folder of files, for Deno, Node and Bun.
 *
 * @module
 */
import { resolve } from "node:path";
import type { Driver } from "../src/store/driver.ts";
import { createDriver } from "./fs/driver.ts";
import { appendsAtomically, nodeCalls } from "./fs/node_calls.ts";

/**
 * A driver over a folder. A commit is one line appended to a file and synced; several processes of one machine may have the
 * folder open, and write.
 *
 * Nothing is opened before the first call. Reads create nothing; the first write makes the folder and missing ones above it
 * (mode 0700; files 0600). Files that are not ours are left alone and not looked at. A driver that was disposed opens its
 * files again at the next call.
 *
 * On a network or user-space file system (NFS, SMB, FUSE, 9P) appends of several processes may land on each other. There a
 * commit is a file of its own, and one process writes at a time, under a lease: `supports.writers` is `"one"`, and another one is
 * `STATE_LOCKED` after `lock.waitMs`.
 *
 * Under Deno it needs `--allow-read` and `--allow-write` for the folder, and `--allow-sys=statfs` to see whether that is on a network:
 * without, it takes it for a local one.
 *
 * The driver's methods reject with a `StateError`:
 *
 * - `STATE_DRIVER` if the folder cannot be read or written, or the disk is full.
 *
 * @param directory the path, as it is: no `file:` URL
 * @throws {TypeError} if it is not a path
 *
 * @example
 * ```ts
 * import { openState, StateScope } from "@llmspell/state-persistence";
 * import { fs } from "@llmspell/state-persistence/adapters/fs";
 *
 * await using state = await openState({ driver: fs("./state") });
 * await state.increment(StateScope.global, "starts");
 * ```
 */
export function fs(directory: string): Driver {
  const problem = typeof directory !== "string"
    ? `it must be a string, not ${directory === null ? "null" : typeof directory}`
    : directory === ""
    ? "it is empty"
    : /^file:/i.test(directory)
    ? 'URLs are not taken; write a path such as "./agents"'
    : directory.includes("\0")
    ? "it contains a NUL character"
    : !directory.isWellFormed()
    ? "it has an unpaired surrogate, which no file system keeps"
    : undefined;
  if (problem !== undefined) throw new TypeError(`Cannot use ${JSON.stringify(directory) ?? String(directory)} as a folder: ${problem}`);
  const absolute = resolve(directory);
  return createDriver({ given: directory, absolute }, nodeCalls, () => appendsAtomically(absolute));
}
