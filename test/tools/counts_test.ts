import assert from "node:assert/strict";
import { conformance } from "../conformance/mod.ts";
import { countCases, judge, subjectsIn, tableOf, THEME, total } from "../../tools/counts.ts";

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

Deno.test("subjectsIn() counts what passed of the conformance suite, in suites or by names", () => {
  const nested = `<testsuites><testsuite name="file.js"><testsuite name="fs"><testsuite name="values"><testcase name="a > b" time="1"/>
    <testcase name="c"><failure message="&lt;x">x</failure></testcase></testsuite><testsuite name="errors and closing" tests="1">
    <testcase name="d"></testcase></testsuite></testsuite></testsuite><testcase name="fs"/></testsuites>`;
  assert.deepEqual(subjectsIn(nested), { fs: 2 });
  const flat = `<testsuites><testsuite name="t.ts"><testcase name="fs › values › a"/><testcase name="fs › errors and closing › d"/>
    <testcase name="kv › errors and closing › d"><failure/></testcase><testcase name="other › values › a"/></testsuite></testsuites>`;
  assert.deepEqual(subjectsIn(flat), { fs: 2 });
  assert.deepEqual(subjectsIn(""), {});
});

Deno.test("tableOf() shows subjects by runners, and leaves out who ran none", () => {
  const runs = [{ runner: "deno", subjects: { memory: 3, fs: 12 } }, { runner: "typescript" }, { runner: "bun", subjects: { memory: 3 } }];
  assert.deepEqual(tableOf(runs), ["        deno  bun", "fs        12", "memory     3    3"]);
  assert.deepEqual(tableOf([]), []);
});

Deno.test("the theme by which subjects are told is one of the suite's", () => {
  const groups: string[] = [];
  const describe = (name: string, body: () => void) => {
    groups.push(name);
    body();
  };
  conformance({ describe, it: () => {} }, { name: "mine", create: () => Promise.reject(new Error("nothing is run")) });
  assert.ok(groups.includes(THEME));
});
