/**
 * Runs: current values as they were at a checkpoint, sorted by key and never changed. A run is some pages of entries and,
 * if there is more than one, an index of them; where one index would be too large, an index of indexes, and so on.
 *
 * ```text
 * P1                                    I1
 * key ⇥ line ⇥ line                     [first, last, name, digest, bytes, gone]
 * key                                   …
 * ```
 *
 * A key alone in a page says that nothing stands under it, whatever older runs say.
 *
 * @module
 */
import { corrupt, FORMAT, openEnvelope, parseLine, type Seal } from "../seal.ts";
import { isCount, isNameUnder, isText } from "./shape.ts";

/** A key and its value; `undefined`: it was removed. */
export type Entry = readonly [key: string, value: string | undefined];

/** A page, or an index of pages, as an index names it. */
export interface PageRef {
  readonly first: string;
  readonly last: string;
  /** The driver's key. */
  readonly name: string;
  readonly digest: string;
  readonly bytes: number;
  /** Entries in it that say that nothing stands there. */
  readonly gone: number;
}

/** A run, as a checkpoint names it: its only page, or its index. */
export interface RunRef extends PageRef {
  readonly pages: number;
  /** How many indexes lie one above the other; 0: it is a page. */
  readonly depth: number;
}

/** A page that was read and proven. */
export interface PageBody {
  readonly keys: readonly string[];
  readonly lines: readonly string[];
}

/** The text of a page. */
export function formatPage(entries: readonly Entry[]): string {
  const lines = entries.map(([key, value]) => value === undefined ? key : `${key}\t${value.replaceAll("\n", "\t")}`);
  return `P${FORMAT}\n${lines.join("\n")}`;
}

/** @throws {StateError} STATE_CORRUPT if it is not the page that was asked for */
export async function parsePage(text: unknown, ref: PageRef, seal: Seal): Promise<PageBody> {
  const lines = (await proven("P", text, ref, seal)).split("\n");
  let gone = 0;
  const keys = lines.map((line) => {
    const cut = line.indexOf("\t");
    if (cut < 0) gone++;
    return cut < 0 ? line : line.slice(0, cut);
  });
  const isSorted = keys.every((key, place) => place === 0 || keys[place - 1]! < key);
  if (!isSorted || keys[0] !== ref.first || keys.at(-1) !== ref.last || gone !== ref.gone || (text as string).length !== ref.bytes) {
    throw corrupt(`"${ref.name}"`, "it is not the page that is named");
  }
  return { keys, lines };
}

/** The value in a place of a page. */
export function valueAt({ keys, lines }: PageBody, place: number): string | undefined {
  const key = keys[place]!;
  const line = lines[place]!;
  return line.length === key.length ? undefined : line.slice(key.length + 1).replaceAll("\t", "\n");
}

/** The text of an index. */
export function formatIndex(pages: readonly PageRef[]): string {
  return `I${FORMAT}\n${pages.map(formatRef).join("\n")}`;
}

/** The line of an index that names a page. */
export function formatRef({ first, last, name, digest, bytes, gone }: PageRef): string {
  return JSON.stringify([first, last, name, digest, bytes, gone]);
}

/** @throws {StateError} STATE_CORRUPT if it is not the index that was asked for */
export async function parseIndex(text: unknown, ref: PageRef, seal: Seal): Promise<readonly PageRef[]> {
  const what = `the index "${ref.name}"`;
  const folder = ref.name.slice(0, ref.name.lastIndexOf("!") + 1);
  const pages = (await proven("I", text, ref, seal)).split("\n").map((line) => {
    const [first, last, name, digest, bytes, gone] = parseLine(line, what);
    return { first, last, name, digest, bytes, gone } as PageRef;
  });
  const isSorted = pages.every((page, i) => isPageRef(page, folder) && (i === 0 || pages[i - 1]!.last < page.first));
  const sum = (of: (page: PageRef) => number) => pages.reduce((total, page) => total + of(page), 0);
  const isWhole = sum(({ bytes }) => bytes) === ref.bytes && sum(({ gone }) => gone) === ref.gone;
  if (!isSorted || !isWhole || pages[0]!.first !== ref.first || pages.at(-1)!.last !== ref.last) {
    throw corrupt(what, "it is not the one that is named");
  }
  return pages;
}

/** Whether something names a page, or an index, under a prefix. */
export function isPageRef({ first, last, name, digest, bytes, gone }: PageRef, prefix: string): boolean {
  return isText(first) && isText(last) && first <= last && isNameUnder(prefix, name) && isText(digest) && isCount(bytes) && isCount(gone);
}

async function proven(letter: string, text: unknown, ref: PageRef, seal: Seal): Promise<string> {
  const what = `"${ref.name}"`;
  if (typeof text !== "string" || !text.isWellFormed()) throw corrupt(what, text === undefined ? "it is missing" : "it is no text");
  if (ref.digest !== (await seal([text]))[0]) throw corrupt(what, "its digest does not fit");
  return openEnvelope(letter, text, what);
}

/** The first place of a sorted list whose key is not below this one. */
export function placeOf(keys: readonly string[], key: string): number {
  let low = 0;
  for (let high = keys.length; low < high;) {
    const middle = (low + high) >> 1;
    if (keys[middle]! < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The place of the first page that may hold this key or a higher one. */
export function pageFrom(pages: readonly PageRef[], key: string): number {
  let low = 0;
  for (let high = pages.length; low < high;) {
    const middle = (low + high) >> 1;
    if (pages[middle]!.last < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
