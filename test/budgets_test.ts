/**
 * How many bytes a user's page must download. Sizes only: a test of time would be a test of the machine.
 */
import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { root } from "../tools/doors.ts";

interface Chunk {
  readonly text: string;
  /** Gzipped. */
  readonly bytes: number;
}

/** The chunks of a minified bundle for browsers, by file name. */
async function bundle(entry: URL): Promise<ReadonlyMap<string, Chunk>> {
  const folder = await Deno.makeTempDir();
  try {
    const args = ["bundle", "--quiet", "--minify", "--code-splitting", "--platform=browser", `--outdir=${folder}`, entry.href];
    await run(args);
    const files = Array.from(Deno.readDirSync(folder), ({ name }) => name);
    return new Map(files.map((name) => {
      const text = Deno.readTextFileSync(`${folder}/${name}`);
      return [name, { text, bytes: gzipSync(text).length }];
    }));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function run(args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args, cwd: root, stdin: "null" }).output();
  const decoder = new TextDecoder();
  assert.ok(success, decoder.decode(stderr));
  return decoder.decode(stdout);
}

/** The chunks that a chunk cannot start without: itself and what it imports other than by `import()`. */
function neededAtStart(chunks: ReadonlyMap<string, Chunk>, entry: string): ReadonlySet<string> {
  const needed = new Set([entry]);
  for (const name of needed) {
    for (const [, target] of chunks.get(name)!.text.matchAll(/(?:\bfrom|\bimport)\s*["']\.\/([^"']+)["']/g)) {
      if (chunks.has(target!)) needed.add(target!);
    }
  }
  return needed;
}

/** The chunks that were loaded when the program has run to its end. */
async function loadedAtEnd(chunks: ReadonlyMap<string, Chunk>, entry: string): Promise<ReadonlySet<string>> {
  const folder = await Deno.makeTempDir();
  try {
    for (const [name, { text }] of chunks) {
      await Deno.writeTextFile(`${folder}/${name}`, `${text}\nconsole.log(${JSON.stringify(name)});\n`);
    }
    return new Set((await run(["run", "--no-config", `${folder}/${entry}`])).trim().split("\n"));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const chunks = await bundle(new URL("./budgets/memory.ts", import.meta.url));
const worker = await bundle(new URL("./budgets/unstorage.ts", import.meta.url));
const page = await bundle(new URL("./budgets/indexed_db.ts", import.meta.url));

/** Sums up, and prints the sum: these are figures to watch, not only to bound. */
function sum(what: string, names: Iterable<string>, of: ReadonlyMap<string, Chunk> = chunks): number {
  const sizes = Array.from(names, (name) => of.get(name)!.bytes);
  const bytes = sizes.reduce((a, b) => a + b, 0);
  console.log(`${what}: ${bytes} bytes in ${sizes.length} chunks`);
  return bytes;
}

Deno.test("openState() is ready to be called after at most 15,000 bytes, minified and gzipped", () => {
  assert.ok(sum("to start", neededAtStart(chunks, "memory.js")) <= 15_000);
});

Deno.test("openState() on memory has loaded at most 45,000 bytes when a value is saved and loaded", async () => {
  const loaded = await loadedAtEnd(chunks, "memory.js");
  assert.ok(loaded.size > 1, "nothing is loaded later: the split is gone");
  assert.ok(sum("to save and load", loaded) <= 45_000);
});

Deno.test("openState() brings at most 120,000 bytes in all, whatever is used of it", () => {
  assert.ok(sum("in all", chunks.keys()) <= 120_000);
});

Deno.test("openState() with indexedDb() is ready to be called after at most 18,000 bytes", () => {
  assert.ok(sum("to start with indexedDb()", neededAtStart(page, "indexed_db.js"), page) <= 18_000);
});

Deno.test("openState() with unstorage() is ready to be called after at most 18,000 bytes, and has saved and loaded a value with 75,000", async () => {
  assert.ok(sum("to start with unstorage()", neededAtStart(worker, "unstorage.js"), worker) <= 18_000);
  const loaded = await loadedAtEnd(worker, "unstorage.js");
  assert.ok(sum("to save and load with unstorage()", loaded, worker) <= 75_000);
});

Deno.test("a page or a worker has no module of Node in it, and nothing in place of one", () => {
  for (const [name, { text }] of [...chunks, ...page, ...worker]) {
    assert.doesNotMatch(text, /["']node:|\bBuffer\b|\brequire\(/, name);
  }
});
