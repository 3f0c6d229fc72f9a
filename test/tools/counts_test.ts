import assert from "node:assert/strict";
import { countCases, judge, total } from "../../tools/counts.ts";

Deno.test("countCases() counts every case once and takes a skipped one for a failed one", () => {
  const junit =
    `<testsuites tests="4"><testsuite name="a"><testcase name="ok"/><testcase name="b"><failure message="&lt;failure">x</failure></testcase>
    <testcase name="c"><skipped type="todo"/></testcase><testsuite name="d"><testcase name="e"></testcase></testsuite></testsuite></testsuites>`;
  assert.deepEqual(countCases(junit), { passed: 2, failed: 2 });
});

Deno.test("judge() makes a failure of a runner that failed or was empty without saying so", () => {
  assert.deepEqual(judge({ passed: 3, failed: 0 }, true), { passed: 3, failed: 0 });
  assert.deepEqual(judge({ passed: 3, failed: 0 }, false), { passed: 3, failed: 1 });
  assert.deepEqual(judge({ passed: 0, failed: 0 }, true), { passed: 0, failed: 1 });
  assert.deepEqual(judge({ passed: 0, failed: 2 }, false), { passed: 0, failed: 2 });
});

Deno.test("total() sums", () => {
  assert.deepEqual(total([{ passed: 1, failed: 2 }, { passed: 10, failed: 20 }]), { passed: 11, failed: 22 });
  assert.deepEqual(total([]), { passed: 0, failed: 0 });
});
