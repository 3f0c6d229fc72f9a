import assert from "node:assert/strict";
import { codeOf, explain, isAbsent, tooLarge } from "../../../adapters/fs/errors.ts";
import { isStateError, StateError } from "../../../src/errors.ts";

const failure = (code: string): Error => Object.assign(new Error(`${code}: it failed, open '/d/x'`), { code });

Deno.test("explain() gives a STATE_DRIVER that names the folder, the reason and what the system said", () => {
  for (const [code, reason] of [["EACCES", "it is not allowed"], ["ENOSPC", "the disk is full"], ["EMFILE", "too many files are open"]]) {
    const error = explain(failure(code!), "write to", "./state");
    assert.ok(isStateError(error, "STATE_DRIVER"));
    assert.equal(error.message, `Cannot write to the folder "./state": ${reason} (${code}: it failed, open '/d/x')`);
    assert.equal(codeOf(error.cause), code);
    assert.ok(error.retryable);
  }
  assert.equal(explain(failure("EWHAT"), "read", "d").message, "Cannot read the folder \"d\": EWHAT: it failed, open '/d/x'");
  assert.equal(explain("odd", "read", "d").message, 'Cannot read the folder "d": odd');
});

Deno.test("codeOf() of what the runtime refuses is that of what the system refuses", () => {
  const named = (name: string) => Object.assign(new Error("Requires read access"), { name });
  for (const error of [named("NotCapable"), named("PermissionDenied"), failure("ERR_ACCESS_DENIED"), failure("EACCES")]) {
    assert.equal(codeOf(error), "EACCES");
  }
  assert.deepEqual([failure("EIO"), named("Error"), undefined, "odd"].map(codeOf), ["EIO", undefined, undefined, undefined]);
});

Deno.test("explain() leaves a StateError as it is", () => {
  const error = new StateError("STATE_CORRUPT", "Cannot", { details: {} });
  assert.equal(explain(error, "read", "d"), error);
});

Deno.test("isAbsent() is true where nothing stands, and nothing can", () => {
  assert.deepEqual(["ENOENT", "ENOTDIR", "EACCES", "EIO"].map((code) => isAbsent(failure(code))), [true, true, false, false]);
  assert.equal(isAbsent(undefined), false);
});

Deno.test("tooLarge() is STATE_CORRUPT and names the file and its size", () => {
  const error = tooLarge("/d/x", 7);
  assert.ok(isStateError(error, "STATE_CORRUPT"));
  assert.match(error.message, /^Cannot trust "\/d\/x": it has 7 bytes/);
});
