/**
 * Real processes on a folder, killed at each system call that a commit and the checkpoint after it make: it counts whole, or not
 * at all, and whoever comes next goes on.
 *
 * @module
 */
import assert from "node:assert/strict";
import { fs } from "../../adapters/fs.ts";
import { openState, StateScope } from "../../mod.ts";
import { runtimeBinary, runtimes } from "../../tools/runtimes.ts";

const worker = new URL("strace_worker.ts", import.meta.url).pathname;

/** Calls that change what others see, or make it durable. */
const kinds = ["openat", "mkdir", "write", "pwrite64", "fdatasync", "fsync", "linkat", "link", "unlink", "unlinkat"] as const;

/** A call of a process. */
interface Traced {
  readonly kind: string;
  /** Which one of its kind in its thread, from 1: as strace counts. */
  readonly number: number;
  readonly text: string;
  /** Only calls on this file are counted. */
  readonly path?: string;
}

interface Run {
  readonly said: readonly string[];
  readonly calls: readonly Traced[];
  readonly isKilled: boolean;
  readonly errors: string;
}

async function checkStrace(): Promise<void> {
  try {
    await new Deno.Command("strace", { args: ["--version"], stdout: "null" }).output();
  } catch (error) {
    throw new Error("strace is needed to kill a process at each of its system calls: apt-get install strace", { cause: error });
  }
}

/** Runs the worker; killed at one call if one is given. */
async function trace([program, ...args]: readonly [string, ...string[]], folder: string, number: number, kill?: Traced): Promise<Run> {
  const out = await Deno.makeTempFile();
  try {
    const inject = kill === undefined ? [] : ["-e", `inject=${kill.kind}:signal=SIGKILL:when=${kill.number}`];
    const only = kill?.path === undefined ? [] : ["-P", kill.path];
    const options = ["-f", "-qq", "-s", "200", "-o", out, "-e", `trace=${kinds.join(",")}`, ...only, ...inject];
    const all = [...options, program, ...args, `fs:${folder}`, String(number)];
    const { stdout, stderr, signal } = await new Deno.Command("strace", { args: all, stdin: "null", env: { UV_THREADPOOL_SIZE: "1" } })
      .output();
    return {
      said: new TextDecoder().decode(stdout).split("\n").slice(0, -1),
      calls: parse(await Deno.readTextFile(out)),
      isKilled: signal === "SIGKILL",
      errors: new TextDecoder().decode(stderr),
    };
  } finally {
    await Deno.remove(out);
  }
}

