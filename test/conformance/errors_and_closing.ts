/**
 * Errors say whether trying again helps; a closed state says that it is closed.
 *
 * @module
 */
import { isStateError, type StateError } from "../../src/errors.ts";
import { StateScope } from "../../src/keys/scopes.ts";
import type { StateManager, Transaction } from "../../src/state/manager.ts";
import { assert, assertEquals, assertMisuse, assertStateError, failureOf } from "./assert.ts";
import { createGate, type Test } from "./suite.ts";

const scope = StateScope.user("u");

/** Every verb of a state, by name. */
export function callsOf(state: StateManager): Readonly<Record<string, () => Promise<unknown>>> {
  return {
    save: () => state.save(scope, "k", 2),
    "save as bulk": () => state.save(scope, "k", 2, { class: "bulk" }),
    "save as ephemeral": () => state.save(scope, "e", 2, { class: "ephemeral" }),
    delete: () => state.delete(scope, "k"),
    clear: () => state.clear(scope),
    copy: () => state.copy(scope, StateScope.user("v")),
    move: () => state.move(scope, StateScope.user("v")),
    update: () => state.update(scope, "k", () => 2),
    increment: () => state.increment(scope, "k"),
    once: () => state.once(scope, "once", () => 2),
    transaction: () => state.transaction((tx) => tx.save(scope, "k", 2)),
    "in().save": () => state.in(scope).save("k", 2),
    "in().transaction": () => state.in(scope).transaction((tx) => tx.save("k", 2)),
    load: () => state.load(scope, "k"),
    loadMany: () => state.loadMany(scope, ["k"]),
    entry: () => state.entry(scope, "k"),
    has: () => state.has(scope, "k"),
    keys: () => state.keys(scope).toArray(),
    "keys().first": () => state.keys(scope).first(),
    entries: () => state.entries(scope).toArray(),
    scopes: () => state.scopes().toArray(),
    "in().load": () => state.in(scope).load("k"),
    inspect: () => state.inspect(),
    flush: () => state.flush(),
  };
}

/** Every verb that takes options, with some. */
function callsWith(state: StateManager, options: never): Readonly<Record<string, () => Promise<unknown>>> {
  const other = StateScope.user("v");
  const inside = (act: (tx: Transaction) => unknown) => () => state.transaction(async (tx) => await act(tx));
  return {
    save: () => state.save(scope, "k", 2, options),
    delete: () => state.delete(scope, "k", options),
    clear: () => state.clear(scope, options),
    copy: () => state.copy(scope, other, options),
    move: () => state.move(scope, other, options),
    update: () => state.update(scope, "k", () => 2, options),
    increment: () => state.increment(scope, "n", 1, options),
    once: () => state.once(scope, "once", () => 2, options),
    transaction: () => state.transaction((tx) => tx.save(scope, "k", 2), options),
    keys: () => state.keys(scope, options).toArray(),
    entries: () => state.entries(scope, options).toArray(),
    scopes: () => state.scopes(options).toArray(),
    "in().save": () => state.in(scope).save("k", 2, options),
    "in().clear": () => state.in(scope).clear(options),
    "in().keys": () => state.in(scope).keys(options).toArray(),
    "clear in a transaction": inside((tx) => tx.clear(scope, options)),
    "save in a transaction": inside((tx) => tx.save(scope, "k", 2, options)),
    "delete in a transaction": inside((tx) => tx.delete(scope, "k", options)),
    "update in a transaction": inside((tx) => tx.update(scope, "k", () => 2, options)),
    "increment in a transaction": inside((tx) => tx.increment(scope, "n", 1, options)),
    "keys in a transaction": inside((tx) => tx.keys(scope, options).toArray()),
    "entries in a transaction": inside((tx) => tx.entries(scope, options).toArray()),
  };
}

/** The verbs among {@linkcode callsOf} that write. */
export const writingCalls: readonly string[] = [
  "save",
  "save as bulk",
  "delete",
  "clear",
  "copy",
  "move",
  "update",
  "increment",
  "once",
  "transaction",
  "in().save",
  "in().transaction",
];

