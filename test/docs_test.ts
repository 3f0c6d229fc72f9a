/**
 * What the pages say and a machine can compare with the code. That their TypeScript runs is `deno test --doc`'s to show.
 */
import assert from "node:assert/strict";
import unstorageMemory from "unstorage/drivers/memory";
import { denoKv } from "../adapters/deno_kv.ts";
import { fs } from "../adapters/fs.ts";
import { indexedDb } from "../adapters/indexed_db.ts";
import { memory } from "../adapters/memory.ts";
import { sqlite } from "../adapters/sqlite.ts";
import { unstorage } from "../adapters/unstorage.ts";
import config from "../deno.json" with { type: "json" };
import { defaultLimits } from "../src/limits.ts";
import type { Driver } from "../src/store/driver.ts";
import { createHead, type Head } from "../src/store/head.ts";
import { createPaths } from "../src/store/paths.ts";
import { runtimes } from "../tools/runtimes.ts";
import { miniflare } from "../tools/workerd.ts";

const root = new URL("../", import.meta.url);

/** The pages, by their path in the project. */
const pages: ReadonlyMap<string, string> = new Map(
  [
    "README.md",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    ...["docs/", "docs/decisions/"].flatMap((folder) =>
      Array.from(Deno.readDirSync(new URL(folder, root)), ({ name }) => folder + name).filter((path) => path.endsWith(".md")).sort()
    ),
  ].map((path) => [path, Deno.readTextFileSync(new URL(path, root))]),
);

function page(path: string): string {
  return pages.get(path) ?? assert.fail(`there is no ${path}`);
}

/** A page without its blocks of code. */
function prose(text: string): string {
  return text.replace(/^```[\s\S]*?^```$/gm, "");
}

