import { deepEqual, equal, notEqual, ok, throws } from "node:assert/strict";
import fc from "fast-check";
import { isStateError } from "../../src/errors.ts";
import { checkScope, decodeScope, encodeScope, sameScope, StateScope } from "../../src/keys/scopes.ts";

const one: readonly (readonly [text: string, scope: StateScope])[] = [
  ["global", StateScope.global],
  ["user:alice", StateScope.user("alice")],
  ["session:s1", StateScope.session("s1")],
  ["agent:gpt-4", StateScope.agent("gpt-4")],
  ["tool:t", StateScope.tool("t")],
  ["workflow:w", StateScope.workflow("w")],
  ["step:w:s", StateScope.step("w", "s")],
  ["hook:h", StateScope.hook("h")],
  ["custom:x", StateScope.custom("x")],
];

const anyId = fc.oneof(
  fc.string({ unit: "grapheme", minLength: 1 }),
  fc.string({ unit: "binary", minLength: 1 }),
  fc.string({ unit: fc.constantFrom(":", "\\", "a", "!"), minLength: 1 }),
)
  .map((text) => text.replace(/\p{Cc}/gu, "")).filter((text) => text !== "");

const anyScope = fc.oneof(
  fc.constant<StateScope>(StateScope.global),
  fc.tuple(fc.constantFrom("user", "session", "agent", "tool", "workflow", "hook", "custom"), anyId).map(([type, id]): StateScope =>
    StateScope[type](id)
  ),
  fc.tuple(anyId, anyId).map(([workflow, step]): StateScope => StateScope.step(workflow, step)),
);

Deno.test("StateScope.format() and parse() of the nine scopes", () => {
  for (const [text, scope] of one) {
    equal(StateScope.format(scope), text);
    deepEqual(StateScope.parse(text), scope);
  }
});

Deno.test("StateScope makes frozen scopes of normalised ids", () => {
  deepEqual(StateScope.agent("e\u0301"), { type: "agent", id: "\u00e9" });
  deepEqual(StateScope.step("e\u0301", "u\u0308"), { type: "step", workflow: "\u00e9", step: "\u00fc" });
  for (const [, scope] of one) ok(Object.isFrozen(scope));
  ok(Object.isFrozen(StateScope));
});

Deno.test("StateScope refuses ids that cannot be stored", () => {
  for (const id of ["", "a\0", "\ud800"]) {
    for (
      const make of [StateScope.user, StateScope.custom, (id: string) => StateScope.step(id, "s"), (id: string) => StateScope.step("w", id)]
    ) {
      throws(() => make(id), (error) => isStateError(error, "STATE_INVALID_KEY") && error.details.part === "id");
    }
  }
  throws(() => StateScope.user(1 as never), TypeError);
  throws(() => (StateScope.step as (workflow: string) => StateScope)("w"), TypeError);
  equal(StateScope.user("x".repeat(10_000)).id.length, 10_000);
});

Deno.test("StateScope.parse() undoes format() for every id", () => {
  fc.assert(fc.property(anyScope, (scope) => sameScope(StateScope.parse(StateScope.format(scope)), scope)), { numRuns: 2000 });
});

Deno.test("StateScope.format() writes two scopes as two texts", () => {
  fc.assert(fc.property(anyScope, anyScope, (a, b) => (StateScope.format(a) === StateScope.format(b)) === sameScope(a, b)), {
    numRuns: 2000,
  });
  const texts = [["a:b", "c"], ["a", "b:c"], ["a\\", "b"], ["a\\:b", "c"], ["a", "\\:b"], ["a\\\\", "b"]].map(([workflow, step]) =>
    StateScope.format(StateScope.step(workflow!, step!))
  );
  equal(new Set(texts).size, texts.length);
  equal(texts[0], "step:a\\:b:c");
  equal(texts[3], "step:a\\\\\\:b:c");
});

Deno.test("StateScope.parse() of any other text is a TypeError", () => {
  const texts: readonly unknown[] = [
    ...[
      "",
      ":",
      "globals",
      "Global",
      "global:",
      "global:x",
      " global",
      "agent",
      "agent:",
      "Agent:x",
      " agent:x",
      "agent :x",
      "user",
      "unknown:x",
      "__proto__:x",
      "parse:x",
      "format:x",
    ],
    ...[
      "step",
      "step:",
      "step:w",
      "step:w:",
      "step::s",
      "step:w\\:s",
      "step:\\w:s",
      "step:\\",
      "step:w\\",
      "agent:\0",
      "agent:\ud800",
      undefined,
      null,
      1,
      {},
      Symbol("s"),
    ],
  ];
  for (const text of texts) throws(() => StateScope.parse(text as string), TypeError, String(text));
});

