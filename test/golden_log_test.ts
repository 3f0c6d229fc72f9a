/**
 * Today's code reads every format of the log that was ever written, and writes what it reads to the same bytes.
 *
 * @module
 */
import assert from "node:assert/strict";
import { fs } from "../adapters/fs.ts";
import { openState, StateScope } from "../mod.ts";
import { createDigester } from "../src/digest.ts";
import { createLogPaths, formatCheckpoint, parseCheckpoint } from "../src/store/log/checkpoint.ts";
import { formatFrame, proveFrame } from "../src/store/log/frame.ts";
import { formatIndex, formatPage, type PageRef, parseIndex, parsePage, valueAt } from "../src/store/log/table.ts";
import { createSeal } from "../src/store/seal.ts";
import { kinds, type LogDump, undump } from "./golden/log_story.ts";
import golden from "./golden/log_1.json" with { type: "json" };
import { show } from "./golden/story.ts";

const seal = createSeal(createDigester());
const session = StateScope.session("many");

for (
  const [kind, { shows, ...dump }] of Object.entries(golden as unknown as Record<string, LogDump & { readonly shows: readonly string[] }>)
) {
  const open = () => kinds[kind]!(...undump(dump));

  Deno.test(`format 1, a log in ${kind}: what was written once is read, every entry of it`, async () => {
    await using state = await openState({ driver: open(), readOnly: true });
    assert.deepEqual(await show(state), shows);
    assert.deepEqual(state.recovered.setAside, []);
  });

  Deno.test(`format 1, a log in ${kind}: what was written once is written on`, async () => {
    const driver = open();
    // Far behind the lease of the process that never closed.
    const state = await openState({ driver, now: () => Date.UTC(2027, 0, 1) });
    assert.ok(state.recovered.replayed >= 2);
    assert.deepEqual(await state.load(session, "behind"), "the checkpoint");
    assert.equal(await state.has(session, "key 5"), false);
    const { revision } = (await state.entry(session, "key 8"))!;
    assert.equal((await state.save(session, "key 8", "new")).revision, revision + 1);
    await state.close();
    await using again = await openState({ driver: { ...driver }, now: () => Date.UTC(2027, 0, 2) });
    assert.equal(await again.load(session, "key 8"), "new");
  });

  Deno.test(`format 1, a log in ${kind}: its frames, checkpoints, pages and indexes are written as they were read`, async () => {
    const counts = { frames: 0, checkpoints: 0, pages: 0, indexes: 0 };
    const lines = Object.values(dump.files).flatMap((text) => text.split("\n").filter((line) => line.startsWith("F")));
    const frames = Object.entries(dump.items).filter(([key]) => key.includes("!frame!")).map(([, text]) => text);
    for (const line of [...lines, ...frames]) {
      const frame = await proveFrame(line, seal);
      assert.equal((await formatFrame(frame!, seal)).line, line);
      counts.frames++;
    }
    for (const [key, text] of Object.entries(dump.items)) {
      if (key.includes("!ckpt!")) {
        assert.equal(
          (await formatCheckpoint(
            withoutText(await parseCheckpoint(text, undefined, createLogPaths(key.slice(0, key.indexOf("!") + 1)), seal)),
            seal,
          )).text,
          text,
        );
        counts.checkpoints++;
      } else if (text.startsWith("P")) {
        const page = await parsePage(text, await nameOf(key, text), seal);
        assert.equal(formatPage(page.keys.map((name, place) => [name, valueAt(page, place)])), text);
        counts.pages++;
      } else if (text.startsWith("I")) {
        assert.equal(formatIndex(await parseIndex(text, await nameOf(key, text), seal)), text);
        counts.indexes++;
      }
    }
    for (const [what, count] of Object.entries(counts)) assert.ok(count > 1, `${count} ${what}`);
  });
}

Deno.test("format 1, a log in segments: the same as files of a folder is read by fs()", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const { shows, items, files } = golden.segments;
    for (const [key, text] of Object.entries({ ...items, ...files })) {
      const path = `${folder}/${key.replaceAll("!", "/")}`;
      await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
      await Deno.writeTextFile(path, text);
    }
    await using state = await openState({ driver: fs(folder), readOnly: true });
    assert.deepEqual(await show(state), shows);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

/** What an index says of a page, or of an index. */
async function nameOf(name: string, text: string): Promise<PageRef> {
  const [digest] = await seal([text]);
  const lines = text.split("\n").slice(1);
  const ends = [lines[0]!, lines.at(-1)!];
  if (!text.startsWith("I")) {
    const [first, last] = ends.map((line) => line.split("\t")[0]!) as [string, string];
    return { name, digest: digest!, first, last, bytes: text.length, gone: lines.filter((line) => !line.includes("\t")).length };
  }
  const rows = lines.map((line) => JSON.parse(line));
  const sum = (column: number) => rows.reduce((total, row) => total + row[column], 0);
  return { name, digest: digest!, first: rows[0][0], last: rows.at(-1)[1], bytes: sum(4), gone: sum(5) };
}

function withoutText<T extends { readonly text: string }>({ text: _, ...rest }: T): Omit<T, "text"> {
  return rest;
}
