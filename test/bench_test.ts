import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";

const [main, config] = ["../bench/main.ts", "../deno.json"].map((path) => fileURLToPath(new URL(path, import.meta.url))) as [
  string,
  string,
];

async function run(...args: string[]): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const command = new Deno.Command(Deno.execPath(), { args: ["run", "-A", "--quiet", "--config", config, main, ...args] });
  const { code, stdout, stderr } = await command.output();
  return { code, out: new TextDecoder().decode(stdout), err: new TextDecoder().decode(stderr) };
}

Deno.test("bench --quick measures every contender and stays within its budgets", async () => {
  const { code, out, err } = await run("--quick");
  assert.equal(err, "");
  assert.equal(code, 0, out);
  const peers = [["Map + JSON", 8], ["unstorage memory", 8], ["bare SQLite", 16], ["append + fdatasync", 8], [
    "unstorage fs-lite",
    8,
  ], ["bare kv.atomic()", 8]] as const;
  for (const [name, times] of peers) assert.equal(out.split(name).length - 1, times, name);
  assert.match(out, /^memory\(\), [\d,]+ keys, closed: calls on the driver to open +\d+ +8$/m);
  assert.match(out, /^log beyond key and value, bytes a commit, one by one +\d+ +200$/m);
});

Deno.test("bench with anything but --quick exits with 2 and says so", async () => {
  const { code, err } = await run("--fast");
  assert.equal(code, 2);
  assert.match(err, /^Cannot run the benchmark with "--fast"/);
});