Deno.test("StateScope.parse() reads a long text without trouble", () => {
  for (const id of ["a".repeat(300_000), "\\:".repeat(100_000)]) {
    equal(StateScope.format(StateScope.parse(`step:${id.replaceAll("\\", "\\\\").replaceAll(":", "\\:")}:s`)).length > id.length, true);
  }
  throws(() => StateScope.parse(`step:${"\\\\".repeat(100_000)}`), TypeError);
});

Deno.test("StateScope.format() takes literals, normalised, and nothing else", () => {
  equal(StateScope.format({ type: "agent", id: "e\u0301" }), "agent:\u00e9");
  throws(() => StateScope.format({ type: "agents", id: "x" } as never), TypeError);
});

Deno.test("checkScope() gives back a scope that StateScope made, and a frozen copy of a literal", () => {
  for (const [, scope] of one) {
    equal(checkScope(scope, 512), scope);
    const literal = { ...scope };
    const checked = checkScope(literal, 512);
    deepEqual(checked, literal);
    notEqual(checked, literal);
    ok(Object.isFrozen(checked));
    equal(checkScope(checked, 512), checked);
  }
  const long = StateScope.agent("a".repeat(500));
  equal(checkScope(long, 512), long);
  deepEqual(checkScope({ type: "agent", id: "e\u0301", extra: 1 }, 512), { type: "agent", id: "\u00e9" });
});

Deno.test("checkScope() of what is no scope is a TypeError", () => {
  const values: readonly unknown[] = [
    ...[undefined, null, 0, "global", "agent:x", Symbol("s"), {}, [], () => 1, { type: "agents", id: "x" }, { type: "agent" }, {
      type: "agent",
      id: 1,
    }],
    ...[
      { type: "step", id: "x" },
      { type: "step", workflow: "w" },
      { type: "step", workflow: "w", step: null },
      { type: ["agent"], id: "x" },
      { type: "__proto__", id: "x" },
      { type: "parse", id: "x" },
    ],
  ];
  for (const value of values) throws(() => checkScope(value, 512), TypeError);
});

Deno.test("checkScope() holds each id to the limit in bytes", () => {
  for (
    const make of [
      (id: string) => StateScope.user(id),
      (id: string) => StateScope.step(id, "s"),
      (id: string) => StateScope.step("w", id),
      (id: string): StateScope => ({ type: "tool", id }),
    ]
  ) {
    for (const [id, bytes] of [["a".repeat(10), 10], ["é".repeat(5), 10], ["😀😀", 8]] as const) {
      deepEqual(checkScope(make(id), bytes), make(id));
      throws(
        () => checkScope(make(id), bytes - 1),
        (error) => isStateError(error, "STATE_INVALID_KEY") && error.details.rule === "too-long" && error.details.part === "id",
      );
    }
  }
});

Deno.test("checkScope() reads each property of a literal once", () => {
  let reads = 0;
  const literal = {
    type: "agent",
    get id() {
      return reads++ === 0 ? "a" : "\0";
    },
  };
  deepEqual(checkScope(literal, 512), { type: "agent", id: "a" });
});

Deno.test("encodeScope() writes type and ids as the segments of a path", () => {
  deepEqual(one.map(([, scope]) => encodeScope(scope)), [
    "global",
    "user!alice",
    "session!s1",
    "agent!gpt-2d4",
    "tool!t",
    "workflow!w",
    "step!w!s",
    "hook!h",
    "custom!x",
  ]);
  equal(encodeScope(StateScope.step("a!b", "C")), "step!a-21b!_43");
});

Deno.test("encodeScope() is undone by decodeScope()", () => {
  fc.assert(
    fc.property(anyScope, (scope) => {
      deepEqual(decodeScope(encodeScope(scope)), scope);
    }),
    { numRuns: 1000 },
  );
});

Deno.test("decodeScope() of what encodeScope() cannot have made is undefined", () => {
  const paths = [
    "",
    "!",
    "global!",
    "global!x",
    "agent",
    "agent!",
    "agent!a!b",
    "step!w",
    "step!w!",
    "step!!s",
    "step!w!s!t",
    "Agent!x",
    "agent!A",
    "agent!-41",
    "agent!-00",
    "agent!e~cc~81",
    "agent:x",
    "parse!x",
    "agent!~c3",
  ];
  for (const path of paths) equal(decodeScope(path), undefined, path);
});

Deno.test("sameScope() is true for equal scopes alone", () => {
  ok(sameScope(StateScope.agent("a"), StateScope.agent("a")));
  ok(sameScope(StateScope.step("a", "b"), { type: "step", workflow: "a", step: "b" }));
  for (const [x, [, a]] of one.entries()) for (const [y, [, b]] of one.entries()) equal(sameScope(a, b), x === y);
  ok(!sameScope(StateScope.step("a", "b"), StateScope.step("a", "c")));
  ok(!sameScope(StateScope.user("x"), StateScope.tool("x")));
});
