/**
 * The one error class, and that its codes, its page and what is thrown are the same.
 */
import assert from "node:assert/strict";
import { isStateError, StateError, type StateErrorCode, type StateErrorDetails } from "../src/errors.ts";

const root = new URL("../", import.meta.url);
const read = (path: string): string => Deno.readTextFileSync(new URL(path, root));

/** A `StateError` of each code, made as the library makes it. The compiler asks for every code, and for its details. */
const samples: { readonly [C in StateErrorCode]: StateErrorDetails[C] } = {
  STATE_CLOSED: {},
  STATE_INVALID_KEY: { part: "key", rule: "empty" },
  STATE_INVALID_VALUE: { path: "$.tools[2].run" },
  STATE_CIRCULAR: { path: "$.a.b", to: "$.a" },
  STATE_TOO_LARGE: { limit: "valueBytes", actual: 2, max: 1 },
  STATE_CORRUPT: { commit: 3, object: "global!a" },
  STATE_CONFLICT: { expected: null, actual: 1 },
  STATE_LOCKED: { holder: "w", since: new Date(0) },
  STATE_UNSUPPORTED: { needs: "commit" },
  STATE_SECRET: { found: [{ path: "$", rule: "password" }] },
  STATE_UNCERTAIN: {},
  STATE_READ_ONLY: {},
  STATE_DRIVER: {},
  STATE_NEWER_FORMAT: { stored: 2, supported: 1 },
  SCHEMA_INVALID: { schema: "s@1.0.0", issues: [{ path: "$.a", message: "expected a string" }] },
  SCHEMA_CONFLICT: { schema: "s" },
  MIGRATION_NEWER: { schema: "s", stored: "2.0.0", known: "1.0.0" },
};
const codes = Object.keys(samples) as StateErrorCode[];

function make<C extends StateErrorCode>(code: C): StateError<C> {
  return new StateError(code, `Cannot do it: ${code}`, { details: samples[code] });
}

/** The sources that can throw. */
function* sources(folder: string): Generator<readonly [path: string, text: string]> {
  for (const { name, isDirectory } of Deno.readDirSync(new URL(folder, root))) {
    if (isDirectory) yield* sources(`${folder}${name}/`);
    else if (name.endsWith(".ts")) yield [folder + name, read(folder + name)];
  }
}

