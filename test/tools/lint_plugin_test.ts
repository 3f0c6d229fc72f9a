import assert from "node:assert/strict";
import plugin from "../../tools/lint_plugin.ts";

/** What the plugin says about a file of the project, as `rule: message`. */
function lint(path: string, source: string): string[] {
  const filename = new URL(`../../${path}`, import.meta.url).pathname;
  return Deno.lint.runPlugin(plugin, filename, source).map(({ id, message }) => `${id}: ${message}`);
}

/** One report of that rule, about that. */
function assertReports(path: string, source: string, rule: string, about: string): void {
  const reports = lint(path, source);
  assert.equal(reports.length, 1, `${path}: ${source}\n${reports.join("\n")}`);
  assert.ok(reports[0]?.startsWith(`house/${rule}: `) && reports[0].includes(about), reports[0]);
}

function assertClean(path: string, source: string): void {
  assert.deepEqual(lint(path, source), [], `${path}: ${source}`);
}

Deno.test("layers reports an import from a higher layer, however it is written", () => {
  for (
    const source of [
      'import { a } from "../state/a.ts";',
      'import type { A } from "../state/a.ts";',
      'export { a } from "../state/a.ts";',
      'export type { A } from "../state/a.ts";',
      'export * from "../state/a.ts";',
      'const a = await import("../state/a.ts");',
      'export type A = import("../state/a.ts").A;',
      'import "../state/a.ts";',
      'import a = require("../state/a.ts");',
    ]
  ) {
    assertReports("src/store/b.ts", source, "layers", "src/state/a.ts, which is in a higher layer");
  }
});

Deno.test("layers knows the order of every layer", () => {
  const rising = [
    ["src/errors.ts", "src/limits.ts", "src/scope.ts"],
    ["src/keys/a.ts", "src/codec/a.ts", "src/digest.ts", "src/compress.ts", "src/deflate.ts"],
    ["src/store/a.ts"],
    ["src/state/a.ts"],
    [..."history schema migration backup hooks access redaction agents".split(" ").map((room) => `src/${room}/a.ts`)],
    ["src/engine.ts", "src/open.ts"],
    ["adapters/a.ts", "test/conformance/a.ts"],
  ];
  for (const [low, lower] of rising.entries()) {
    for (const [high, higher] of rising.entries()) {
      for (const from of lower) {
        for (const to of higher) {
          const source = `import "${"../".repeat(from.split("/").length - 1) || "./"}${to}";`;
          if (high > low) assertReports(from, source, "layers", `imports ${to}`);
          else assertClean(from, source);
        }
      }
    }
  }
});

Deno.test("layers reports a shipped file without a layer, and an import of one that is not shipped", () => {
  assertReports("src/utils.ts", 'import "./open.ts";', "layers", "src/utils.ts is in no layer");
  assertReports("src/store/a.ts", 'import "../../tools/b.ts";', "layers", "tools/b.ts, which is in no layer");
  assertReports("adapters/a.ts", 'import "../test/faults/b.ts";', "layers", "test/faults/b.ts, which is in no layer");
});

Deno.test("layers reports an import() whose path is computed", () => {
  assertReports("src/store/a.ts", "await import(String(1));", "layers", "write the path as a literal");
});

Deno.test("layers leaves tests, tools and examples alone", () => {
  for (const path of ["test/state/a_test.ts", "tools/a.ts", "bench/a.ts"]) {
    assertClean(path, 'import "../src/open.ts"; import "../zzz/a.ts";');
  }
});

Deno.test("front-door reports every import of mod.ts but a test's", () => {
  assertReports("examples/a.ts", 'import { openState } from "../mod.ts";', "front-door", "examples/a.ts imports mod.ts");
  assertReports("tools/a.ts", 'await import("../mod.ts");', "front-door", "imports mod.ts");
  assert.ok(lint("src/state/a.ts", 'import type { A } from "../../mod.ts";').some((report) => report.startsWith("house/front-door: ")));
  assert.ok(lint("test/conformance/a.ts", 'import "../../mod.ts";').some((report) => report.startsWith("house/front-door: ")));
  assertClean("test/state/a_test.ts", 'import { openState } from "../../mod.ts";');
});

