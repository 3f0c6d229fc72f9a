import assert from "node:assert/strict";
import { countCases } from "../../tools/counts.ts";
import { formatJunit } from "../../tools/junit.ts";

Deno.test("formatJunit() writes what countCases() counts, whatever a failure says", () => {
  const report = formatJunit([
    { name: 'a "quoted" name & more', failure: null },
    { name: "b", failure: "</failure></testcase><testcase name='c'><skipped/>" },
    { name: "c", failure: "" },
    { name: "d", failure: null },
  ]);
  assert.deepEqual(countCases(report), { passed: 2, failed: 2 });
  assert.ok(report.includes('name="a &quot;quoted&quot; name &amp; more"'));
});

Deno.test("formatJunit() leaves out characters that XML cannot hold", () => {
  // deno-lint-ignore no-control-regex
  assert.ok(!/[\0\x1b]/.test(formatJunit([{ name: "nul \0", failure: "red \x1b[31m" }])));
});
