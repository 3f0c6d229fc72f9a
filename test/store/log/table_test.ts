import assert from "node:assert/strict";
import fc from "fast-check";
import { createDigester } from "../../../src/digest.ts";
import { isStateError } from "../../../src/errors.ts";
import {
  type Entry,
  formatIndex,
  formatPage,
  pageFrom,
  type PageRef,
  parseIndex,
  parsePage,
  placeOf,
  valueAt,
} from "../../../src/store/log/table.ts";
import { createSeal } from "../../../src/store/seal.ts";

const seal = createSeal(createDigester());
const name = "app!run!00aa-00000000";

/** What names a page, as far as it is not told otherwise. */
async function refOf(text: string, entries: readonly Entry[], told: Partial<PageRef> = {}): Promise<PageRef> {
  const [digest] = await seal([text]);
  const gone = entries.filter(([, value]) => value === undefined).length;
  return { first: entries[0]![0], last: entries.at(-1)![0], name, digest: digest!, bytes: text.length, gone, ...told };
}

const corrupt = (error: unknown) => isStateError(error, "STATE_CORRUPT");
const entries: readonly Entry[] = [["app!a", "one"], ["app!b", undefined], ["app!c", "two\nlines"], ["app!d", ""]];
const page = (i: number, told: Partial<PageRef> = {}): PageRef => ({
  first: `app!${i}0`,
  last: `app!${i}9`,
  name: `app!run!00aa-0000000${i}`,
  digest: "d",
  bytes: 10,
  gone: 1,
  ...told,
});

Deno.test("parsePage() gives the entries that formatPage() was given", async () => {
  const text = fc.string({ unit: "grapheme", maxLength: 20 }).filter((text) => !/[\t\n]/.test(text));
  const value = fc.option(fc.array(text, { minLength: 1, maxLength: 4 }).map((lines) => lines.join("\n")), { nil: undefined });
  const sorted = fc.uniqueArray(text, { minLength: 1, maxLength: 30 }).map((keys) => keys.sort((a, b) => a < b ? -1 : 1));
  await fc.assert(fc.asyncProperty(sorted, fc.array(value, { minLength: 30, maxLength: 30 }), async (keys, values) => {
    const given = keys.map((key, i): Entry => [key, values[i]]);
    const text = formatPage(given);
    const found = await parsePage(text, await refOf(text, given), seal);
    assert.deepEqual(found.keys.map((key, place) => [key, valueAt(found, place)]), given);
  }));
});

Deno.test("parsePage() of another page than the one that is named is STATE_CORRUPT, also where the digest fits", async () => {
  const text = formatPage(entries);
  for (const told of [{ digest: "x" }, { first: "app!" }, { last: "app!z" }, { bytes: 0 }, { bytes: 1e9 }, { gone: 0 }, { gone: 2 }]) {
    await assert.rejects(parsePage(text, await refOf(text, entries, told), seal), corrupt, JSON.stringify(told));
  }
  const unsorted = [entries[0]!, entries[2]!, entries[1]!, entries[3]!];
  const doubled = [entries[0]!, entries[2]!, entries[2]!, entries[3]!];
  for (const wrong of [unsorted, doubled]) {
    const text = formatPage(wrong);
    await assert.rejects(parsePage(text, await refOf(text, wrong), seal), corrupt);
  }
});

Deno.test("parsePage() of what is no page is STATE_CORRUPT, or of a newer format", async () => {
  for (const wrong of [undefined, null, 7, new Uint8Array(3), "", "P", "P1", "I1\nx", "\ud800", "P0\nx"]) {
    const ref = await refOf(typeof wrong === "string" && wrong !== "\ud800" ? wrong : "x", [["x", undefined]]);
    await assert.rejects(parsePage(wrong, ref, seal), corrupt, String(wrong));
  }
  await assert.rejects(
    parsePage("P2\nx", await refOf("P2\nx", [["x", undefined]]), seal),
    (error) => isStateError(error, "STATE_NEWER_FORMAT"),
  );
});

Deno.test("parseIndex() gives the pages that formatIndex() was given", async () => {
  const pages = [1, 2, 3].map((i) => page(i));
  const text = formatIndex(pages);
  const ref = await refOf(text, [["app!10", "x"], ["app!39", "x"]], { bytes: 30, gone: 3 });
  assert.deepEqual(await parseIndex(text, ref, seal), pages);
});

Deno.test("parseIndex() of an index whose digest fits and that we could not have written is STATE_CORRUPT", async () => {
  const wrong: readonly Partial<Record<keyof PageRef, unknown>>[] = [
    { first: "app!29x" },
    { first: "app!15" },
    { first: 7 },
    { last: "app!1" },
    { last: null },
    { last: "app!35" },
    { name: "../../x" },
    { name: "app!run!../../../etc/passwd" },
    { name: "app!run!a!b" },
    { name: "other!run!00aa-00000002" },
    { name: "app!seg!00aa-00000002" },
    { name: 7 },
    { digest: null },
    { bytes: -1 },
    { bytes: 1e300 },
    { bytes: "10" },
    { bytes: 11 },
    { gone: 0.5 },
    { gone: 2 },
    { gone: null },
  ];
  for (const told of wrong) {
    const text = formatIndex([page(1), page(2, told as Partial<PageRef>), page(3)]);
    const ref = await refOf(text, [["app!10", "x"], ["app!39", "x"]], { bytes: 30, gone: 3 });
    await assert.rejects(parseIndex(text, ref, seal), corrupt, JSON.stringify(told));
  }
  for (const text of ["I1\n", "I1\n{}", "I1\nnull", 'I1\n["a"]', "I1\n[", `I1\n${"[".repeat(100_000)}`]) {
    await assert.rejects(parseIndex(text, await refOf(text, [["a", "x"]]), seal), corrupt, text.slice(0, 40));
  }
  const text = formatIndex([page(1)]);
  for (const told of [{ first: "app!0" }, { last: "app!9" }]) {
    const ref = await refOf(text, [["app!10", "x"], ["app!19", "x"]], { bytes: 10, gone: 1, ...told });
    await assert.rejects(parseIndex(text, ref, seal), corrupt);
  }
});

Deno.test("placeOf() and pageFrom() find what a plain search finds", () => {
  const keys = ["b", "d", "f"];
  const pages = keys.map((key) => page(0, { first: key, last: `${key}m` }));
  for (const key of ["a", "b", "bm", "bz", "c", "d", "e", "f", "fm", "g"]) {
    assert.equal(placeOf(keys, key), keys.filter((other) => other < key).length, key);
    assert.equal(pageFrom(pages, key), pages.filter(({ last }) => last < key).length, key);
  }
  assert.equal(placeOf([], "a"), 0);
});
