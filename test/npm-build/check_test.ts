import assert from "node:assert/strict";
import { findFaults } from "../../npm-build/check.ts";
import type { Manifest } from "../../npm-build/complete.ts";

const door = { types: "./mod.d.ts", import: "./mod.js", default: "./mod.js" };
const manifest: Manifest = {
  name: "a",
  version: "1.0.0",
  type: "module",
  exports: { ".": door, "./package.json": "./package.json" },
  description: "d",
  repository: {},
  keywords: [],
  license: "MIT",
  engines: {},
  sideEffects: false,
};
const files = [
  "package.json",
  "README.md",
  "LICENSE-MIT",
  "mod.js",
  "mod.d.ts",
  "src/store/a.js",
  "src/store/a.d.ts",
  "test/conformance/mod.js",
];

Deno.test("findFaults() finds none in a package of what the doors need", () => {
  assert.deepEqual(findFaults(files, manifest, ["."]), []);
});

Deno.test("findFaults() reports every file that must not be shipped", () => {
  const unwanted = [
    "src/a.ts",
    "test/store/a_test.js",
    "test/conformance/a_test.js",
    "test/conformance/a_test.d.ts",
    "bench/a.js",
    "tools/a.js",
    "deno.lock",
    "deno.json",
    "src/a.json",
  ];
  assert.deepEqual(findFaults([...files, ...unwanted], manifest, ["."]), unwanted.map((file) => `${file} must not be shipped`));
});

Deno.test("findFaults() reports doors that are missing, lead nowhere, or do not begin with types", () => {
  assert.match(findFaults(files, manifest, [".", "./testing"]).join(), /"\.\/testing" does not begin with its types/);
  assert.match(
    findFaults(files.filter((file) => file !== "mod.d.ts"), manifest, ["."]).join(),
    /leads by "types" to \.\/mod\.d\.ts, which is not there/,
  );
  const { types, ...rest } = door;
  assert.match(findFaults(files, { ...manifest, exports: { ".": { ...rest, types } } }, ["."]).join(), /does not begin with its types/);
  assert.deepEqual(findFaults(files, { ...manifest, exports: { ".": door } }, ["."]), ["package.json is no door"]);
});

Deno.test("findFaults() reports every field that the manifest lacks", () => {
  for (const field of ["description", "repository", "keywords", "license", "engines", "sideEffects"]) {
    assert.deepEqual(findFaults(files, { ...manifest, [field]: undefined }, ["."]), [`package.json has no ${field}`]);
  }
});