/** The part of a page under a heading, up to the next one as high. */
function section(text: string, heading: string): string {
  const [, mark = ""] = /^(#+) /.exec(heading) ?? assert.fail(heading);
  const from = text.indexOf(`\n${heading}\n`);
  assert.ok(from >= 0, `there is no "${heading}"`);
  const rest = text.slice(from + heading.length + 2);
  const end = rest.search(new RegExp(`^#{1,${mark.length}} `, "m"));
  return end < 0 ? rest : rest.slice(0, end);
}

/** The cells of the tables in a text, row by row, heads and rules left out. */
function rows(text: string): string[][] {
  const lines = text.split("\n");
  return lines.filter((line, i) => line.startsWith("|") && !/^\|[ |:-]+$/.test(line) && !/^\|[ |:-]+$/.test(lines[i + 1] ?? ""))
    .map((line) => line.slice(1, -1).split("|").map((cell) => cell.trim()));
}

/** What a heading is linked by. */
function anchorOf(heading: string): string {
  return heading.toLowerCase().replace(/[^\p{L}\p{N}_ -]/gu, "").replaceAll(" ", "-");
}

function exists(path: string): boolean {
  try {
    Deno.statSync(new URL(path, root));
    return true;
  } catch {
    return false;
  }
}

Deno.test("every link of a page leads to a file, and to a heading in it", () => {
  for (const [path, text] of pages) {
    for (const [, target = ""] of prose(text).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target)) continue;
      const url = new URL(target, new URL(path, root));
      const file = url.pathname.slice(root.pathname.length);
      assert.ok(exists(file), `${path} links to ${target}`);
      if (url.hash === "") continue;
      const headings = [...page(file).matchAll(/^#+ (.*)$/gm)].map(([, heading]) => anchorOf(heading!));
      assert.ok(headings.includes(url.hash.slice(1)), `${path} links to ${target}: there are ${headings.join(", ")}`);
    }
  }
});

Deno.test("every file that a page names is there", () => {
  for (const [path, text] of pages) {
    for (const [, file = ""] of prose(text).matchAll(/`((?:src|test|adapters|tools|docs|examples|npm-build)\/[\w./-]*|mod\.ts)`/g)) {
      if (!file.startsWith("npm-build/out")) assert.ok(exists(file), `${path} names ${file}`);
    }
  }
});

Deno.test("every test that a page names is there, in the file that it names before", () => {
  let named = 0;
  for (const [path, text] of pages) {
    let file = "";
    for (const [, found, name] of text.matchAll(/`(test\/[\w./-]+\.[jt]s)`|“([^”]+)”/g)) {
      if (found !== undefined) {
        file = found;
        continue;
      }
      const source = Deno.readTextFileSync(new URL(file, root));
      const title = name!.replace(/\s+/g, " ");
      assert.ok(source.includes(`"${title}"`) || source.includes(`'${title}'`), `${path} names the test “${title}” of ${file}`);
      named++;
    }
  }
  assert.ok(named > 50, `only ${named} are named`);
});

Deno.test("every task that a page names is in deno.json", () => {
  for (const [path, text] of pages) {
    for (const [, task = ""] of text.matchAll(/\bdeno(?:@[\d.]+)? task ([\w:]+)/g)) {
      assert.ok(Object.hasOwn(config.tasks, task), `${path} names the task ${task}`);
    }
  }
});

Deno.test("README.md says of each adapter what it declares, and under which runtimes it is tested", () => {
  const all = rows(section(page("README.md"), "## Install"));
  const table = all.filter(([, door]) => door?.startsWith("`…/"));
  const versions = all.filter((row) => !table.includes(row));
  const drivers: readonly (readonly [string, Driver])[] = [
    ["memory()", memory()],
    ["fs(directory)", fs("unused")],
    ["sqlite(file)", sqlite("unused.db")],
    ["indexedDb(name)", indexedDb("unused")],
    ["denoKv(path)", denoKv("unused")],
    ["unstorage(driver)", unstorage({ ...unstorageMemory(), name: "any" })],
  ];
  assert.equal(table.length, drivers.length);
  for (const [name, driver] of drivers) {
    const row = table.find(([first]) => first?.startsWith(`\`${name}\``)) ?? assert.fail(`no row for ${name}`);
    const [, door = "", , durability = "", writers = ""] = row;
    assert.ok(Object.hasOwn(config.exports, door.replace(/^`…/, ".").replace(/`$/, "")), door);
    assert.ok(durability.startsWith(`\`${driver.supports!.durability}\``), durability);
    assert.ok(writers.startsWith(`\`${driver.supports!.writers}\``), writers);
  }
  const tested = (name: string) => runtimes.filter((runtime) => runtime.name === name).map(({ version }) => version).join(", ");
  assert.deepEqual(
    ["Node", "Bun", "workerd"].map((name) => versions.find(([runtime]) => runtime?.startsWith(name))?.[1]),
    [tested("node"), tested("bun"), miniflare.replace("@", " ")],
  );
});

Deno.test("docs/format.md shows what its example writes, byte by byte", async () => {
  const [, code = "", shown = ""] = /```ts\n([\s\S]*?)```[\s\S]*?```text\n([\s\S]*?)```/.exec(
    section(page("docs/format.md"), "## An example"),
  )!;
  const command = new Deno.Command(Deno.execPath(), { args: ["eval", "--ext=ts", code], cwd: root, stdin: "null", env: { NO_COLOR: "1" } });
  const { success, stdout, stderr } = await command.output();
  assert.ok(success, new TextDecoder().decode(stderr));
  assert.equal(new TextDecoder().decode(stdout).trimEnd(), shown.trimEnd());
});

Deno.test("docs/format.md describes every field of the head, in its order", () => {
  const fields = rows(section(page("docs/format.md"), "## Head")).map(([field]) => field!.replaceAll("`", ""));
  const repaired: Required<Pick<Head, "repairing" | "repaired" | "setAside">> = { repairing: true, repaired: 1, setAside: 1 };
  assert.deepEqual(fields, [...Object.keys(createHead("", 0)), ...Object.keys(repaired)]);
});

Deno.test("docs/format.md describes every kind of key", () => {
  const paths = createPaths("app");
  const made = [
    paths.head,
    paths.log(1),
    paths.row("…"),
    paths.gone("…"),
    paths.expiry(1893456062000, "…"),
    paths.object("‹name›", 0),
    paths.stage(1893456000000, "‹token›"),
    paths.aside(2, "app!…"),
  ];
  const table = rows(section(page("docs/format.md"), "## Keys")).map(([key]) => key!.replaceAll("`", ""));
  assert.deepEqual(table.filter((key) => key.startsWith("app!") && !key.endsWith("!swept")), made);
});

Deno.test("docs/guarantees.md names every limit", () => {
  const table = rows(section(page("docs/guarantees.md"), "## Limits")).map(([limit]) => limit!.replaceAll("`", ""));
  assert.deepEqual(table, Object.keys(defaultLimits));
});

Deno.test("README.md and decision 007 give the same sizes, and the bounds that test/budgets_test.ts holds", () => {
  const figures = (text: string) => rows(text).map(([, measured, bound]) => [measured, bound]);
  const sizes = figures(section(page("README.md"), "## Size"));
  assert.deepEqual(figures(section(page("docs/decisions/007-lazy-engine.md"), "## Choice")), sizes.slice(0, 3));
  assert.equal(sizes.length, 6);
  const budgets = Deno.readTextFileSync(new URL("test/budgets_test.ts", root));
  for (const [measured, bound] of sizes) {
    assert.ok(budgets.includes(`<= ${bound!.replace(",", "_")})`), bound);
    assert.ok(Number(measured!.replace(",", "")) <= Number(bound!.replace(",", "")), measured);
  }
});
