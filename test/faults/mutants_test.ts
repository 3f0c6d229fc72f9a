/** The list of mutants keeps up with the code. */
import assert from "node:assert/strict";
import { mutants } from "./mutants.ts";

Deno.test("each mutant of the list still finds what it breaks, exactly once", async () => {
  for (const { name, file, search } of mutants) {
    const text = await Deno.readTextFile(new URL(`../../${file}`, import.meta.url));
    assert.equal(text.split(search).length, 2, `"${name}" in ${file}`);
  }
});
