import assert from "node:assert/strict";
import { openDriver } from "../../adapters/open.ts";
import { inFolder } from "./sqlite/fixture.ts";

Deno.test('openDriver("memory:") gives a new memory driver each time', async () => {
  const driver = await openDriver("memory:");
  assert.equal(driver.name, "memory");
  await driver.create!("a", "1");
  assert.equal(await (await openDriver("memory:")).getItem("a"), null);
});

Deno.test('openDriver("sqlite:…") takes the path as it is', () =>
  inFolder(async (folder) => {
    for (const path of [`${folder}/x.db`, `${folder}/a%20b?c#d:e.db`]) {
      const driver = await openDriver(`sqlite:${path}`);
      assert.equal(driver.name, "sqlite");
      await driver.create!("a", "1");
      await driver.dispose!();
      assert.ok(Deno.statSync(path).isFile);
    }
  }));

Deno.test('openDriver("fs:…") takes the path as it is', () =>
  inFolder(async (folder) => {
    const driver = await openDriver(`fs:${folder}/a%20b?c#d:e`);
    await driver.create!("app!ckpt!1", "V");
    await driver.dispose!();
    assert.ok(Deno.statSync(`${folder}/a%20b?c#d:e/app/ckpt/1`).isFile);
  }));

Deno.test("openDriver() of a URL that no adapter knows is a TypeError that says what to write", async () => {
  const known = /write "memory:" or "fs:\.\/folder" or "deno-kv:\.\/file\.kv" or "indexeddb:name" or "sqlite:\.\/file\.db"$/;
  for (
    const url of [
      "",
      ":",
      "x",
      "./file.db",
      "C:\\file.db",
      "redis://localhost",
      "deno_kv:./x",
      "MEMORY:",
      "toString:",
      "__proto__:",
      " memory:",
    ]
  ) {
    await assert.rejects(openDriver(url), { name: "TypeError", message: known }, url);
  }
  for (const url of [undefined, null, 7, new URL("memory:"), {}]) {
    await assert.rejects(openDriver(url as never), {
      name: "TypeError",
      message: /pass a string, "memory:" or "fs:\.\/folder" or "deno-kv:\.\/file\.kv" or "indexeddb:name" or "sqlite:\.\/file\.db"$/,
    });
  }
});

Deno.test("openDriver() of a known scheme with a wrong rest is a TypeError that says what to write", async () => {
  for (
    const [url, says] of [
      ["memory:x", /write "memory:"$/],
      ["memory://", /write "memory:"$/],
      ["sqlite:", /the path is missing; write "sqlite:\.\/file\.db"$/],
      ["sqlite:///tmp/x.db", /write "sqlite:\/tmp\/x\.db" or "sqlite:\.\/file\.db"$/],
      ["sqlite://x.db", /no "\/\/"/],
      ["sqlite::memory:", /use memory\(\)/],
      ["sqlite:file:x.db", /URLs are not taken/],
    ] as const
  ) await assert.rejects(openDriver(url), { name: "TypeError", message: says }, url);
});

Deno.test("openDriver() loads an adapter only when it is asked for", async () => {
  const { href } = new URL("../../adapters/open.ts", import.meta.url);
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json", href] }).output();
  interface Dependency {
    readonly specifier: string;
    readonly code?: unknown;
    readonly isDynamic?: boolean;
  }
  const { modules } = JSON.parse(new TextDecoder().decode(stdout)) as { modules: { specifier: string; dependencies: Dependency[] }[] };
  const imports = modules.find(({ specifier }) => specifier === href)!.dependencies.filter(({ code }) => code);
  assert.deepEqual(imports.map(({ specifier, isDynamic }) => [specifier, isDynamic]), [
    ["../src/errors.ts", undefined],
    ["./memory.ts", true],
    ["./fs.ts", true],
    ["./deno_kv.ts", true],
    ["./indexed_db.ts", true],
    ["./sqlite.ts", true],
  ]);
});