/** Every code that a source hands to the constructor, which nobody but the library calls. */
function thrownCodes(): Map<string, string> {
  const thrown = new Map<string, string>();
  for (const folder of ["src/", "adapters/"]) {
    for (const [path, text] of sources(folder)) {
      for (const [call, code] of text.matchAll(/new StateError\(\s*(?:"([A-Z_]+)"|[^)"]*)/g)) {
        if (code !== undefined) thrown.set(code, path);
        // The same error told anew keeps its code.
        else assert.match(call, /^new StateError\(error\.code/, `${path} makes a StateError of a code that cannot be read: ${call}`);
      }
    }
  }
  return thrown;
}

/** The table of docs/errors.md: what it says of each code. */
function documented(): Map<string, { readonly retryable: string; readonly details: readonly string[] }> {
  return new Map(
    [...read("docs/errors.md").matchAll(/^\| \[([A-Z_]+)\]\(#([a-z_]+)\) *\| ([^|]+?) *\| ([^|]+?) *\|$/gm)].map(
      ([, code, anchor, retryable, details]) => {
        assert.equal(anchor, code!.toLowerCase());
        return [code!, { retryable: retryable!, details: [...details!.matchAll(/`(\w+)`/g)].map(([, name]) => name!) }];
      },
    ),
  );
}

/** The codes and the names of their details, as src/errors.ts declares them. */
function declared(): Map<string, readonly string[]> {
  const [, body = ""] = /export interface StateErrorDetails \{\n([\s\S]*?)\n\}/.exec(read("src/errors.ts"))!;
  return new Map(
    [...body.matchAll(/^ {2}readonly ([A-Z_]+): (.*);$/gm)].map(([, code, shape]) => {
      const top = shape!.replace(/readonly \{.*\}\[\]/, "list");
      return [code!, [...top.matchAll(/readonly (\w+)\??:/g)].map(([, name]) => name!)];
    }),
  );
}

Deno.test("StateErrorDetails, docs/errors.md and what is thrown have the same codes", () => {
  const sorted = [...codes].sort();
  assert.deepEqual([...declared().keys()].sort(), sorted);
  assert.deepEqual([...documented().keys()].sort(), sorted);
  assert.deepEqual([...thrownCodes().keys()].sort(), sorted);
});

Deno.test("docs/errors.md has a section for each code, in the order of its table", () => {
  const sections = [...read("docs/errors.md").matchAll(/^## ([A-Z_]+)$/gm)].map(([, code]) => code);
  assert.deepEqual(sections, [...documented().keys()]);
});

Deno.test("docs/errors.md names the details of each code", () => {
  const page = documented();
  for (const [code, names] of declared()) assert.deepEqual([...page.get(code)!.details].sort(), [...names].sort(), code);
});

Deno.test("docs/errors.md says of each code whether it is retryable, as retryable does", () => {
  for (const [code, { retryable }] of documented()) {
    const said = { yes: true, no: false, "with an operation id": false }[retryable];
    assert.equal(make(code as StateErrorCode).retryable, said, code);
  }
  assert.equal(documented().get("STATE_UNCERTAIN")!.retryable, "with an operation id");
});

Deno.test("StateError.retryable of STATE_UNCERTAIN is true with an operation id alone", () => {
  assert.equal(new StateError("STATE_UNCERTAIN", "Cannot learn it", { details: { operationId: "a" } }).retryable, true);
  assert.equal(new StateError("STATE_UNCERTAIN", "Cannot learn it", { details: {} }).retryable, false);
});

Deno.test("StateError carries what it was made of, and nothing that it was not", () => {
  const cause = new Error("why");
  const full = new StateError("STATE_CONFLICT", "Cannot write it", {
    details: { expected: 1, actual: 2 },
    scope: { type: "global" },
    key: "a",
    cause,
  });
  assert.ok(full instanceof Error);
  assert.deepEqual(
    [full.name, full.code, full.message, full.details, full.scope, full.key, full.cause],
    ["StateError", "STATE_CONFLICT", "Cannot write it", { expected: 1, actual: 2 }, { type: "global" }, "a", cause],
  );
  const bare = make("STATE_CLOSED");
  assert.deepEqual([bare.scope, bare.key, bare.cause], [undefined, undefined, undefined]);
});

Deno.test("isStateError() is true for any StateError without codes, else for those of them", () => {
  for (const code of codes) {
    const error: unknown = make(code);
    assert.equal(isStateError(error), true);
    assert.equal(isStateError(error, code), true);
    assert.equal(isStateError(error, ...codes), true);
    assert.equal(isStateError(error, ...codes.filter((other) => other !== code)), false);
  }
});

Deno.test("isStateError() is false for everything else, whatever it looks like", () => {
  const alike = Object.assign(new Error("Cannot"), { name: "StateError", code: "STATE_CLOSED", details: {}, retryable: false });
  for (const other of [alike, new TypeError("no"), { code: "STATE_CLOSED" }, "STATE_CLOSED", 1, null, undefined, () => {}]) {
    assert.equal(isStateError(other), false);
    assert.equal(isStateError(other, "STATE_CLOSED"), false);
  }
});

Deno.test("isStateError() knows the errors of another copy of the package, and the other way round", async () => {
  const other: typeof import("../src/errors.ts") = await import(`${new URL("src/errors.ts", root)}?copy`);
  assert.notEqual(other.StateError, StateError);
  const theirs: unknown = new other.StateError("STATE_LOCKED", "Cannot run it", { details: { holder: "w" } });
  assert.equal(theirs instanceof StateError, false);
  assert.equal(isStateError(theirs, "STATE_LOCKED"), true);
  assert.equal(isStateError(theirs, "STATE_CONFLICT"), false);
  assert.equal(other.isStateError(make("STATE_CONFLICT"), "STATE_CONFLICT"), true);
});

Deno.test("isStateError() finds nothing to trust in an error that went through structuredClone(), JSON or a spread", () => {
  const error = make("STATE_CLOSED");
  for (const copy of [structuredClone(error), JSON.parse(JSON.stringify(error)), { ...error }]) assert.equal(isStateError(copy), false);
});

Deno.test("every message in the sources that makes a StateError begins with Cannot", () => {
  for (const folder of ["src/", "adapters/"]) {
    for (const [path, text] of sources(folder)) {
      for (const [, message] of text.matchAll(/new StateError\(\s*"[A-Z_]+",\s*["`]([^"`]*)/g)) {
        assert.match(message!, /^Cannot /, `${path}: ${message}`);
      }
    }
  }
});

Deno.test("structuredClone() of a StateError is a plain Error with its message, and its details can be sent beside it", () => {
  for (const code of codes) {
    const error = new StateError(code, `Cannot: ${code}`, { details: samples[code] });
    const copy = structuredClone(error);
    assert.ok(copy instanceof Error && !isStateError(copy));
    assert.equal(copy.message, error.message);
    assert.deepEqual(structuredClone({ code: error.code, details: error.details }), { code, details: error.details });
  }
});
