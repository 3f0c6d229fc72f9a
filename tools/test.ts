/**
 * All tests under all runtimes: `deno task test`, or some of them: `deno task test deno node@22 bun typescript`.
 *
 * With --system it runs what needs more than npm delivers: the browsers.
 *
 * Deno runs test/ and every example in the docs, in a temporary folder, so that nothing is left of what the examples write; the
 * others run their folder of test/runtime/ against the packed tarball. Where the environment variable `TEST_COUNTS` names a
 * file, a line of JSON is added to it for each runner.
 *
 * @module
 */
import config from "../deno.json" with { type: "json" };
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { browsers } from "./browsers.ts";
import { type Consumer, createConsumer } from "./consumer.ts";
import { countCases, type Counts, judge, type Subjects, subjectsIn, total } from "./counts.ts";
import { root } from "./doors.ts";
import { type Runtime, runtimeBinary, runtimes } from "./runtimes.ts";
import { miniflare } from "./workerd.ts";

/** A command that writes a JUnit report. */
interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd: string | URL;
  readonly env?: Readonly<Record<string, string>>;
}

/** One run of tests: its name, and the command for it. */
interface Runner {
  readonly name: string;
  /** It needs what npm does not deliver: only `deno task test:system` runs it. @default false */
  readonly isSystem?: boolean;
  command(report: string, install: Install): Promise<Command>;
}

/** Gives the folder of a project in which the packed tarball is installed; made when first asked for. */
type Install = () => Promise<string>;

/** The compilers that users have: the first that knows `using`, and a new one. */
const compilers = ["typescript-oldest@npm:typescript@5.2.2", "typescript@6.0.3", "@types/node@22.19.1"];

/** What the tests of test/runtime/ use beside the package. */
const packages = [...compilers, config.imports.unstorage.replace(/^npm:/, ""), miniflare];

/** What runs the compilers and miniflare. */
const node = runtimes[1]!;

const runners: readonly Runner[] = [
  {
    name: "deno",
    command: (report) => {
      const path = fileURLToPath(root);
      const args = [
        "test",
        "-A",
        "--doc",
        "--parallel",
        `--config=${path}deno.json`,
        `--junit-path=${report}`,
        // In place of what the configuration leaves out.
        `--ignore=${path}test/system/,${path}test/runtime/`,
        path,
      ];
      // Two files at a time, however many cores there are: some tests hold much memory.
      return Promise.resolve({ program: Deno.execPath(), args, cwd: dirname(report), env: { DENO_JOBS: "2" } });
    },
  },
  ...runtimes.map((runtime) => ({ name: `${runtime.name}@${runtime.version}`, command: onRuntime(runtime, runtime.name) })),
  { name: "typescript", command: onRuntime(node, "typescript") },
  { name: "workerd", command: inWorkerd },
  {
    name: "system",
    isSystem: true,
    command: (report) => {
      const args = ["test", "-A", `--junit-path=${report}`, "test/system/"];
      return Promise.resolve({ program: Deno.execPath(), args, cwd: root });
    },
  },
  ...Object.keys(browsers).map((name) => ({ name, isSystem: true, command: inBrowser(name) })),
];

/** The worker of test/runtime/workerd/ in isolates. */
async function inWorkerd(report: string, install: Install): Promise<Command> {
  const args = ["run", "-A", new URL("workerd.ts", import.meta.url).pathname, await runtimeBinary(node), await install(), report];
  return { program: Deno.execPath(), args, cwd: root };
}

/** The page of test/runtime/browser/ in a browser. */
function inBrowser(name: string): Runner["command"] {
  return async (report, install) => {
    const args = ["run", "-A", new URL("browsers.ts", import.meta.url).pathname, name, await install(), report];
    return { program: Deno.execPath(), args, cwd: root };
  };
}

/** The tests in a folder of test/runtime/, under a runtime's own test runner. */
function onRuntime(runtime: Runtime, folder: string): Runner["command"] {
  return async (report, install) => {
    const program = await runtimeBinary(runtime);
    const cwd = `${await install()}/runtime/${folder}`;
    if (runtime.name === "bun") {
      // Bun gives a test 5 seconds, however slow the machine is.
      return { program, args: ["test", `--timeout=${patienceMs}`, "--reporter=junit", `--reporter-outfile=${report}`], cwd };
    }
    const files = Array.from(Deno.readDirSync(cwd), ({ name }) => name).filter((name) => name.endsWith("_test.js")).sort();
    const reporters = [["spec", "stdout"], ["junit", report]].flatMap((
      [kind, to],
    ) => [`--test-reporter=${kind}`, `--test-reporter-destination=${to}`]);
    return { program, args: ["--test", "--test-concurrency=2", ...reporters, ...files], cwd };
  };
}

/** Whoever takes longer than this hangs. */
const patienceMs = 30 * 60_000;

async function run({ program, args, cwd, env = {} }: Command, report: string): Promise<Counts & { readonly subjects: Subjects }> {
  const signal = AbortSignal.timeout(patienceMs);
  const child = new Deno.Command(program, { args: [...args], cwd, env, stdin: "null", signal }).spawn();
  const { success } = await child.status;
  const junit = await Deno.readTextFile(report).catch(() => "");
  return { ...judge(countCases(junit), success), subjects: subjectsIn(junit) };
}

/** The runners whose names begin with one of these words; without any, all that npm delivers, or all others. */
function choose(words: readonly string[], wantsSystem: boolean): readonly Runner[] {
  for (const word of words) {
    if (!runners.some(({ name }) => name.startsWith(word))) {
      throw new TypeError(`Cannot run the tests of "${word}": there are ${runners.map(({ name }) => name).join(", ")}`);
    }
  }
  if (words.length > 0) return runners.filter(({ name }) => words.some((word) => name.startsWith(word)));
  return runners.filter(({ isSystem = false }) => isSystem === wantsSystem);
}

async function main(args: readonly string[]): Promise<boolean> {
  await using stack = new AsyncDisposableStack();
  const reports = stack.adopt(await Deno.makeTempDir(), (folder) => Deno.remove(folder, { recursive: true }));
  let consumer: Promise<Consumer> | undefined;
  const install: Install = async () => {
    consumer ??= createConsumer(...packages).then((made) => stack.use(made));
    return (await consumer).folder;
  };
  const words = args.filter((word) => word !== "--system");
  const results: (Counts & { readonly runner: string; readonly subjects: Subjects })[] = [];
  for (const { name, command } of choose(words, args.includes("--system"))) {
    console.log(`\n── ${name} ──`);
    const report = `${reports}/${name}.xml`;
    const counts = await command(report, install).then((it) => run(it, report)).catch((error) => {
      console.error(error);
      return { passed: 0, failed: 1, subjects: {} };
    });
    results.push({ runner: name, ...counts });
  }
  const file = Deno.env.get("TEST_COUNTS");
  if (file) await Deno.writeTextFile(file, results.map((result) => `${JSON.stringify(result)}\n`).join(""), { append: true });
  console.log();
  for (const { runner, passed, failed } of results) console.log(`${runner.padEnd(14)} ${passed} of ${passed + failed}`);
  return total(results).failed === 0;
}

if (import.meta.main) Deno.exit(await main(Deno.args) ? 0 : 1);
