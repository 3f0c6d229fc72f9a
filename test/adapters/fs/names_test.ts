import assert from "node:assert/strict";
import { isName, isOurs, pathOf } from "../../../adapters/fs/names.ts";

Deno.test("pathOf() is one name a part, as it is where a file system takes it", () => {
  assert.deepEqual(pathOf("app!ckpt!0001"), ["app", "ckpt", "0001"]);
  const longest = "a".repeat(200);
  assert.deepEqual(pathOf(`x!${longest}`), ["x", longest]);
});

Deno.test("pathOf() of a part that is too long is a name of its own, short, and no other part's", () => {
  const names = [1, 2].map((last) => pathOf(`${"~c3~a9".repeat(300)}${last}!head`)[0]!);
  assert.notEqual(names[0], names[1]);
  for (const name of names) {
    assert.equal(name.length, 200);
    assert.ok(isOurs(name));
    // No encoded text has two marks in a row.
    assert.match(name, /^(~c3~a9)+.*~~[0-9a-f]{32}$/);
  }
});

Deno.test("pathOf() of what would lead elsewhere, or is another name on some file systems, is a TypeError", () => {
  for (const key of ["", "a!", "!a", "a!!b", "../x", "a!..", "a!.", "a/b", "a\\b", "A", "a b", "a:b", "a\0", "é", "con.", ".tmp-1"]) {
    assert.throws(() => pathOf(key), TypeError, key);
  }
});

Deno.test("isName() and isOurs() tell names of ours from those of others, and of unfinished files", () => {
  for (const name of ["a", "0", "~e4-20_41", "a".repeat(200)]) assert.ok(isName(name) && isOurs(name), name);
  for (const name of ["", ".", "..", ".tmp-00", "README.md", "Makefile", "a b", "é"]) assert.ok(!isName(name) && !isOurs(name), name);
  assert.ok(!isName("a".repeat(201)));
});
