/**
 * Reading a namespace on a driver that commits natively: what stands under each key, and what a repair that was not finished
 * has set aside.
 *
 * @module
 */
import { pad, type Paths } from "../paths.ts";
import type { Port, Stored } from "../port.ts";
import type { Found, FoundItem, Source } from "./source.ts";

/** Keys asked for in one call. */
const PAGE = 128;

/** What stands under the keys of a namespace. */
export class NativeSource implements Source {
  readonly #port: Port;
  readonly #paths: Paths;
  readonly #epoch: number | undefined;
  /** What the repair set aside before it was cut off, by the key that it stood under; objects are looked up when needed. */
  readonly #aside: ReadonlyMap<string, Stored>;
  readonly #keys: readonly string[];

  private constructor(port: Port, paths: Paths, epoch: number | undefined, aside: ReadonlyMap<string, Stored>) {
    this.#port = port;
    this.#paths = paths;
    this.#epoch = epoch;
    this.#aside = aside;
    this.#keys = [...aside.keys()].sort();
  }

  /** Begins to read. `epoch`: of the repair that may have been cut off. */
  static async open(port: Port, paths: Paths, epoch: number | undefined): Promise<NativeSource> {
    const aside = new Map<string, Stored>();
    if (epoch !== undefined) {
      const prefix = `${paths.asides}${pad(epoch)}!`;
      const objects = paths.aside(epoch, paths.objects);
      let after: string | undefined;
      for (;;) {
        const items = await port.list({ prefix, limit: PAGE, values: true, ...(after === undefined ? {} : { after }) });
        for (const { key, value } of items) if (!key.startsWith(objects)) aside.set(`${paths.root}${key.slice(prefix.length)}`, value!);
        if (items.length < PAGE) break;
        after = items.at(-1)!.key;
      }
    }
    return new NativeSource(port, paths, epoch, aside);
  }

  async list(prefix: string, after: string | undefined): Promise<readonly FoundItem[]> {
    const items = await this.#port.list({ prefix, limit: PAGE, values: true, ...(after === undefined ? {} : { after }) });
    const end = items.length < PAGE ? undefined : items.at(-1)!.key;
    const found = new Map<string, Found[]>();
    for (const { key, value } of items) found.set(key, value === undefined ? [] : [standing(value)]);
    for (const key of this.#keys) {
      if (!key.startsWith(prefix) || after !== undefined && key <= after || end !== undefined && key > end) continue;
      found.set(key, [...found.get(key) ?? [], moved(this.#aside.get(key)!)]);
    }
    return [...found].sort(([a], [b]) => a < b ? -1 : 1).map(([key, found]) => ({ key, found }));
  }

  async keys(prefix: string, after: string | undefined): Promise<readonly string[]> {
    const items = await this.#port.list({ prefix, limit: PAGE, ...(after === undefined ? {} : { after }) });
    return items.map(({ key }) => key);
  }

  async getMany(keys: readonly string[]): Promise<readonly (readonly Found[])[]> {
    const epoch = this.#epoch;
    const asides = epoch === undefined ? [] : keys.map((key) => this.#paths.aside(epoch, key));
    const values = await this.#port.getMany([...keys, ...asides]);
    return keys.map((_, i) => {
      const value = values[i];
      const aside = values[keys.length + i];
      return [...value === undefined ? [] : [standing(value)], ...aside === undefined ? [] : [moved(aside)]];
    });
  }
}

function standing(value: Stored): Found {
  return { value, isTrusted: false, stands: true };
}

function moved(value: Stored): Found {
  return { value, isTrusted: false, stands: false };
}
