import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { openDriver } from "../adapters/open.ts";
import { listNamespaces } from "../src/open.ts";

const main = fileURLToPath(new URL("../demo/main.ts", import.meta.url));
const config = fileURLToPath(new URL("../deno.json", import.meta.url));

interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** What it left in the folder for temporary files. */
  readonly left: readonly string[];
}

/** Runs the demo in a folder in which it may not write. */
async function run(...args: string[]): Promise<Run> {
  const folder = await Deno.makeTempDir();
  try {
    const env = { TMPDIR: folder, TEMP: folder, TMP: folder };
    const cwd = Deno.build.os === "windows" ? folder : "/";
    const command = new Deno.Command(Deno.execPath(), { args: ["run", "-A", "--quiet", "--config", config, main, ...args], cwd, env });
    const { code, stdout, stderr } = await command.output();
    const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)) as [string, string];
    return { code, out, err, left: Array.from(Deno.readDirSync(folder), ({ name }) => name) };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("demo is killed half-way, loses nothing, says so and leaves nothing", async () => {
  const { code, out, err, left } = await run();
  assert.equal(err, "");
  assert.equal(code, 0);
  const acknowledged = Number(/^first process +(\d+) turns acknowledged in .*, then SIGKILL$/m.exec(out)?.[1]);
  assert.ok(acknowledged >= 82 && acknowledged < 164, out);
  const stored = Number(
    /^reopened .*: (\d+) turns, \d+ of them unacknowledged; all as in the trace$/m.exec(out)?.[1],
  );
  assert.ok(stored >= acknowledged, out);
  assert.match(out, new RegExp(`^second process  ${164 - stored} turns in .*, to the end$`, "m"));
  assert.match(out, /^turns +164 by 4 agents, \d+ a second\ncommits +164$/m);
  assert.match(out, /^kills: 1, lost: 0, torn: 0\n$/m);
  assert.ok(!out.includes("\r") && !out.includes("\x1b"), "no terminal, no moving bar");
  assert.deepEqual(left, []);
});

for (const url of ["sqlite:./state.db", "fs:./state"]) {
  Deno.test(`demo on ${url}, given by its caller, removes its namespace`, async () => {
    const folder = await Deno.makeTempDir();
    try {
      const given = url.replace(".", folder);
      const { code, out } = await run("--driver", given);
      assert.equal(code, 0, out);
      assert.match(out, new RegExp(`^on +${given}$`, "m"));
      const driver = await openDriver(given);
      assert.deepEqual(await Array.fromAsync(listNamespaces(driver)), []);
      await driver.dispose?.();
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

Deno.test("demo whose worker acknowledges what it has not saved exits with 1, says what is lost and keeps it", async () => {
  const { code, out, err, left } = await run("--forgetful");
  assert.equal(code, 1);
  assert.match(out, /^kills: 1, lost: [1-9]\d*, torn: 0$/m);
  assert.match(err, /^agent:run-0: turn \d+ was acknowledged, and 3 are stored$/m);
  assert.match(out, /^kept in fs:.*\/state, namespace "demo"$/m);
  assert.equal(left.length, 1);
});

Deno.test("demo with bad arguments exits with 2 and says which", async () => {
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [["--speed", "9"], /^Cannot run the demo: Unknown option '--speed'\n/],
    [["--trace"], /^Cannot run the demo: Option '--trace <value>' argument missing\n/],
    [["--trace="], /^Cannot run the demo: --trace is empty\n/],
    [["--trace", main], /^Cannot read line 1 of the trace ".*main\.ts": /],
    [["--driver", "memory:"], /^Cannot run the demo on "memory:": what it holds is gone when a process is killed; write --driver fs:/],
    [["--driver", "tape:reel"], /^Cannot open the driver "tape:reel": no adapter knows it/],
    [["--driver", `fs:${main}`], /^Cannot read the folder ".*main\.ts": a file stands where a folder should/],
    [["--driver", `sqlite:${main}`], /^Cannot open the SQLite file ".*main\.ts": it is not a SQLite database\n/],
  ];
  for (const [args, message] of cases) {
    const { code, err } = await run(...args);
    assert.equal(code, 2, args.join(" "));
    assert.match(err, message);
  }
});
