/**
 * How many tests passed and failed, summed over runners that know nothing of each other.
 *
 * @module
 */

/** Tests that passed and tests that did not. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
}

/**
 * Counts the cases of a JUnit report, which Deno, Node and Bun all write. A skipped case counts as failed: what is
 * skipped is not known to work. Steps of a Deno test are cases too.
 */
export function countCases(junit: string): Counts {
  const failed = junit.match(/<(failure|error|skipped)\b/g)?.length ?? 0;
  const all = junit.match(/<testcase\b/g)?.length ?? 0;
  return { passed: all - failed, failed };
}

/**
 * What a runner's exit says about its report: a runner that fails without a failed case (it crashed, a file did not load), or
 * that ran no case at all, is one failure more.
 */
export function judge(counts: Counts, success: boolean): Counts {
  const silent = counts.failed === 0 && (!success || counts.passed === 0);
  return silent ? { ...counts, failed: 1 } : counts;
}

/** The sum of all. */
export function total(all: readonly Counts[]): Counts {
  return all.reduce((sum, { passed, failed }) => ({ passed: sum.passed + passed, failed: sum.failed + failed }), { passed: 0, failed: 0 });
}

/** How many cases of the conformance suite passed, by subject: what was tested, as in `fs`. */
export type Subjects = Readonly<Record<string, number>>;

/** The theme of the suite by which its subjects are told: the last one. */
export const THEME = "errors and closing";

/** The subjects of the conformance suite in a JUnit report, whether its groups are suites, or stand in front of a case's name. */
export function subjectsIn(junit: string): Subjects {
  const path: string[] = [];
  const cases: { readonly path: readonly string[]; passed: boolean }[] = [];
  const tags = /<(\/?)(testsuite|testcase|failure|error|skipped)\b((?:[^">]|"[^"]*")*)>/g;
  for (const [, close, tag, attributes = ""] of junit.matchAll(tags)) {
    const [, name = ""] = /\bname="([^"]*)"/.exec(attributes) ?? [];
    if (tag === "testsuite" && close !== "") path.pop();
    else if (tag === "testsuite" && !attributes.endsWith("/")) path.push(name);
    else if (tag === "testcase" && close === "") cases.push({ path: [...path, ...name.split(" › ")], passed: true });
    else if (tag !== "testcase" && tag !== "testsuite" && close === "") cases.at(-1)!.passed = false;
  }
  const names = new Set(cases.flatMap(({ path }) => path.filter((_, i) => path[i + 1] === THEME)));
  const passed: Record<string, number> = {};
  for (const one of cases) {
    const at = one.path.findIndex((name) => names.has(name));
    if (at >= 0 && at < one.path.length - 2 && one.passed) passed[one.path[at]!] = (passed[one.path[at]!] ?? 0) + 1;
  }
  return passed;
}

/** Cases of the conformance suite that passed, subjects by runners, as lines of text. */
export function tableOf(runs: readonly { readonly runner: string; readonly subjects?: Subjects }[]): string[] {
  const runners = runs.filter(({ subjects = {} }) => Object.keys(subjects).length > 0);
  const names = [...new Set(runners.flatMap(({ subjects = {} }) => Object.keys(subjects)))].sort();
  const rows = [
    ["", ...runners.map(({ runner }) => runner)],
    ...names.map((name) => [name, ...runners.map(({ subjects = {} }) => String(subjects[name] ?? ""))]),
  ];
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
  return names.length === 0
    ? []
    : rows.map((row) => row.map((cell, i) => i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)).join("  ").trimEnd());
}

/**
 * Closes a run of the gates: prints what passed of the conformance suite where, then one line, `N passed, N failed`, and exits with 0
 * only if something passed and nothing failed.
 * Arguments: the file to which the test tasks added a line of JSON a runner, and the exit code of the gates.
 */
if (import.meta.main) {
  const [file = "", gates = "1"] = Deno.args;
  const lines = (await Deno.readTextFile(file)).split("\n").filter((line) => line !== "");
  const runs = lines.map((line) => JSON.parse(line) as Counts & { readonly runner: string; readonly subjects?: Subjects });
  for (const line of tableOf(runs)) console.log(line);
  const { passed, failed } = judge(total(runs), gates === "0");
  console.log(`${passed} passed, ${failed} failed`);
  Deno.exit(failed === 0 ? 0 : 1);
}
