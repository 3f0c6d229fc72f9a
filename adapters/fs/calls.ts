/**
 * The system calls that the driver over a folder makes, and nothing more: the runtime's own, or a simulated file system's.
 *
 * Every call fails as Node's do: with an `Error` that has a `code` such as "ENOENT", "EEXIST", "ENOSPC", "EIO".
 *
 * @module
 */

/** What a call gives, at once where that is cheap. */
export type Awaitable<T> = T | Promise<T>;

/** An open file. */
export interface OpenFile {
  /** One `write(2)`: how many bytes it took. On a file opened to append they stand at the end, whoever else appends. */
  write(bytes: Uint8Array): Awaitable<number>;
  /** One `pwrite(2)`, on a file opened to be mended: how many bytes it took. */
  writeAt(from: number, bytes: Uint8Array): Awaitable<number>;
  /** Bytes from an offset, fewer where the file ends. */
  read(from: number, length: number): Awaitable<Uint8Array>;
  /** `fdatasync(2)`: data, and the size. */
  sync(): Awaitable<void>;
  /** `fstat(2)`. `changedMs`: when it was last written to. */
  stat(): Awaitable<{ readonly size: number; readonly changedMs: number }>;
  /**
   * `stat(2)` of the path that it was opened by: the size while that leads to this file; undefined: to another one or to none, as
   * where its folder was moved.
   */
  sizeInPlace(): Awaitable<number | undefined>;
  close(): Awaitable<void>;
}

/** What a file is opened for. */
export type OpenAs = "read" | "append" | "create" | "mend";

/** A name in a folder. */
export interface FolderEntry {
  readonly name: string;
  readonly isFolder: boolean;
}

/** The calls on paths. */
export interface FileCalls {
  /**
   * `open(2)`: "read"; "append": read and append, never created; "create": exclusively, mode 0600, to be written; "mend": to be
   * written anywhere, never created. Waits for nobody; EISDIR, or what the system says, where something else stands than a file: a
   * folder, a pipe, a device.
   */
  open(path: string, how: OpenAs): Awaitable<OpenFile>;
  /** A hard link: a second name. EEXIST where that is taken. */
  link(from: string, to: string): Awaitable<void>;
  /** Takes a name away, at once: of a file that has another one, unless something failed. */
  unlink(path: string): Awaitable<void>;
  /** The same beside other work: for a file's only name. What it held is given back, which may take as long as a write. */
  remove(path: string): Awaitable<void>;
  /** Gives a file another name, in place of what had that. */
  rename(from: string, to: string): Awaitable<void>;
  /** One folder, mode 0700; EEXIST, ENOENT where the one above is missing. */
  mkdir(path: string): Awaitable<void>;
  rmdir(path: string): Awaitable<void>;
  /** What is in a folder, in any order. */
  readdir(path: string): Awaitable<readonly FolderEntry[]>;
  /** `fsync(2)` of a folder: which names it has. */
  syncFolder(path: string): Awaitable<void>;
}
