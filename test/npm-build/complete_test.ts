import assert from "node:assert/strict";
import { completeManifest, type Manifest, withDisposableTypes } from "../../npm-build/complete.ts";

const exports = { ".": { types: "./mod.d.ts", default: "./mod.js" } };
const packed: Manifest = { name: "a", version: "1.0.0", type: "module", exports, dependencies: { "@x/b": "^1.2.3", c: "^4.5.6" } };

Deno.test("completeManifest() adds our fields and the door to itself, and keeps the packed ones", () => {
  const complete = completeManifest(packed, { description: "d", sideEffects: false }, { "@x/b": "npm:@x/b@1.2.3", c: "npm:c@4.5.6" });
  assert.deepEqual(complete, {
    ...packed,
    description: "d",
    sideEffects: false,
    exports: { ...exports, "./package.json": "./package.json" },
  });
});

Deno.test("completeManifest() refuses a dependency that does not begin at the tested version", () => {
  assert.throws(
    () => completeManifest(packed, {}, { "@x/b": "npm:@x/b@1.2.4", c: "npm:c@4.5.6" }),
    /@x\/b "\^1\.2\.3": tested with 1\.2\.4/,
  );
  assert.throws(() => completeManifest({ ...packed, dependencies: { c: "4.5.6" } }, {}, { c: "npm:c@4.5.6" }), /must be "\^4\.5\.6"/);
  assert.throws(() => completeManifest(packed, {}, { "@x/b": "npm:@x/b@1.2.3" }), /the dependency c/);
});

Deno.test("withDisposableTypes() adds the reference where declarations need it, and only there", () => {
  const reference = '/// <reference lib="esnext.disposable" />\n';
  for (
    const needs of [
      "interface A extends AsyncDisposable {}",
      "on(): Disposable;",
      "[Symbol.asyncDispose](): void;",
      "[Symbol.dispose](): void;",
    ]
  ) {
    assert.equal(withDisposableTypes(needs), reference + needs);
  }
  assert.equal(withDisposableTypes("dispose?(): void;\n/** disposed */"), "dispose?(): void;\n/** disposed */");
});
