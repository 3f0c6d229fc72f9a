/**
 * What a repair reads: everything that can be found of a namespace, whether it proves itself or not.
 *
 * @module
 */
import { isStateError } from "../../errors.ts";
import type { Stored } from "../port.ts";

/** What was found under a key. */
export interface Found {
  readonly value: Stored;
  /** What carried it proves that it was written so, and under this key. */
  readonly isTrusted: boolean;
  /** It stands there; else it did once, or a copy of it was found elsewhere. */
  readonly stands: boolean;
}

/** A key with all that was found under it, newest first. */
export interface FoundItem {
  readonly key: string;
  readonly found: readonly Found[];
}

/** Where a repair reads. */
export interface Source {
  /** Some keys that begin with a prefix, in order, behind a key; none: there are no more. */
  list(prefix: string, after: string | undefined): Promise<readonly FoundItem[]>;
  /** The same without what was found; only what stands. */
  keys(prefix: string, after: string | undefined): Promise<readonly string[]>;
  getMany(keys: readonly string[]): Promise<readonly (readonly Found[])[]>;
}

/** Where a repair writes. Each call may be made again after a crash. */
export interface Sink {
  /** Keeps what was found under a key where a person may look at it. */
  aside(key: string, value: Stored): Promise<void>;
  put(key: string, value: string): Promise<void>;
  /** Puts what was found under the key itself, and does not stand there: the one in this place of `found`. */
  choose(key: string, place: number, value: Stored): Promise<void>;
  remove(key: string): Promise<void>;
}

/** Everything under a prefix, in order. */
export async function* everything(source: Source, prefix: string): AsyncGenerator<FoundItem> {
  let after: string | undefined;
  for (;;) {
    const items = await source.list(prefix, after);
    if (items.length === 0) return;
    yield* items;
    after = items.at(-1)!.key;
  }
}

/** What proves itself; `undefined`: it does not. `isStrict`: what seems to be of a newer format may be just that. */
export async function attempt<T>(prove: () => T | Promise<T>, isStrict = false): Promise<T | undefined> {
  try {
    return await prove();
  } catch (error) {
    if (isStateError(error, "STATE_CORRUPT") || !isStrict && isStateError(error, "STATE_NEWER_FORMAT")) return undefined;
    // Nonsense may be no JSON, no number, no well-formed text.
    if (error instanceof TypeError || error instanceof SyntaxError || error instanceof RangeError) return undefined;
    throw error;
  }
}

/** Items under a prefix in order, one at a time, by what follows the prefix. */
export class Walk {
  readonly #items: AsyncGenerator<FoundItem>;
  readonly #prefix: string;
  #item: FoundItem | undefined;

  /** Before the first one. */
  constructor(items: AsyncGenerator<FoundItem>, prefix: string) {
    this.#items = items;
    this.#prefix = prefix;
  }

  /** Where it stands; `undefined`: behind the last one. */
  get path(): string | undefined {
    return this.#item?.key.slice(this.#prefix.length);
  }

  /** Goes on to the next one. */
  async next(): Promise<void> {
    const { done, value } = await this.#items.next();
    this.#item = done === true ? undefined : value;
  }

  /** What was found under a path, if that is where it stands. */
  at(path: string): readonly Found[] {
    return this.path === path ? this.#item!.found : [];
  }
}
