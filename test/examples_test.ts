import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";

const config = fileURLToPath(new URL("../deno.json", import.meta.url));

/** Runs an example as its first lines say; resolves with what it printed. */
async function run(name: string, ...args: string[]): Promise<string> {
  const path = fileURLToPath(new URL(`../examples/${name}`, import.meta.url));
  const command = new Deno.Command(Deno.execPath(), { args: ["run", "-A", "--quiet", "--config", config, path, ...args] });
  const { code, stdout, stderr } = await command.output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await work(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("examples/restart.ts goes on in each new process", () =>
  inFolder(async (folder) => {
    assert.equal(await run("restart.ts", `${folder}/agents`), "The first start: hello.\n");
    assert.match(await run("restart.ts", `${folder}/agents`), /^Start number 2; the one before was at \d{4}-/);
    assert.match(await run("restart.ts", `${folder}/agents`), /^Start number 3;/);
  }));

Deno.test("examples/agent_loop.ts pays once in four lives", async () => {
  assert.equal(await run("agent_loop.ts"), "Booked to Seattle, cheap. Four lives: planned 1, searched 1, paid 1 time.\n");
});

Deno.test("examples/node/two_workers.mjs runs in memory, on files and on SQLite", () =>
  inFolder(async (folder) => {
    assert.match(await run("node/two_workers.mjs"), /all as it should be/);
    assert.match(await run("node/two_workers.mjs", `fs:${folder}/agents`), /all as it should be/);
    assert.match(await run("node/two_workers.mjs", `sqlite:${folder}/agents.db`), /all as it should be/);
  }));
