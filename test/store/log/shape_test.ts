import assert from "node:assert/strict";
import { isCount, isListOf, isNameUnder, isText, isToken, isTuple } from "../../../src/store/log/shape.ts";

Deno.test("isCount() is true for whole numbers from 0 to the largest exact one", () => {
  for (const value of [0, 1, Number.MAX_SAFE_INTEGER]) assert.ok(isCount(value), `${value}`);
  for (const value of [-1, 0.5, NaN, Infinity, 2 ** 53, "1", 1n, null, undefined, {}, [1]]) assert.ok(!isCount(value), `${String(value)}`);
});

Deno.test("isNameUnder() is true for one segment below the prefix, and for nothing that leads elsewhere", () => {
  for (const name of ["app!run!00aa-00000001", "app!run!x"]) assert.ok(isNameUnder("app!run!", name), name);
  const others = [
    "app!run!",
    "app!run!a!b",
    "app!run!../x",
    "app!run!..",
    "app!run!a/b",
    "app!run!A",
    "app!run!a\n",
    `app!run!${"a".repeat(81)}`,
    "app!seg!a",
    "other!run!a",
    "../../x",
    "",
    7,
    null,
    undefined,
    ["app!run!a"],
  ];
  for (const name of others) assert.ok(!isNameUnder("app!run!", name), String(name));
});

Deno.test("isToken() is true for hex alone", () => {
  for (const token of ["0", "00112233445566778899aabb"]) assert.ok(isToken(token), token);
  for (const token of ["", "0g", "AA", "aa!", "../", "a".repeat(65), 1, null, undefined]) assert.ok(!isToken(token), String(token));
});

Deno.test("isListOf() and isTuple() look at every item", () => {
  assert.ok(isListOf([], isText) && isListOf(["a", "b"], isText));
  assert.ok(!isListOf(["a", 1], isText) && !isListOf("ab", isText) && !isListOf({ length: 0 }, isText));
  assert.ok(isTuple(["a", 1], isText, isCount));
  assert.ok(!isTuple(["a"], isText, isCount) && !isTuple(["a", 1, 2], isText, isCount) && !isTuple([1, "a"], isText, isCount));
});
