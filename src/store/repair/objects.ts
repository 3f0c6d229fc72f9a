/**
 * Whether objects are there and whole.
 *
 * @module
 */
import type { Digester } from "../../digest.ts";
import type { ObjectRef, SealedChange } from "../change.ts";
import { loadObject } from "../objects.ts";
import type { Paths } from "../paths.ts";
import type { Stored } from "../port.ts";
import type { ChangeSetRef } from "../record.ts";
import type { Seal } from "../seal.ts";
import { loadList, loadPiece, type PieceRef } from "../steps.ts";
import { attempt, type Found, type Source } from "./source.ts";

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
  /** Pieces of whole objects that do not stand: which of those that were found is the one. */
  readonly #chosen: Map<string, number> = new Map();

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

  /** Pieces that must be put in their place for objects to be whole: by their keys, which of those that were found. */
  get chosen(): ReadonlyMap<string, number> {
    return this.#chosen;
  }

  /** The pieces of a change set; `undefined`: its list cannot be read. */
  async list(set: ChangeSetRef): Promise<readonly PieceRef[] | undefined> {
    if (await this.judge(set.list) !== "whole") return undefined;
    return await attempt(() => loadList(set, { ...this.#parts, port: this.#port() }));
  }

  /** The changes of a piece; `undefined`: it cannot be read. */
  async changes(piece: PieceRef): Promise<readonly SealedChange[] | undefined> {
    if (await this.judge(piece) !== "whole") return undefined;
    return await attempt(() => loadPiece(piece, { ...this.#parts, port: this.#port() }));
  }

  async #look(ref: ObjectRef): Promise<Verdict> {
    const { source, paths, digester } = this.#parts;
    // A number that was damaged itself must not make us ask for millions.
    if (ref.pieces > Math.max(1, ref.bytes)) return "damaged";
    const load = (choice: ReadonlyMap<string, number>) =>
      attempt<Verdict>(async () => await loadObject(ref, this.#port(choice), paths, digester) === undefined ? "missing" : "whole");
    // What was found under each key, without the bytes; and the first guess, which is what can be trusted.
    const all = new Map<string, readonly Omit<Found, "value">[]>();
    const choice = new Map<string, number>();
    const looking = {
      getMany: async (keys: readonly string[]) => {
        const found = await source.getMany(keys);
        return keys.map((key, i) => {
          const own = found[i]!;
          const place = Math.max(0, own.findIndex(({ isTrusted }) => isTrusted));
          all.set(key, own.map(({ isTrusted, stands }) => ({ isTrusted, stands })));
          choice.set(key, place);
          return own[place]?.value;
        });
      },
    };
    let verdict = await attempt<Verdict>(async () => await loadObject(ref, looking, paths, digester) === undefined ? "missing" : "whole");
    // One piece of it may have been found a second time.
    for (const [key, found] of verdict === undefined ? all : []) {
      const first = choice.get(key)!;
      for (let place = 0; place < found.length && verdict === undefined; place++) {
        choice.set(key, place);
        if (place !== first && await load(choice) === "whole") verdict = "whole";
      }
      if (verdict !== undefined) break;
      choice.set(key, first);
    }
    if (verdict !== "whole") return verdict ?? "damaged";
    for (const [key, place] of choice) if (!all.get(key)![place]!.stands) this.#chosen.set(key, place);
    return "whole";
  }

  #port(
    choice: ReadonlyMap<string, number> = this.#chosen,
  ): { getMany(keys: readonly string[]): Promise<readonly (Stored | undefined)[]> } {
    const { source } = this.#parts;
    return { getMany: async (keys) => (await source.getMany(keys)).map((found, i) => found[choice.get(keys[i]!) ?? 0]?.value) };
  }
}
