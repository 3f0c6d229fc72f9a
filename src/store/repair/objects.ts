/**
 * Whether objects are there and whole.
 *
 * @module
 */
import type { Digester } from "../../digest.ts";
import type { ObjectRef, SealedChange } from "../change.ts";
import { loadObject, objectKeys } from "../objects.ts";
import type { Paths } from "../paths.ts";
import type { Stored } from "../port.ts";
import type { ChangeSetRef } from "../record.ts";
import { corrupt, type Seal } from "../seal.ts";
import { loadList, loadPiece, type PieceRef } from "../steps.ts";
import { attempt, type Source } from "./source.ts";

/** What became of an object. */
export type Verdict = "whole" | "damaged" | "missing";

/** What reading objects takes. */
export interface ObjectsParts {
  readonly source: Source;
  readonly paths: Paths;
  readonly seal: Seal;
  readonly digester: Digester;
}

/** Proves objects, each once. */
export class Objects {
  readonly #parts: ObjectsParts;
  readonly #verdicts: Map<string, Verdict> = new Map();
  /** Pieces of whole objects that do not stand as they must. */
  readonly #substitutes: Map<string, string> = new Map();

  /** None was looked at. */
  constructor(parts: ObjectsParts) {
    this.#parts = parts;
  }

  /** Whether an object can be read. */
  async judge(ref: ObjectRef): Promise<Verdict> {
    const known = this.#verdicts.get(ref.name);
    if (known !== undefined) return known;
    const verdict = await this.#look(ref);
    this.#verdicts.set(ref.name, verdict);
    return verdict;
  }

  /** Whether an object was looked at and is damaged. */
  isDamaged(name: string): boolean {
    return this.#verdicts.get(name) === "damaged";
  }

  /** Pieces that must be written for objects to be whole, by their keys. */
  get substitutes(): ReadonlyMap<string, Stored> {
    return this.#substitutes;
  }

  /** The pieces of a change set; `undefined`: its list cannot be read. */
  async list(set: ChangeSetRef): Promise<readonly PieceRef[] | undefined> {
    if (await this.judge(set.list) !== "whole") return undefined;
    return await attempt(() => loadList(set, { ...this.#parts, port: this.#port(new Map()) }));
  }

  /** The changes of a piece; `undefined`: it cannot be read. */
  async changes(piece: PieceRef): Promise<readonly SealedChange[] | undefined> {
    if (await this.judge(piece) !== "whole") return undefined;
    return await attempt(() => loadPiece(piece, { ...this.#parts, port: this.#port(new Map()) }));
  }

  async #look(ref: ObjectRef): Promise<Verdict> {
    const { source, paths, digester } = this.#parts;
    // A number that was damaged itself must not make us ask for millions.
    if (ref.pieces > Math.max(1, ref.bytes)) return "damaged";
    const load = (instead: ReadonlyMap<string, Stored>) =>
      attempt(async () => await loadObject(ref, this.#port(instead), paths, digester) === undefined ? "missing" : "whole");
    const first = await load(new Map());
    if (first !== undefined) return first;
    // One piece of it may have been found a second time.
    for (const key of objectKeys(ref, paths)) {
      const [found = []] = await source.getMany([key]);
      for (const { value } of found.slice(1)) {
        if (typeof value !== "string" || await load(new Map([[key, value]])) !== "whole") continue;
        this.#substitutes.set(key, value);
        return "whole";
      }
    }
    return "damaged";
  }

  #port(instead: ReadonlyMap<string, Stored>): { getMany(keys: readonly string[]): Promise<readonly (Stored | undefined)[]> } {
    const { source } = this.#parts;
    return {
      getMany: async (keys) => {
        const all = await source.getMany(keys);
        return keys.map((key, i) => {
          const found = all[i]!;
          const value = instead.get(key) ?? this.#substitutes.get(key) ?? (found.find(({ isTrusted }) => isTrusted) ?? found[0])?.value;
          if (value !== undefined && typeof value !== "string" && !(value instanceof Uint8Array)) {
            throw corrupt(`"${key}"`, "it is no bytes");
          }
          return value;
        });
      },
    };
  }
}