/** A7 and A8. */
export function testErrorsAndClosing(test: Test): void {
  test("A7 isStateError() narrows by code, and is false for anything else", async ({ open }) => {
    const state = await open();
    const error = await failureOf(state.save(scope, "", 1));
    assert(
      isStateError(error) && isStateError(error, "STATE_INVALID_KEY") && isStateError(error, "STATE_CLOSED", "STATE_INVALID_KEY"),
      "its own code",
    );
    assert(!isStateError(error, "STATE_CONFLICT"), "another code");
    for (const other of [new Error("x"), new TypeError("x"), { code: "STATE_CONFLICT" }, null, undefined, "STATE_CONFLICT"]) {
      assert(!isStateError(other), `${String(other)} is no StateError`);
    }
    assert(error instanceof Error && error.name === "StateError" && typeof error.stack === "string", "it is an Error");
  });

  test("A7 retryable is true for a conflict, and false for what would fail again", async ({ open, supports }) => {
    const state = await open({ limits: { valueBytes: 1000 } });
    const cycle: unknown[] = [];
    cycle.push(cycle);
    await state.save(scope, "text", "one");
    const failures: [act: () => Promise<unknown>, code: string, retryable: boolean][] = [
      [() => state.save(scope, "k", 1, { ifRevision: 7 }), "STATE_CONFLICT", true],
      [() => state.save(scope, "", 1), "STATE_INVALID_KEY", false],
      [() => state.save(scope, "k", () => 1), "STATE_INVALID_VALUE", false],
      [() => state.increment(scope, "text"), "STATE_INVALID_VALUE", false],
      [() => state.save(scope, "k", cycle), "STATE_CIRCULAR", false],
      [() => state.save(scope, "k", "x".repeat(2000)), "STATE_TOO_LARGE", false],
      [() => state.save(scope, "password", "hunter2"), "STATE_SECRET", false],
    ];
    if (supports.durability === "memory") {
      failures.push([() => state.save(scope, "k", 1, { class: "critical" }), "STATE_UNSUPPORTED", false]);
    }
    for (const [act, code, retryable] of failures) {
      const error = await failureOf(act, code) as StateError;
      assertEquals([error.code, error.retryable], [code, retryable]);
    }
  });

  test("options of a call that are none are a TypeError that names them, and nothing is written", async ({ open }) => {
    const state = await open();
    await state.save(scope, "k", 1);
    const wrong: readonly [options: unknown, says: RegExp][] = [
      [{ expiresInMS: 5 }, /"expiresInMS": there are [a-z]/],
      [{ misspelt: undefined }, /"misspelt"/],
      [null, /null/],
      [5, /number/],
      ["x", /string/],
      [[], /an array/],
    ];
    for (const [options, says] of wrong) {
      for (const [name, call] of Object.entries(callsWith(state, options as never))) await assertMisuse(call, name, says);
    }
    for (const [name, call] of Object.entries(callsWith(state, { operationId: "x" } as never))) {
      if (name.includes("in a transaction") && !/keys|entries/.test(name)) await assertMisuse(call, name, /belongs to the transaction/);
    }
    assertEquals([await state.entries(scope).toArray(), await state.scopes().toArray()].map((found) => found.length), [1, 1]);
    assertEquals((await state.entry(scope, "k"))?.revision, 1);
  });

  test("an option of a call that is not what it must be is a TypeError that says so, and nothing is written", async ({ open }) => {
    const state = await open();
    const wrong: Readonly<Record<string, readonly [values: readonly unknown[], must: RegExp]>> = {
      operationId: [[5, null, {}], /operationId (5|null|an object): it must be a string/],
      reason: [[5, null, {}], /reason (5|null|an object): it must be a string/],
      signal: [[5, null, {}, new AbortController()], /signal (5|null|an object): it must be an AbortSignal/],
      class: [["fast", null, 5n], /class ("fast"|null|5n): it must be .*"standard"/],
      content: [["secret", null, 5n], /content ("secret"|null|5n): it must be "plain" or "sensitive"/],
      prefix: [[5, null], /prefix (5|null): it must be a string/],
      after: [[5, null], /(after )?(5|null)(: it must be a string| as a scope)/],
      reverse: [["yes", 1, null], /reverse ("yes"|1|null): it must be true or false/],
      wait: [["no", 0, null], /wait ("no"|0|null): it must be true or false/],
      onCommit: [[5, null, {}], /onCommit (5|null|an object): it must be a function/],
    };
    let judged = 0;
    for (const [name, [values, must]] of Object.entries(wrong)) {
      for (const value of values) {
        for (const [verb, call] of Object.entries(callsWith(state, { [name]: value } as never))) {
          const { message } = await failureOf(call, verb) as Error;
          if (/there are|belongs to/.test(message)) continue;
          await assertMisuse(call, `${name} of ${verb}`, must);
          judged++;
        }
      }
    }
    assert(judged > 150, `only ${judged} were judged`);
    assertEquals((await state.inspect()).commit, 0);
  });

  test("what a verb is to run must be a function", async ({ open }) => {
    const state = await open();
    for (const wrong of [undefined, null, 5, {}, "f"]) {
      await assertMisuse(() => state.update(scope, "k", wrong as never), "update", /function/);
      await assertMisuse(() => state.once(scope, "k", wrong as never), "once", /function/);
      await assertMisuse(() => state.transaction(wrong as never), "transaction", /function/);
      await assertMisuse(() => state.transaction((tx) => tx.update(scope, "k", wrong as never)), "update in a transaction", /function/);
    }
    assertEquals(await state.keys(scope).toArray(), []);
  });

  test("A7 an error about an entry names its scope and key, and never its value", async ({ open }) => {
    const state = await open();
    const canary = "canary-7d1f";
    await state.save(scope, "text", canary);
    await state.save(scope, "most", Number.MAX_SAFE_INTEGER);
    const failures = [
      () => state.increment(scope, "most"),
      () => state.save(scope, "conflicted", canary, { ifRevision: 7 }),
      () => state.save(scope, "invalid", { canary, f: () => canary }),
      () => state.save(scope, "secret", canary),
      () => state.increment(scope, "text"),
    ];
    for (const act of failures) {
      const error = await failureOf(act) as StateError;
      assertEquals([error.scope, typeof error.key], [scope, "string"], error.code);
      assert(error.message.includes(`"${error.key}"`) || error.message.includes("$"), `the message should name the key: ${error.message}`);
      assert(
        ![canary, "9007199254740991"].some((value) => error.message.includes(value)),
        `the message should not show the value: ${error.message}`,
      );
    }
  });

  test("A8 every call after close() is STATE_CLOSED", async ({ open }) => {
    const state = await open();
    await state.save(scope, "k", 1);
    const scoped = state.in(scope);
    const cursor = state.keys(scope);
    await state.close();
    for (const [name, call] of Object.entries(callsOf(state))) await assertStateError(call, "STATE_CLOSED", `${name} after close()`);
    await assertStateError(() => scoped.load("k"), "STATE_CLOSED", "a scoped state");
    await assertStateError(() => cursor.toArray(), "STATE_CLOSED", "a cursor from before");
  });

  test("A8 close() twice is fine, also at once, and so is disposing", async ({ open }) => {
    const state = await open();
    await state.save(scope, "k", 1);
    await Promise.all([state.close(), state.close()]);
    await state.close();
    await state[Symbol.asyncDispose]();
    const other = await open();
    await other[Symbol.asyncDispose]();
    await assertStateError(other.load(scope, "k"), "STATE_CLOSED");
  });

  test("A8 close() waits for what was accepted", async ({ open }) => {
    const state = await open();
    const saves = Array.from({ length: 20 }, (_, i) => state.save(scope, `k${i}`, i));
    const bulk = state.save(scope, "bulk", 1, { class: "bulk" });
    await state.close();
    assertEquals((await Promise.all(saves)).length, 20);
    await bulk;
    const other = await open();
    assertEquals((await other.keys(scope).toArray()).length, 21);
  });

  test("A8 what reads before it writes, called right before close(), is committed whole, or STATE_CLOSED with nothing written", async ({ open }) => {
    const calls: Record<string, (state: StateManager) => Promise<unknown>> = {
      increment: (state) => state.increment(scope, "increment"),
      update: (state) => state.update(scope, "update", () => 1),
      transaction: (state) => state.transaction((tx) => tx.save(scope, "transaction", 1)),
      once: (state) => state.once(scope, "once", () => 1),
    };
    for (const [key, call] of Object.entries(calls)) {
      const state = await open();
      const outcome = call(state).then(() => "committed", (error) => isStateError(error, "STATE_CLOSED") ? "closed" : error);
      await state.close();
      const other = await open();
      assertEquals(
        [await outcome, await other.load(scope, key)],
        await other.has(scope, key) ? ["committed", 1] : ["closed", undefined],
        key,
      );
      await other.close();
    }
  });

  test("A8 a transaction that is still running when the state closes is committed whole, or STATE_CLOSED", async ({ open }) => {
    const state = await open();
    const [started, go] = [createGate(), createGate()];
    const running = state.transaction(async (tx) => {
      await tx.save(scope, "k", 1);
      started.open();
      await go.promise;
      await tx.save(scope, "l", 1);
    }).then(() => undefined, (error: unknown) => error);
    await started.promise;
    const closing = state.close();
    go.open();
    await closing;
    const failure = await running;
    assert(failure === undefined || isStateError(failure, "STATE_CLOSED"), `it should be STATE_CLOSED, and is ${failure}`);
    assertEquals(await (await open()).keys(scope).toArray(), failure === undefined ? ["k", "l"] : []);
  });

  test("A8 closing one of two states on one driver leaves the other working", async ({ driver, open }) => {
    const shared = await driver();
    const [one, two] = [await open({ driver: shared }), await open({ driver: shared })];
    const third = await open({ driver: shared, namespace: "third" });
    await one.save(scope, "k", 1);
    await one.close();
    assertEquals(await two.load(scope, "k"), 1);
    await two.save(scope, "k", 2);
    await two.close();
    await third.save(scope, "k", 3);
    assertEquals(await third.load(scope, "k"), 3);
  });
}
