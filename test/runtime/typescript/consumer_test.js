import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { test } from "node:test";

const require = createRequire(import.meta.url);

/** Neither `lib` has `esnext.disposable`: the declarations bring what they need. */
const users = {
  "a bundler's project": { module: "esnext", moduleResolution: "bundler", lib: "es2022,dom", types: "" },
  "a Node project with the DOM's types": { module: "node16", moduleResolution: "node16", lib: "es2022,dom", types: "" },
  "a Node project": { module: "node16", moduleResolution: "node16", lib: "es2022", types: "node" },
};

function compile(compiler, options) {
  const flags = Object.entries({ ...options, target: "es2022", strict: true, skipLibCheck: false, noEmit: true }).flatMap(
    ([name, value]) => {
      if (value === "") return [];
      return [`--${name}`, String(value)];
    },
  );
  const tsc = require.resolve(`${compiler}/package.json`).replace(/package\.json$/, "bin/tsc");
  const { status, stdout, stderr } = spawnSync(process.execPath, [tsc, ...flags, "consumer.ts"], {
    cwd: import.meta.dirname,
    encoding: "utf8",
  });
  assert.equal(status, 0, stdout + stderr);
}

async function versionOf(compiler) {
  return JSON.parse(await readFile(require.resolve(`${compiler}/package.json`), "utf8")).version;
}

test(`TypeScript ${await versionOf("typescript-oldest")} compiles a Node project and every declaration that it reaches`, () => {
  compile("typescript-oldest", users["a Node project"]);
});

for (const [user, options] of Object.entries(users)) {
  test(`TypeScript ${await versionOf("typescript")} compiles ${user} and every declaration that it reaches`, () =>
    compile("typescript", options));
}
