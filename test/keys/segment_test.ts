import { equal, ok, throws } from "node:assert/strict";
import fc from "fast-check";
import { decodeSegment, encodeSegment } from "../../src/keys/segment.ts";

const anyName = fc.oneof(fc.string({ unit: "binary" }), fc.string({ unit: "grapheme" }), fc.string({ unit: "binary-ascii" }));

/** The order of texts by code point, as slowly as it can be said. */
function compareCodePoints(a: string, b: string): number {
  const [x, y] = [[...a], [...b]];
  for (let at = 0; at < Math.min(x.length, y.length); at++) if (x[at] !== y[at]) return x[at]!.codePointAt(0)! - y[at]!.codePointAt(0)!;
  return x.length - y.length;
}

Deno.test("encodeSegment() writes bytes as the format says", () => {
  equal(encodeSegment(""), "");
  equal(encodeSegment("abz019"), "abz019");
  equal(encodeSegment("GPT-4 / é"), "_47_50_54-2d4-20-2f-20~c3~a9");
  equal(encodeSegment("\0/:`{\x7f😀\uffff"), "-00-2f_3a_60~7b~7f~f0~9f~98~80~ef~bf~bf");
});

Deno.test("encodeSegment() uses nothing but lower-case ASCII letters, digits and three marks", () => {
  fc.assert(fc.property(anyName, (name) => /^(?:[0-9a-z]|[-_~][0-9a-f]{2})*$/.test(encodeSegment(name))));
});

Deno.test("encodeSegment() is undone by decodeSegment()", () => {
  fc.assert(fc.property(anyName, (name) => decodeSegment(encodeSegment(name)) === name), { numRuns: 2000 });
});

Deno.test("encodeSegment() keeps the code-point order of names, alone and as a part of a path", () => {
  fc.assert(
    fc.property(anyName, anyName, anyName, (a, b, c) => {
      const order = Math.sign(compareCodePoints(a, b));
      const [x, y] = [encodeSegment(a), encodeSegment(b)];
      equal(x < y ? -1 : x > y ? 1 : 0, order);
      // A path of the lower name stays below, whatever follows the separator.
      if (order !== 0) equal(`${x}!${encodeSegment(c)}` < `${y}!` ? -1 : 1, order);
    }),
    { numRuns: 2000 },
  );
});

Deno.test("encodeSegment() keeps the order of neighbours in Unicode, and each is undone", () => {
  let before = "";
  // Every one up to U+2FFF, about every sixtieth above.
  for (let code = 0; code < 0x11_0000; code += code < 0x3000 ? 1 : 61) {
    if (code >= 0xd800 && code < 0xe000) code = 0xe000;
    const segment = encodeSegment(String.fromCodePoint(code));
    if (!(before < segment) || decodeSegment(segment) !== String.fromCodePoint(code)) throw new Error(`U+${code.toString(16)}`);
    before = segment;
  }
});

Deno.test("encodeSegment() of an unpaired surrogate is a TypeError", () => {
  for (const text of ["\ud800", "a\udc00", "\udc00\ud800"]) throws(() => encodeSegment(text), TypeError);
});

Deno.test("decodeSegment() of what encodeSegment() cannot have made is undefined", () => {
  const segments = [
    ...["A", "é", "!", "a!b", " ", ".", "a/b", "a:b", "%41", "\ud800", "😀"],
    ...["-", "-2", "_", "~", "a-", "-2D", "-2g", "-g2", "- 2", "-+2", "-0x", "--2", "~C3~a9"],
    // A byte has one spelling: none of these is the right mark, or needs one.
    ...["-41", "_2d", "~2d", "-30", "_61", "~7a", "_30", "~61", "-c3", "_c3~a9"],
    // No UTF-8.
    ...["~c3", "~a9", "~c0~80", "~ed~a0~80", "~f8~88~80~80~80", "~f4~90~80~80", "~c3~a9~c3", "~ff"],
  ];
  for (const segment of segments) equal(decodeSegment(segment), undefined, segment);
});

Deno.test("decodeSegment() of any text is undefined or the one name with this segment", () => {
  const text = fc.oneof(anyName, fc.string({ unit: fc.constantFrom("-", "_", "~", "2", "d", "3", "a", "c", "e", "f", "0", "9", "8") }));
  let decoded = 0;
  fc.assert(
    fc.property(text, (segment) => {
      const name = decodeSegment(segment);
      if (name === undefined) return;
      decoded++;
      equal(encodeSegment(name), segment);
    }),
    { numRuns: 5000 },
  );
  ok(decoded > 100);
});

Deno.test("decodeSegment() keeps a byte order mark and reads a megabyte", () => {
  equal(decodeSegment(encodeSegment("\ufeffa")), "\ufeffa");
  const long = "Ä".repeat(500_000);
  equal(decodeSegment(encodeSegment(long)), long);
  equal(decodeSegment("-".repeat(1_000_000)), undefined);
});
