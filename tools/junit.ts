/**
 * JUnit reports, for runners that write none.
 *
 * @module
 */

/** What came of a test. */
export interface CaseResult {
  readonly name: string;
  /** What it failed with; null: it passed. */
  readonly failure: string | null;
}

/** A report that `countCases` can count. */
export function formatJunit(results: readonly CaseResult[]): string {
  const cases = results.map(({ name, failure }) =>
    `<testcase name="${escaped(name)}">${failure === null ? "" : `<failure>${escaped(failure)}</failure>`}</testcase>`
  );
  return `<testsuites>\n${cases.join("\n")}\n</testsuites>\n`;
}

function escaped(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replace(/[\0-\x08\x0b\x0c\x0e-\x1f]/g, "?").replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