Deno.test("front-door reports a shipped file that imports its own package", () => {
  assertReports("adapters/a.ts", 'import "@llmspell/state-persistence";', "front-door", "the package that it is part of");
  assertReports("test/conformance/a.ts", 'import "@llmspell/state-persistence/testing";', "front-door", "the package that it is part of");
  assertClean("examples/a.ts", 'import "@llmspell/state-persistence";');
});

Deno.test("portable reports the globals that only some runtimes have", () => {
  const names = "Deno Bun NodeJS process Buffer window global require __dirname __filename setImmediate clearImmediate".split(" ");
  for (const name of names) {
    assertReports("src/store/a.ts", `export const a: unknown = ${name};`, "portable", `names ${name}:`);
    assertReports("src/store/a.ts", `export const a: unknown = globalThis.${name};`, "portable", `names globalThis.${name}:`);
  }
  assertReports("src/store/a.ts", 'export const a: unknown = globalThis["process"];', "portable", "names globalThis.process:");
  assertReports("src/store/a.ts", "export type A = Deno.Kv;", "portable", "names Deno:");
  assertReports("src/store/a.ts", "export const a: unknown = { process };", "portable", "names process:");
  assertReports("src/store/a.ts", "export const a: unknown = b[process];", "portable", "names process:");
  assertReports("test/conformance/a.ts", "Deno.exit();", "portable", "names Deno:");
});

Deno.test("portable takes the name of a member for what it is", () => {
  assertClean(
    "src/store/a.ts",
    "export interface A { readonly global: string; process(): void }\n" +
      "export class B { global = 1; process(): void {} }\n" +
      "export const a: unknown = { global: 1, process() {} }; a.global; a.process(); const { global: b } = a; let c: X.process;",
  );
});

Deno.test("portable reports modules that name a runtime or a registry", () => {
  for (
    const specifier of ["node:fs", "bun:sqlite", "cloudflare:workers", "npm:fflate@0.8.3", "jsr:@std/assert", "https://example.test/a.ts"]
  ) {
    assertReports("src/compress.ts", `import "${specifier}";`, "portable", `names "${specifier}"`);
    assertReports("src/compress.ts", `await import("${specifier}");`, "portable", `names "${specifier}"`);
    assertReports("src/compress.ts", `export type A = import("${specifier}").A;`, "portable", `names "${specifier}"`);
  }
});

Deno.test("portable leaves adapters, tests and tools alone", () => {
  for (const path of ["adapters/sqlite.ts", "test/store/a_test.ts", "tools/a.ts", "bench/a.ts"]) {
    assertClean(path, 'import "node:fs"; Deno.exit(process.pid);');
  }
});

Deno.test("packages lets each package be imported by its owner alone", () => {
  const owners = {
    fflate: "src/deflate.ts",
    "@noble/hashes/sha2.js": "src/digest.ts",
    valibot: "src/schema/a.ts",
    "semver/functions/gt.js": "src/schema/a.ts",
  };
  for (const [specifier, owner] of Object.entries(owners)) {
    assertClean(owner, `import { a } from "${specifier}";`);
    for (const other of ["src/store/a.ts", "src/open.ts", "test/conformance/a.ts", "mod.ts"]) {
      assertReports(other, `export * from "${specifier}";`, "packages", "which only");
      assertReports(other, `await import("${specifier}");`, "packages", "which only");
    }
  }
});

Deno.test("packages reports a package that the core does not stand on", () => {
  assertReports("src/codec/a.ts", 'import "lodash";', "packages", "lodash: the core stands on no such package");
  assertReports("test/conformance/a.ts", 'import "fast-check";', "packages", "the core stands on no such package");
  assertClean("adapters/redis.ts", 'import "redis";');
});
