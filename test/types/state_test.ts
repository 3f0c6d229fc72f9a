/** What a program's first lines look like to the compiler. Lines that must not compile stand in functions that nobody calls. */
import {
  type Entry,
  openState,
  type ScopedState,
  type StateManager,
  StateScope,
  type Supports,
  type TransactionOptions,
} from "../../mod.ts";
import { memory } from "../../adapters/memory.ts";
import assert from "node:assert/strict";
import { type Equal, expectType } from "./expect.ts";

Deno.test("openState() gives a StateManager that `await using` closes, and in() the same verbs without the scope", async () => {
  await using state = await openState({ driver: memory() });
  expectType<Equal<typeof state, StateManager>>();
  const agent = state.in(StateScope.agent("gpt-4"));
  expectType<Equal<typeof agent, ScopedState>>();
  const receipt = await agent.save("seen", new Map([["alice", new Date(0)]]));
  expectType<Equal<typeof receipt.revision, number>>();
  expectType<Equal<typeof receipt.commit, number>>();
  assert.deepEqual(await agent.load("seen"), new Map([["alice", new Date(0)]]));
});

Deno.test("load() under a plain string is unknown until the caller says more", async () => {
  await using state = await openState();
  const told = await state.load(StateScope.global, "history");
  expectType<Equal<typeof told, unknown>>();
  const claimed = await state.load<readonly string[]>(StateScope.global, "history");
  expectType<Equal<typeof claimed, readonly string[] | undefined>>();
  const entry = await state.entry<number>(StateScope.global, "n");
  expectType<Equal<typeof entry, Entry<number> | undefined>>();
  const several = await state.loadMany<number>(StateScope.global, ["a", "b"]);
  expectType<Equal<typeof several, Map<string, number>>>();
  const keys = await state.keys(StateScope.global).toArray();
  expectType<Equal<typeof keys, string[]>>();
  const first = await state.entries<number>(StateScope.global).first();
  expectType<Equal<typeof first, Entry<number> | undefined>>();
  const scopes = await state.scopes({ type: "agent" }).toArray();
  expectType<Equal<typeof scopes, StateScope[]>>();
  assert.deepEqual([told, claimed, entry, several.size, keys, first, scopes], [undefined, undefined, undefined, 0, [], undefined, []]);
});

Deno.test("once() and transaction() give what their function gives", async () => {
  await using state = await openState();
  const charge = (order: string, key: string) => Promise.resolve({ chargeId: `${order}/${key.length}` });
  const step = state.in(StateScope.step("order", "charge"));
  const result = await step.once("result", ({ id }) => charge("17", id), { wait: false });
  expectType<Equal<typeof result, { chargeId: string }>>();
  const count = await state.transaction(() => 1);
  expectType<Equal<typeof count, number>>();
  const text = await step.transaction(async (tx) => {
    await tx.save("a", 1);
    return "done";
  });
  expectType<Equal<typeof text, string>>();
  assert.deepEqual([result.chargeId, count, text], ["17/32", 1, "done"]);
});

Deno.test("supports and recovered say what they are", async () => {
  await using state = await openState();
  expectType<Equal<typeof state.supports, Supports>>();
  expectType<Equal<typeof state.supports.writers, "many" | "one">>();
  const { replayed } = state.recovered;
  expectType<Equal<typeof replayed, number>>();
  assert.equal(replayed, 0);
});

Deno.test("a transaction's options are those of a whole commit, its verbs' those of one write", () => {
  const refused = async (state: StateManager) => {
    // @ts-expect-error: a transaction has no one revision
    await state.transaction((tx) => tx.has(StateScope.global, "a"), { ifRevision: 3 });
    // @ts-expect-error: the operation id is the transaction's own
    await state.transaction((tx) => tx.save(StateScope.global, "a", 1, { operationId: "inner" }));
    // @ts-expect-error: and so is the reason
    await state.transaction((tx) => tx.delete(StateScope.global, "a", { reason: "inner" }));
    // @ts-expect-error: a transaction is one commit, so its writes have no receipt of their own
    await state.transaction(async (tx) => (await tx.save(StateScope.global, "a", 1)).revision);
    // @ts-expect-error: no transaction in a transaction
    await state.transaction((tx) => tx.transaction(() => 1));
  };
  const options: TransactionOptions = { attempts: 3, operationId: "a", reason: "why", onCommit: ({ commit }) => commit.toFixed() };
  assert.equal(typeof refused, "function");
  assert.equal(options.attempts, 3);
});

Deno.test("options that are none do not compile", () => {
  const refused = async (state: StateManager) => {
    // @ts-expect-error: no such class
    await state.save(StateScope.global, "a", 1, { class: "fast" });
    // @ts-expect-error: no such option
    await state.save(StateScope.global, "a", 1, { expires: 5 });
    // @ts-expect-error: no such scope
    await state.load({ type: "team", id: "x" }, "a");
    // @ts-expect-error: a scope is no text
    await state.load("agent:gpt-4", "a");
    // @ts-expect-error: only "none" is there in this version
    await openState({ history: "all" });
    // @ts-expect-error: no such limit
    await openState({ limits: { keys: 5 } });
  };
  assert.equal(typeof refused, "function");
});

Deno.test("a function that wants no more than load() takes a StateManager", async () => {
  const read = (from: { load<T>(scope: StateScope, key: string): Promise<T | undefined> }) => from.load<number>(StateScope.global, "n");
  await using state = await openState();
  assert.equal(await read(state), undefined);
});
