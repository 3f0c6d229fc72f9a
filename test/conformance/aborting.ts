/**
 * An aborted signal rejects with its own reason, and then nothing was written.
 *
 * @module
 */
import { StateScope } from "../../src/keys/scopes.ts";
import type { StateManager } from "../../src/state/manager.ts";
import { assert, assertEquals, failureOf } from "./assert.ts";
import { createGate, type Test } from "./suite.ts";

const scope = StateScope.user("u");

/** Each writing verb with a signal. */
const verbs: Readonly<Record<string, (state: StateManager, signal: AbortSignal) => Promise<unknown>>> = {
  save: (state, signal) => state.save(scope, "k", 2, { signal }),
  "save as bulk": (state, signal) => state.save(scope, "k", 2, { signal, class: "bulk" }),
  "save of a large value": (state, signal) => state.save(scope, "k", "x".repeat(200_000), { signal }),
  delete: (state, signal) => state.delete(scope, "k", { signal }),
  clear: (state, signal) => state.clear(scope, { signal }),
  copy: (state, signal) => state.copy(scope, StateScope.user("v"), { signal }),
  move: (state, signal) => state.move(scope, StateScope.user("v"), { signal }),
  update: (state, signal) => state.update<number>(scope, "k", (n) => n! + 1, { signal }),
  "update that takes its time": (state, signal) => state.update<number>(scope, "k", async (n) => await Promise.resolve(n! + 1), { signal }),
  increment: (state, signal) => state.increment(scope, "k", 1, { signal }),
  once: (state, signal) => state.once(scope, "o", () => 2, { signal }),
  transaction: (state, signal) => state.transaction((tx) => tx.save(scope, "k", 2), { signal }),
};

/** `signal` in every verb. */
export function testAborting(test: Test): void {
  test("a signal aborted before the call rejects with its reason, and nothing is written", async ({ open }) => {
    const state = await open();
    await state.save(scope, "k", 1);
    for (const reason of [new Error("enough"), "a text", undefined]) {
      const abort = new AbortController();
      abort.abort(reason);
      for (const [name, verb] of Object.entries(verbs)) {
        assertEquals(await failureOf(verb(state, abort.signal), name), abort.signal.reason, name);
      }
    }
    await state.flush();
    assertEquals([await state.load(scope, "k"), await state.keys(scope).toArray(), (await state.inspect()).commit], [1, ["k"], 1]);
  });

  test("a signal aborted right after the call leaves all or nothing, and says which", async ({ open }) => {
    for (const [name, verb] of Object.entries(verbs)) {
      const state = await open({ namespace: name });
      await state.save(scope, "k", 1);
      const abort = new AbortController();
      const call = verb(state, abort.signal).then(() => undefined, (error: unknown) => ({ error }));
      const reason = new Error(name);
      abort.abort(reason);
      const failure = await call;
      await state.flush();
      const { commit } = await (await open({ namespace: name })).inspect();
      // A lease that was taken and given back is a commit of once's own.
      if (failure === undefined) assert(commit > 1, `${name} resolved, and nothing is written`);
      else {
        assertEquals(failure.error, reason, name);
        if (name !== "once") assertEquals(commit, 1, `${name} rejected, and is written`);
        assertEquals([await state.load(scope, "k"), await state.has(scope, "o")], [1, false], name);
      }
    }
  });

  test("a transaction aborted while its function runs commits nothing", async ({ open }) => {
    const state = await open();
    const abort = new AbortController();
    const reason = new Error("enough");
    const failure = await failureOf(state.transaction(async (tx) => {
      await tx.save(scope, "k", 1);
      abort.abort(reason);
    }, { signal: abort.signal }));
    assertEquals([failure, await state.keys(scope).toArray()], [reason, []]);
  });

  test("an update aborted while its function runs writes nothing", async ({ open }) => {
    const state = await open();
    await state.save(scope, "k", 1);
    const abort = new AbortController();
    const reason = new Error("enough");
    const failure = await failureOf(state.update<number>(scope, "k", async (n) => {
      abort.abort(reason);
      return await Promise.resolve(n! + 1);
    }, { signal: abort.signal }));
    assertEquals([failure, await state.load(scope, "k"), (await state.inspect()).commit], [reason, 1, 1]);
  });

  test("once() hands its caller's abort on to the function by attempt.signal, and the next one runs", async ({ open }) => {
    const state = await open();
    const abort = new AbortController();
    const reason = new Error("enough");
    const started = createGate();
    const running = failureOf(state.once(scope, "o", async ({ signal }) => {
      started.open();
      await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    }, { signal: abort.signal }));
    await started.promise;
    abort.abort(reason);
    assertEquals(await running, reason);
    assertEquals(await state.once(scope, "o", () => "next", { wait: false }), "next");
  });

  test("a signal that is aborted later does nothing to what is done", async ({ open }) => {
    const state = await open();
    const abort = new AbortController();
    await state.save(scope, "k", 1, { signal: abort.signal });
    abort.abort(new Error("late"));
    assertEquals([await state.load(scope, "k"), await (await open()).load(scope, "k")], [1, 1]);
    assertEquals((await state.save(scope, "k", 2)).revision, 2);
  });
}
