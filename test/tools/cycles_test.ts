import assert from "node:assert/strict";
import { findCycles, importGraph } from "../../tools/cycles.ts";

function graph(arrows: Readonly<Record<string, string>>): Map<string, Set<string>> {
  return new Map(Object.entries(arrows).map(([from, to]) => [from, new Set(to)]));
}

Deno.test("findCycles() finds none in a tree or a diamond", () => {
  assert.deepEqual(findCycles(graph({ a: "bc", b: "d", c: "d", d: "" })), []);
});

Deno.test("findCycles() names the shortest way round, a module that imports itself included", () => {
  assert.deepEqual(findCycles(graph({ a: "b", b: "c", c: "db", d: "e", e: "b" })), [["b", "c", "b"], ["d", "e", "b", "c", "d"]]);
  assert.deepEqual(findCycles(graph({ a: "a" })), [["a", "a"]]);
});

Deno.test("findCycles() finds each of two separate cycles", () => {
  assert.deepEqual(findCycles(graph({ a: "b", b: "a", c: "d", d: "c" })), [["a", "b", "a"], ["c", "d", "c"]]);
});

Deno.test("importGraph() follows types, re-exports and import()", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const cwd = new URL(`file://${folder}/`);
    const files = {
      "a.ts": 'import type { B } from "./b.ts"; export type A = B;',
      "b.ts": 'export type { C as B } from "./c.ts";',
      "c.ts": 'export type C = number; export const later: unknown = await import("./a.ts");',
    };
    for (const [name, text] of Object.entries(files)) await Deno.writeTextFile(new URL(name, cwd), text);
    const cycles = findCycles(await importGraph(["a.ts"], cwd));
    assert.deepEqual(cycles.map((cycle) => cycle.map((module) => module.slice(-4))), [["a.ts", "b.ts", "c.ts", "a.ts"]]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("importGraph() rejects where a module is missing", async () => {
  await assert.rejects(importGraph(["./no_such_file.ts"], new URL("./", import.meta.url)), /no_such_file\.ts/);
});