function parse(text: string): Traced[] {
  const counts = new Map<string, number>();
  const calls: Traced[] = [];
  for (const line of text.split("\n")) {
    const match = /^(\d+) +([a-z0-9]+)\(/.exec(line);
    if (match === null) continue;
    const [, thread = "", kind = ""] = match;
    const number = (counts.get(`${thread} ${kind}`) ?? 0) + 1;
    counts.set(`${thread} ${kind}`, number);
    calls.push({ kind, number, text: line });
  }
  return calls;
}

/** What a call changes, without what is random in it; undefined: nothing of ours. */
function roleOf({ kind, text }: Traced, folder: string): string | undefined {
  if (kind === "fdatasync" || kind === "fsync") return kind;
  if (kind === "write" || kind === "pwrite64") {
    return /"(\\nF|[SCPI])1/.test(text) ? `write ${/"(\\nF|[SCPI])1/.exec(text)![1]!.slice(-1)}` : undefined;
  }
  if (kind === "openat" && !text.includes("O_CREAT")) return undefined;
  const path = text.split(folder)[1]?.split('"')[0];
  if (path === undefined) return undefined;
  return `${kind.replace("linkat", "link")} ${path.replace(/\.tmp-[0-9a-f]+/, ".tmp").replace(/[0-9a-f]{16,}(-[0-9a-f]+)?/, "*")}`;
}

/** What stands, as the number that all of it must name. */
async function check(folder: string): Promise<number> {
  await using state = await openState({ driver: fs(folder) });
  const left = await state.load<number>(StateScope.global, "left") ?? 0;
  assert.equal(await state.load<number>(StateScope.agent("a"), "right") ?? 0, left, "the commit is torn");
  const large = await state.load<string>(StateScope.global, "large");
  assert.equal(large, left === 0 ? undefined : String(left).padEnd(20_000, "."), "the large value is another's");
  // It goes on.
  await state.increment(StateScope.global, "opened");
  return left;
}

/** What the process must have been killed at. */
const roles = [
  "write F",
  "fdatasync",
  "fsync",
  "link /state/ckpt/.tmp",
  "link /state/run/.tmp",
  "unlink /state/ckpt/.tmp",
  "mkdir /state/seg",
];

async function strike(name: string, command: readonly [string, ...string[]]): Promise<void> {
  await checkStrace();
  const place = await Deno.makeTempDir();
  const struck = new Map<string, number>();
  let kills = 0;
  try {
    for (const commits of [0, 3]) {
      const base = `${place}/${commits}`;
      await Deno.mkdir(base);
      for (let i = 0; i < commits; i++) await check(base);
      const folder = `${place}/copy`;
      const prepare = async () => {
        await Deno.remove(folder, { recursive: true }).catch(() => {});
        if (commits > 0) await copyFolder(base, folder);
      };
      await prepare();
      const whole = await trace(command, folder, 1);
      assert.deepEqual(whole.said, ["ready", "done", "closed"], whole.errors);
      const first = whole.calls.findIndex(({ text }) => text.includes(folder));
      const ours = whole.calls.slice(first).filter((call) => roleOf(call, folder) !== undefined);
      // One kill for each number: a pool has several threads, and the first one that comes so far is killed.
      const targets = [...new Map(ours.map((call) => [`${call.kind} ${call.number}`, call])).values()];
      // How often it writes elsewhere differs from run to run.
      if (commits > 0) {
        const frames = ours.filter((call) => roleOf(call, folder) === "write F");
        const path = await segmentOf(base, folder);
        targets.push(...frames.map(({ kind, text }, i) => ({ kind, number: i + 1, text, path })));
      }
      for (const target of targets) {
        await prepare();
        const { said, calls, isKilled, errors } = await trace(command, folder, 1, target);
        if (!isKilled) {
          // No thread of the pool came so far this time.
          assert.deepEqual(said, ["ready", "done", "closed"], errors);
          continue;
        }
        kills++;
        const role = calls.length === 0 ? undefined : roleOf(calls.at(-1)!, folder);
        if (role !== undefined) struck.set(role, (struck.get(role) ?? 0) + 1);
        const stands = await check(folder);
        assert.ok(stands === 1 || stands === 0 && !said.includes("done"), `killed at ${target.text}: ${said}, and there is ${stands}`);
        // Whoever comes next commits and checkpoints as if nothing had happened.
        const [program, ...args] = command;
        const next = await new Deno.Command(program, { args: [...args, `fs:${folder}`, "2"], stdin: "null" }).output();
        assert.equal(new TextDecoder().decode(next.stdout), "ready\ndone\nclosed\n", new TextDecoder().decode(next.stderr));
        assert.equal(await check(folder), 2);
      }
    }
  } finally {
    await Deno.remove(place, { recursive: true });
  }
  console.log(`${name}: ${kills} kills, 0 bad, at: ${[...struck].sort().map(([role, times]) => `${role} ×${times}`).join(", ")}`);
  assert.deepEqual(roles.filter((role) => !struck.has(role)), [], "it was not killed there");
}

/** The only segment of a folder, as its copy has it. */
async function segmentOf(base: string, folder: string): Promise<string> {
  const names = await Array.fromAsync(Deno.readDir(`${base}/state/seg`), ({ name }) => name);
  assert.equal(names.length, 1);
  return `${folder}/state/seg/${names[0]}`;
}

async function copyFolder(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { mode: 0o700 });
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    await (isDirectory ? copyFolder : Deno.copyFile)(`${from}/${name}`, `${to}/${name}`);
  }
}

Deno.test("a Deno process on a folder, killed at each system call of a commit and a checkpoint, loses and tears nothing", () =>
  strike("deno", [Deno.execPath(), "run", "-A", "--no-check", "--quiet", worker]));

const node = runtimes.find(({ version }) => version.startsWith("24."))!;

Deno.test("a Node process on a folder, killed at each system call of a commit and a checkpoint, loses and tears nothing", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const args = ["bundle", "--quiet", "--platform=deno", "--external=bun:sqlite", `--output=${folder}/worker.mjs`, worker];
    const bundle = await new Deno.Command(Deno.execPath(), { args, stdin: "null" }).output();
    assert.ok(bundle.success, new TextDecoder().decode(bundle.stderr));
    await strike(`node ${node.version}`, [await runtimeBinary(node), `${folder}/worker.mjs`]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
