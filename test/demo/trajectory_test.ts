import assert from "node:assert/strict";
import { readTrajectories } from "../../demo/trajectory.ts";
import { seededTrajectories } from "../../demo/seeded.ts";

async function read(content: string | Uint8Array): Promise<ReturnType<typeof readTrajectories>> {
  const path = await Deno.makeTempFile();
  try {
    await (typeof content === "string" ? Deno.writeTextFile(path, content) : Deno.writeFile(path, content));
    return await readTrajectories(path);
  } finally {
    await Deno.remove(path);
  }
}

const line = (run: number | string) => JSON.stringify({ run, task_id: 1, messages: [{ role: "user", content: "é" }] });

Deno.test("readTrajectories() reads plain and gzipped lines alike", async () => {
  const text = `${line(0)}\n\n${line("b")}\n`;
  const gzipped = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
  const bytes = new Uint8Array(await new Response(gzipped).arrayBuffer());
  const expected = [0, "b"].map((run) => ({ run, messages: [{ role: "user", content: "é" }] }));
  assert.deepEqual(await read(text), expected);
  assert.deepEqual(await read(bytes), expected);
  await assert.rejects(read(bytes.subarray(0, -9)), /it is a damaged gzip file/);
});

Deno.test("readTrajectories() of a missing file gives undefined", async () => {
  assert.equal(await readTrajectories("/nowhere/trace.jsonl"), undefined);
});

Deno.test("readTrajectories() says on which line what is wrong", async () => {
  await assert.rejects(read(`${line(0)}\n\n{`), /^TypeError: Cannot read line 3 of the trace .*JSON/);
  await assert.rejects(read('{"messages":[]}'), /line 1 .*no "run"/);
  await assert.rejects(read('{"run":1}'), /line 1 .*no array "messages"/);
  await assert.rejects(read('{"run":1,"messages":[{}]}'), /line 1 .*no "role"/);
  await assert.rejects(read('{"run":1,"messages":[{"role":"assistant","tool_calls":[{}]}]}'), /line 1 .*tool call/);
  await assert.rejects(read(`${line(7)}\n${line("7")}`), /line 2 .*it is run 7 again/);
  await assert.rejects(read(line(0)), /none lies half-way/);
});

Deno.test("seededTrajectories() makes the same 200 from a seed, and others from another", () => {
  const made = seededTrajectories(7);
  assert.equal(made.length, 200);
  assert.deepEqual(made, seededTrajectories(7));
  assert.notDeepEqual(made, seededTrajectories(8));
});
