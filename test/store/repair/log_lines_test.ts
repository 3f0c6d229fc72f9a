import assert from "node:assert/strict";
import { linesOf } from "../../../src/store/repair/log_lines.ts";

/** Lines as text, with where they stand. */
async function linesIn(text: string, part: number, most?: number): Promise<unknown[]> {
  const bytes = new TextEncoder().encode(text);
  const lines = await Array.fromAsync(linesOf((from) => bytes.subarray(from, from + part), most));
  return lines.map(({ start, end, bytes }) => [start, end, new TextDecoder().decode(bytes)]);
}

Deno.test("linesOf() gives the same lines whatever the parts are that it reads", async () => {
  const text = "head\n\none\n\nlonger than others\n\n\nlast";
  let at = 0;
  const all = text.split("\n").map((line) => [at, Math.min(at += line.length + 1, text.length), line]);
  for (let part = 1; part < text.length + 2; part++) assert.deepEqual(await linesIn(text, part), all, `parts of ${part}`);
  assert.deepEqual(await linesIn(`${text}\n`, 7), [...all.slice(0, -1), [text.length - 4, text.length + 1, "last"]]);
  assert.deepEqual(await linesIn("", 7), []);
});

Deno.test("linesOf() gives of a line that is too long the beginning, and all that comes behind it", async () => {
  for (let part = 1; part < 40; part++) {
    assert.deepEqual(await linesIn("head\nlonger than others\none", part, 6), [[0, 5, "head"], [5, 24, "longer"], [24, 27, "one"]]);
  }
});

Deno.test("linesOf() of a file that is missing gives none", async () => {
  assert.deepEqual(await Array.fromAsync(linesOf(() => undefined)), []);
});
