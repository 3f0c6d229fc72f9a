/**
 * Writing what a repair mends, in bounded batches and in order, each only if the mark in the head still stands.
 *
 * @module
 */
import { type Digester, toHex } from "../../digest.ts";
import { pad, type Paths } from "../paths.ts";
import type { Port, Stored } from "../port.ts";
import type { Sink } from "./source.ts";

/** Bytes of a batch beside its keys and values. */
const BATCH_OVERHEAD = 1024;

/** The head is another one than before: others write, or repair. */
export class Overtaken extends Error {}

/** What batches are made of. */
export interface BatchesParts {
  readonly port: Port;
  readonly paths: Paths;
  readonly digester: Digester;
  /** Of the repair. */
  readonly epoch: number;
  /** The head, as it is stored. */
  readonly mark: string;
}

/** Writes in batches. */
export class Batches implements Sink {
  readonly #parts: BatchesParts;
  #waiting: Map<string, Stored | undefined> = new Map();
  #bytes = BATCH_OVERHEAD;

  /** Nothing is to be written yet. */
  constructor(parts: BatchesParts) {
    this.#parts = parts;
  }

  async aside(key: string, value: Stored): Promise<void> {
    const { port, paths, epoch } = this.#parts;
    const place = paths.aside(epoch, key);
    // Longer than the driver takes: then its value must say what it was.
    await this.#add(place.length > port.supports.keyBytes ? await this.#shortPlace(key) : place, value);
  }

  /** Takes away what stands under a cut key, and sets it aside. */
  async takeAside(key: string, value: Stored): Promise<void> {
    await this.#add(await this.#shortPlace(key), value);
    await this.#add(key, undefined);
  }

  async put(key: string, value: string): Promise<void> {
    await this.#add(key, value);
  }

  async choose(key: string, _: number, value: Stored): Promise<void> {
    await this.#add(key, value);
  }

  async remove(key: string): Promise<void> {
    await this.#add(key, undefined);
  }

  /** Writes what is still to be written. */
  async flush(): Promise<void> {
    if (this.#waiting.size === 0) return;
    const { port, paths, mark } = this.#parts;
    const all = [...this.#waiting];
    this.#waiting = new Map();
    this.#bytes = BATCH_OVERHEAD;
    const set = all.filter((entry): entry is [string, Stored] => entry[1] !== undefined);
    const remove = all.filter(([, value]) => value === undefined).map(([key]) => key);
    if (!await port.repeat({ checks: [{ key: paths.head, is: mark }], set, remove, durable: false })) throw new Overtaken();
  }

  async #shortPlace(key: string): Promise<string> {
    const { paths, digester, epoch } = this.#parts;
    return `${paths.asides}${pad(epoch)}!long!${toHex(await digester.digest(key))}`;
  }

  async #add(key: string, value: Stored | undefined): Promise<void> {
    const { batchOps, batchBytes } = this.#parts.port.supports;
    // A character takes up to three bytes.
    const bytes = key.length + (value === undefined ? 0 : typeof value === "string" ? 3 * value.length : value.length);
    if (this.#waiting.size + 2 > batchOps || this.#bytes + bytes > batchBytes) await this.flush();
    this.#waiting.delete(key);
    this.#waiting.set(key, value);
    this.#bytes += bytes;
  }
}
