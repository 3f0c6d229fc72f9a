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

/**
 * Closes a run of the gates: prints one line, `N passed, N failed`, and exits with 0 only if something passed and nothing failed.
 * Arguments: the file to which the test tasks added a line of JSON a runner, and the exit code of the gates.
 */
if (import.meta.main) {
  const [file = "", gates = "1"] = Deno.args;
  const lines = (await Deno.readTextFile(file)).split("\n").filter((line) => line !== "");
  const { passed, failed } = judge(total(lines.map((line) => JSON.parse(line) as Counts)), gates === "0");
  console.log(`${passed} passed, ${failed} failed`);
  Deno.exit(failed === 0 ? 0 : 1);
}
