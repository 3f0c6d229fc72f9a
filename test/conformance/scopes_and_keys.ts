/**
 * Scopes and keys never run into each other, whatever their names.
 *
 * @module
 */
import { StateScope } from "../../src/keys/scopes.ts";
import { assert, assertEquals, assertMisuse, assertStateError } from "./assert.ts";
import { conflicts, type Test } from "./suite.ts";

/** Each of the nine scopes and its text. */
export const nineScopes: readonly (readonly [text: string, scope: StateScope])[] = [
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

/** Ids and keys that a careless store merges, splits or trips over. */
export const awkwardNames: readonly string[] = [
  "a",
  "A",
  "a:b",
  "a/b",
  "a\\b",
  "a::b",
  ":a:b:",
  "a?x=1",
  "a$",
  "*",
  "%",
  "_",
  "a%62",
  "a b",
  " a",
  "a ",
  ".",
  "..",
  "../etc/passwd",
  "con",
  "nul",
  "a!b",
  "a!",
  "!",
  "a-21b",
  "a~",
  "-",
  "~",
  "0",
  "00",
  "1e3",
  "null",
  "undefined",
  "__proto__",
  "constructor",
  "toString",
  "key with spaces",
  "key:with:colons",
  "user:123",
  "😀",
  "\u{10ffff}",
  "\ufffd",
  "\uffff",
  "\ue000",
  "ключ",
  "特殊",
  "é",
  "ﬁ",
  "İ",
  "ß",
  "SS",
  "k".repeat(200),
  "k".repeat(201),
];

/** What no name may be, and the rule that it breaks. */
const impossibleNames: readonly (readonly [name: string, rule: string])[] = [
  ["", "empty"],
  ["a\0b", "control-character"],
  ["\n", "control-character"],
  ["a\u007f", "control-character"],
  ["\u0085", "control-character"],
  ["\ud800", "unpaired-surrogate"],
  ["a\udc00b", "unpaired-surrogate"],
  ["k".repeat(513), "too-long"],
  ["é".repeat(257), "too-long"],
];

/** Group A, but for errors and closing. */
export function testScopesAndKeys(test: Test): void {
  test("A1 StateScope formats and parses the nine scopes both ways", () => {
    for (const [text, scope] of nineScopes) {
      assertEquals(StateScope.format(scope), text);
      assertEquals(StateScope.parse(text), scope);
    }
    return Promise.resolve();
  });

  test("A1 StateScope.parse() of what names no scope is a TypeError", async () => {
    for (
      const text of [
        "",
        "user",
        "user:",
        ":alice",
        "User:alice",
        "planet:earth",
        "global:x",
        "step:w",
        "step::s",
        "step:w:",
        "state:x",
        " global",
      ]
    ) {
      await assertMisuse(() => StateScope.parse(text), `parse("${text}")`);
    }
  });

  test("A1 StateScope.parse() gets back every id that format() wrote", () => {
    for (const id of awkwardNames) {
      for (const make of [StateScope.user, StateScope.agent, StateScope.custom]) {
        assertEquals(StateScope.parse(StateScope.format(make(id))), make(id));
      }
      for (const other of ["a:b", "a\\", "\\:", "s"]) {
        for (const step of [StateScope.step(id, other), StateScope.step(other, id)]) {
          assertEquals(StateScope.parse(StateScope.format(step)), step);
        }
      }
    }
    return Promise.resolve();
  });

  test("A2 the same key in five scopes keeps five values, and each scope lists its own", async ({ open }) => {
    const state = await open();
    const scopes = [
      StateScope.global,
      StateScope.agent("one"),
      StateScope.agent("two"),
      StateScope.session("one"),
      StateScope.custom("user:u1"),
    ];
    for (const [i, scope] of scopes.entries()) {
      await state.save(scope, "same", i);
      await state.save(scope, `own ${i}`, true);
    }
    for (const [i, scope] of scopes.entries()) {
      assertEquals(await state.load(scope, "same"), i);
      assertEquals(await state.keys(scope).toArray(), [`own ${i}`, "same"]);
    }
    assertEquals(await state.load(StateScope.user("u1"), "same"), undefined);
  });

  test('A3 agent("a:b")/"c" and agent("a")/"b:c" are two entries', async ({ open }) => {
    const state = await open();
    await state.save(StateScope.agent("a:b"), "c", "first");
    await state.save(StateScope.agent("a"), "b:c", "second");
    await state.save(StateScope.step("a:b", "c"), "k", "third");
    await state.save(StateScope.step("a", "b:c"), "k", "fourth");
    await state.save(StateScope.agent("a!b"), "c", "fifth");
    await state.save(StateScope.agent("a"), "b!c", "sixth");
    assertEquals(await state.load(StateScope.agent("a:b"), "c"), "first");
    assertEquals(await state.load(StateScope.agent("a"), "b:c"), "second");
    assertEquals(await state.load(StateScope.step("a:b", "c"), "k"), "third");
    assertEquals(await state.load(StateScope.step("a", "b:c"), "k"), "fourth");
    assertEquals(await state.load(StateScope.agent("a!b"), "c"), "fifth");
    assertEquals(await state.load(StateScope.agent("a"), "b!c"), "sixth");
    assertEquals(await state.keys(StateScope.agent("a")).toArray(), ["b!c", "b:c"]);
  });

  test("A3 a scope lists, clears and copies nothing of one whose id its own begins", async ({ open }) => {
    const state = await open();
    const pairs = [["agent1", "agent10"], ["a", "a:b"], ["al", "alice"], ["a", "a!b"], ["w", "w:s"], ["é", "éa"]] as const;
    for (const [short, long] of pairs) {
      await state.save(StateScope.agent(short), "k", short);
      await state.save(StateScope.agent(long), "k", long);
      await state.save(StateScope.workflow(short), "k", short);
      await state.save(StateScope.step(short, "s"), "k", "step");
      assertEquals(await state.keys(StateScope.agent(short)).toArray(), ["k"]);
      assertEquals(await state.clear(StateScope.agent(short)), 1);
      assertEquals(await state.load(StateScope.agent(long), "k"), long);
      assertEquals(await state.clear(StateScope.workflow(short)), 1);
      assertEquals(await state.load(StateScope.step(short, "s"), "k"), "step");
      await state.clear(StateScope.agent(long));
    }
  });

  test('A4 a global key "user:123" stays global', async ({ open }) => {
    const state = await open();
    await state.save(StateScope.global, "user:123", "global");
    await state.save(StateScope.user("123"), "k", "user");
    assertEquals(await state.keys(StateScope.global).toArray(), ["user:123"]);
    assertEquals((await state.entry(StateScope.global, "user:123"))?.scope, StateScope.global);
    assertEquals(await state.keys(StateScope.user("123")).toArray(), ["k"]);
    assertEquals(await state.scopes().toArray(), [StateScope.global, StateScope.user("123")]);
  });

  test("A5 composed and decomposed spellings are one key and one id in every verb", async ({ open }) => {
    const state = await open();
    const [composed, decomposed] = ["caf\u00e9", "cafe\u0301"];
    const [user, same] = [StateScope.user(composed), StateScope.user(decomposed)];
    await state.save(user, composed, 1);
    assertEquals(await state.load(same, decomposed), 1);
    assertEquals((await state.save(same, decomposed, 2)).revision, 2);
    assertEquals(await state.has(user, decomposed), true);
    assertEquals(await state.keys(same).toArray(), [composed]);
    assertEquals(await state.keys(same, { prefix: decomposed }).toArray(), [composed]);
    assertEquals(await state.loadMany(user, [decomposed]), new Map([[decomposed, 2]]));
    assertEquals(await state.increment(user, decomposed), 3);
    assertEquals(await state.update<number>(user, decomposed, (n) => n! + 1), 4);
    assertEquals((await state.entry({ type: "user", id: decomposed }, decomposed))?.key, composed);
    assertEquals(await state.scopes().toArray(), [StateScope.user(composed)]);
    assertEquals(await state.transaction((tx) => tx.load(same, decomposed)), 4);
    assertEquals(await state.delete(user, decomposed), true);
    assertEquals(await state.has(user, composed), false);
  });

  test('A5 "A" and "a" are two keys, and so are their scopes', async ({ open }) => {
    const state = await open();
    for (const id of ["A", "a"]) for (const key of ["A", "a"]) await state.save(StateScope.user(id), key, id + key);
    for (const id of ["A", "a"]) {
      assertEquals(await state.keys(StateScope.user(id)).toArray(), ["A", "a"]);
      for (const key of ["A", "a"]) assertEquals(await state.load(StateScope.user(id), key), id + key);
    }
  });

  test("A6 awkward names are ordinary keys, each its own", async ({ open }) => {
    const state = await open();
    const scope = StateScope.session("s");
    await state.transaction(async (tx) => {
      for (const key of awkwardNames) await tx.save(scope, key, `value of ${key}`);
    });
    const other = await open();
    assertEquals(await other.loadMany(scope, awkwardNames), new Map(awkwardNames.map((key) => [key, `value of ${key}`])));
    assertEquals(new Set(await other.keys(scope).toArray()).size, awkwardNames.length);
    for (const key of awkwardNames) assertEquals((await other.entry(scope, key))?.key, key);
    for (const key of awkwardNames.slice(0, 20)) assertEquals(await other.delete(scope, key), true, key);
    assertEquals((await state.keys(scope).toArray()).length, awkwardNames.length - 20);
  });

  test("A6 awkward names are ordinary ids, each its own", async ({ open }) => {
    const state = await open();
    const scopes = awkwardNames.flatMap((id) => [StateScope.agent(id), StateScope.step(id, "s"), StateScope.step("w", id)]);
    await state.transaction(async (tx) => {
      for (const scope of scopes) await tx.save(scope, "k", StateScope.format(scope));
    });
    const other = await open();
    for (const scope of scopes) {
      assertEquals(await other.load(scope, "k"), StateScope.format(scope));
      assertEquals(await other.keys(scope).toArray(), ["k"]);
    }
    const listed = await other.scopes().toArray();
    assertEquals(listed.map(StateScope.format).sort(), scopes.map(StateScope.format).sort());
  });

  test("A6 what no name may be is STATE_INVALID_KEY for every verb, and nothing is written", async ({ open }) => {
    const state = await open();
    const scope = StateScope.user("u");
    for (const [key, rule] of impossibleNames) {
      const calls = [
        () => state.save(scope, key, 1),
        () => state.load(scope, key),
        () => state.loadMany(scope, ["fine", key]),
        () => state.entry(scope, key),
        () => state.has(scope, key),
        () => state.delete(scope, key),
        () => state.update(scope, key, () => 1),
        () => state.increment(scope, key),
        () => state.once(scope, key, () => 1),
        () => state.in(scope).save(key, 1),
        () => state.transaction((tx) => tx.save(scope, key, 1)),
      ];
      for (const call of calls) {
        const { details } = await assertStateError(call, "STATE_INVALID_KEY", `${JSON.stringify(key.slice(0, 5))} in ${call}`);
        assertEquals(details, { part: "key", rule });
      }
    }
    assertEquals((await state.inspect()).commit, 0);
  });

  test("A6 what no name may be is STATE_INVALID_KEY as an id, made by StateScope or written out", async ({ open }) => {
    const state = await open();
    for (const [id, rule] of impossibleNames) {
      const made = async () => await state.save(StateScope.agent(id), "k", 1);
      const step = async () => await state.load(StateScope.step("w", id), "k");
      for (const call of [made, step, () => state.save({ type: "agent", id }, "k", 1), () => state.keys({ type: "user", id }).toArray()]) {
        assertEquals((await assertStateError(call, "STATE_INVALID_KEY", JSON.stringify(id.slice(0, 5)))).details, { part: "id", rule });
      }
    }
    assertEquals((await state.inspect()).commit, 0);
  });

  test("A6 a name at the byte limit is stored, and limits.keyBytes moves the limit", async ({ open, supports }) => {
    // Three names of 512 bytes take up to 4,608 where they are encoded, and a row holds them too.
    const limit = supports.valueBytes < 16 * 1024 ? 64 : 512;
    const state = await open({ limits: { keyBytes: limit } });
    const longest = ["k".repeat(limit), "é".repeat(limit / 2), "😀".repeat(limit / 4)];
    const scope = StateScope.step("w".repeat(limit), "😀".repeat(limit / 4));
    for (const key of longest) {
      await state.save(scope, key, key.length);
      await assertStateError(() => state.save(scope, `${key}k`, 1), "STATE_INVALID_KEY");
    }
    assertEquals(await state.keys(scope).toArray(), longest);
    for (const key of longest) assertEquals(await state.load(scope, key), key.length);
    assertEquals(await state.scopes().toArray(), [scope]);
    const strict = await open({ limits: { keyBytes: 4 } });
    await strict.save(StateScope.user("four"), "four", 1);
    for (const call of [() => strict.save(StateScope.user("four"), "fives", 1), () => strict.save(StateScope.user("fives"), "four", 1)]) {
      assertEquals((await assertStateError(call, "STATE_INVALID_KEY")).details.rule, "too-long");
    }
  });

  test("A6 two long names that share their beginning are two keys, in order", async ({ open }) => {
    const state = await open();
    const keys = ["a", "b", "ba", "c"].map((end) => "特".repeat(160) + end);
    for (const key of keys) await state.save(StateScope.global, key, key.at(-1));
    assertEquals(await state.keys(StateScope.global).toArray(), keys);
    assertEquals(await state.keys(StateScope.global, { after: keys[1]! }).toArray(), keys.slice(2));
    for (const key of keys) assertEquals(await state.load(StateScope.global, key), key.at(-1));
  });

  test("A6 what is no string, and what is no scope, is a TypeError", async ({ open }) => {
    const state = await open();
    for (const key of [undefined, null, 7, true, Symbol("k"), ["k"], new Date(0)] as unknown as string[]) {
      await assertMisuse(() => state.save(StateScope.global, key, 1), `key ${String(key)}`);
      await assertMisuse(() => state.load(StateScope.global, key), `key ${String(key)}`);
    }
    const scopes = [undefined, null, "global", {}, { type: "planet", id: "earth" }, { type: "user" }, { type: "user", id: 7 }, {
      type: "step",
      workflow: "w",
    }];
    for (const scope of scopes as unknown as StateScope[]) {
      await assertMisuse(() => state.save(scope, "k", 1), `scope ${JSON.stringify(scope)}`);
      await assertMisuse(() => state.keys(scope).toArray(), `scope ${JSON.stringify(scope)}`);
    }
    assertEquals((await state.inspect()).commit, 0);
  });

  test("in() fills in the scope of every verb", async ({ open }) => {
    const state = await open();
    const scope = StateScope.agent("gpt-4");
    const agent = state.in(scope);
    assertEquals(agent.scope, scope);
    assertEquals(await agent.save("a", 1), { revision: 1, commit: 1 });
    assertEquals(await agent.increment("a", 2), 3);
    assertEquals(await agent.update<number>("a", (n) => n! * 2), 6);
    assertEquals(await agent.once("b", () => "made"), "made");
    assertEquals(
      await agent.transaction(async (tx) => {
        await tx.save("c", await tx.load("a"));
        return await tx.keys().toArray();
      }),
      ["a", "b", "c"],
    );
    assertEquals([await agent.load("c"), await agent.has("c"), (await agent.entry("c"))?.scope], [6, true, scope]);
    assertEquals((await agent.entries({ prefix: "b" }).toArray()).map(({ value }) => value), ["made"]);
    assertEquals(await state.keys(scope).toArray(), ["a", "b", "c"]);
    assertEquals(await agent.delete("a"), true);
    assert(await conflicts(agent.save("b", 1, { ifRevision: null })), "the precondition should count");
    assertEquals(await agent.clear(), 2);
    assertEquals(await agent.keys().toArray(), []);
  });
}
