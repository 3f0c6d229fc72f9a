/**
 * Real processes under SIGKILL, again and again on one store: what was acknowledged is there, what is there is whole.
 * `KILLS` sets how often for each runtime.
 *
 * @module
 */
import assert from "node:assert/strict";
import { openDriver } from "../../adapters/open.ts";
import { openState, StateScope } from "../../mod.ts";
import { root } from "../../tools/doors.ts";
import { runtimeBinary, runtimes } from "../../tools/runtimes.ts";

const kills = Number(Deno.env.get("KILLS") ?? 20);
const worker = new URL("kill_worker.ts", import.meta.url);

/** What the killed processes said. */
interface Acknowledged {
  pair: number;
  count: number;
  /** The last word on each key; `-`: deleted. */
  readonly keys: Map<string, string>;
  lines: number;
}

/** Starts the worker, kills it after a random number of lines, and takes down what it had acknowledged. */
async function runAndKill(command: readonly string[], url: string, seed: number, said: Acknowledged): Promise<void> {
  const [program, ...args] = command as [string, ...string[]];
  const child = new Deno.Command(program, { args: [...args, url, String(seed)], stdin: "null", stdout: "piped", stderr: "piped" }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const errors = new Response(child.stderr).text();
  const enough = 5 + seed * 7919 % 120;
  let printed = "";
  while (printed.split("\n").length < enough) {
    const { value, done } = await reader.read();
    if (done) assert.fail(`the worker ended by itself: ${await errors}`);
    printed += value;
  }
  child.kill("SIGKILL");
  for (let read = await reader.read(); !read.done; read = await reader.read()) printed += read.value;
  await Promise.all([child.status, errors]);
  for (const line of printed.split("\n").slice(0, -1)) {
    const [what, a = "", b = ""] = line.split(" ");
    said.lines++;
    if (what === "pair") said.pair = Math.max(said.pair, Number(a));
    if (what === "count") said.count = Math.max(said.count, Number(a));
    if (what === "key") said.keys.set(a, b);
  }
}

/** The worker has five lanes, and each had at most one operation in flight that nobody heard of. */
async function check(url: string, said: Acknowledged): Promise<void> {
  await using state = await openState({ driver: await openDriver(url) });
  const pairs = StateScope.agent("pairs");
  const both = await state.loadMany<number | { n: number; padding: string }>(pairs, ["left", "right"]);
  const left = Number(both.get("left") ?? 0);
  const right = both.get("right") as { n: number; padding: string } | undefined;
  assert.equal(right?.n ?? 0, left, "the pair is torn");
  assert.equal(right?.padding.length ?? 10, left > 0 && left % 7 === 0 ? 20_000 : 10);
  assert.ok(left === said.pair || left === said.pair + 1, `pair ${said.pair} was acknowledged, and ${left} is stored`);
  const count = await state.load<number>(StateScope.global, "count") ?? 0;
  assert.ok(count === said.count || count === said.count + 1, `count ${said.count} was acknowledged, and ${count} is stored`);
  const stored = new Map<string, string>();
  for await (const { key, value } of state.entries<string>(StateScope.session("keys"))) stored.set(key, value);
  const lost = [...said.keys].filter(([key, value]) => (stored.get(key) ?? "-") !== value);
  // One operation in flight a lane: at most that many keys may be newer than what was heard.
  assert.ok(lost.length <= 3, `more is different than can have been in flight: ${JSON.stringify(lost)}`);
  assert.equal(new Set(lost.map(([key]) => key.split("-")[0])).size, lost.length, "two operations of one lane were in flight");
  for (const [key] of lost) said.keys.set(key, stored.get(key) ?? "-");
  [said.pair, said.count] = [left, count];
}

async function strike(name: string, scheme: string, command: readonly string[]): Promise<void> {
  const folder = await Deno.makeTempDir();
  const said: Acknowledged = { pair: 0, count: 0, keys: new Map(), lines: 0 };
  try {
    for (let kill = 1; kill <= kills; kill++) {
      await runAndKill(command, `${scheme}:${folder}/state`, kill, said);
      await check(`${scheme}:${folder}/state`, said);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  console.log(`${name} on ${scheme}: ${kills} kills, ${said.lines} acknowledged, 0 lost, 0 torn`);
}

for (const scheme of ["sqlite", "fs", "deno-kv"]) {
  Deno.test(`a Deno process on ${scheme}, killed at any moment, loses nothing that it acknowledged, and leaves nothing torn`, () =>
    strike("deno", scheme, [Deno.execPath(), "run", "-A", "--no-check", worker.pathname]));

  const others = runtimes.filter(({ name, version }) => scheme !== "deno-kv" && (name === "bun" || version.startsWith("24.")));
  for (const runtime of others) {
    Deno.test(`a ${runtime.name} process on ${scheme}, killed at any moment, loses nothing that it acknowledged, and leaves nothing torn`, async () => {
      const folder = await Deno.makeTempDir();
      try {
        const args = ["bundle", "--quiet", "--platform=deno", "--external=bun:sqlite", `--output=${folder}/worker.mjs`, worker.pathname];
        const bundle = await new Deno.Command(Deno.execPath(), { args, cwd: root, stdin: "null" }).output();
        assert.ok(bundle.success, new TextDecoder().decode(bundle.stderr));
        await strike(`${runtime.name} ${runtime.version}`, scheme, [await runtimeBinary(runtime), `${folder}/worker.mjs`]);
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    });
  }
}
