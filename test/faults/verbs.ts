/**
 * Every verb once, on a small store, for tests in which the driver goes wrong beneath it.
 *
 * @module
 */
import { DELETE, type StateManager, StateScope } from "../../mod.ts";

const { agent, user, global } = StateScope;

/** What is there before. */
export async function prepare(state: StateManager): Promise<void> {
  await state.transaction(async (tx) => {
    for (let i = 0; i < 12; i++) await tx.save(agent("a"), `k${i}`, i, i === 5 ? { expiresInMs: 5000 } : {});
    await tx.save(agent("b"), "k1", "other");
    await tx.save(global, "n", 5);
    await tx.save(global, "gone", 1);
  });
  await state.save(global, "long", "long ".repeat(2000));
  await state.delete(global, "gone");
  await state.save(global, "short-lived", 1, { expiresInMs: 1000 });
}

/** One verb: what is done, and what it answers. */
export interface FaultVerb {
  readonly name: string;
  run(state: StateManager): Promise<unknown>;
  /** It changes nothing that is stored. @default false */
  readonly isRead?: boolean;
  /** Several calls: they are one commit only where a batch holds them all. @default false */
  readonly isMany?: boolean;
  /** A failed call keeps what it was given, and it is written later. @default false */
  readonly isBehind?: boolean;
}

const text = (length: number) => Array.from({ length }, (_, i) => String.fromCharCode(97 + i * i % 26)).join("");

/** Every verb. */
export const faultVerbs: readonly FaultVerb[] = [
  { name: "save of a new entry", run: (state) => state.save(global, "new", 1).then(({ revision }) => revision) },
  { name: "save over an entry", run: (state) => state.save(global, "n", { a: 1 }, { reason: "why" }).then(({ revision }) => revision) },
  { name: "save over a deleted entry", run: (state) => state.save(global, "gone", 2).then(({ revision }) => revision) },
  { name: "save over a long value", run: (state) => state.save(global, "long", text(9000)).then(({ revision }) => revision) },
  { name: "save of an archived value", run: (state) => state.save(global, "archive:x", text(9000)).then(({ revision }) => revision) },
  { name: "save of a critical entry", run: (state) => state.save(global, "critical:x", 1).then(({ revision }) => revision) },
  {
    name: "save with an expiry",
    run: (state) => state.save(global, "short-lived", 2, { expiresInMs: 50 }).then(({ revision }) => revision),
  },
  { name: "save with an operation id", run: (state) => state.save(global, "n", 6, { operationId: "o1" }).then(({ revision }) => revision) },
  { name: "save with a precondition", run: (state) => state.save(global, "n", 6, { ifRevision: 1 }).then(({ revision }) => revision) },
  {
    name: "save of an ephemeral entry over a stored one",
    run: (state) => state.save(global, "n", 6, { class: "ephemeral" }).then(() => 0),
  },
  {
    name: "save of a bulk entry, and flush",
    isBehind: true,
    run: async (state) => {
      await state.save(agent("a"), "bulk", text(5000), { class: "bulk" });
      await state.flush();
    },
  },
  { name: "delete", run: (state) => state.delete(agent("a"), "k3") },
  { name: "delete of a long value", run: (state) => state.delete(global, "long", { operationId: "o2" }) },
  { name: "update at once", run: (state) => state.update<number>(global, "n", (n) => n! * 3) },
  { name: "update later", run: (state) => state.update<number>(global, "n", (n) => Promise.resolve(n! * 3), { operationId: "o3" }) },
  { name: "update of a long value", run: (state) => state.update<string>(global, "long", (long) => `${long}!`) },
  { name: "update that deletes", run: (state) => state.update<number>(global, "n", () => DELETE) },
  { name: "increment", run: (state) => state.increment(global, "n", 2) },
  { name: "increment with an operation id", run: (state) => state.increment(global, "n", 2, { operationId: "o4" }) },
  {
    name: "transaction",
    run: (state) =>
      state.transaction(async (tx) => {
        const keys = await tx.keys(agent("a")).toArray();
        await tx.save(agent("a"), "count", keys.length);
        await tx.delete(agent("a"), "k2");
        await tx.save(global, "long", text(7000));
        return await tx.increment(global, "n");
      }),
  },
  {
    name: "transaction of many writes with an operation id",
    run: (state) =>
      state.transaction(async (tx) => {
        for (let i = 0; i < 30; i++) await tx.save(user("u"), `k${i}`, text(300));
        await tx.delete(global, "n");
        return "done";
      }, { operationId: "o5" }),
  },
  { name: "once", run: (state) => state.once(global, "result", () => ({ answer: 42 })) },
  { name: "once with an operation id", run: (state) => state.once(global, "result", () => text(5000), { operationId: "o6" }) },
  { name: "clear", run: (state) => state.clear(agent("a")) },
  { name: "clear of a prefix with an operation id", run: (state) => state.clear(agent("a"), { prefix: "k1", operationId: "o7" }) },
  { name: "copy", run: (state) => state.copy(agent("a"), agent("b")) },
  { name: "copy of a long value with an operation id", run: (state) => state.copy(global, user("u"), { operationId: "o8" }) },
  { name: "move", run: (state) => state.move(agent("a"), agent("b")) },
  {
    name: "calls at once",
    isMany: true,
    run: (state) =>
      Promise.all([
        state.increment(global, "n"),
        state.increment(global, "n"),
        state.save(agent("c"), "x", 1).then(() => 0),
        state.delete(agent("a"), "k5"),
      ]),
  },
  { name: "load", isRead: true, run: (state) => state.load(global, "long") },
  { name: "loadMany", isRead: true, run: (state) => state.loadMany(agent("a"), ["k1", "k2", "none"]) },
  { name: "has", isRead: true, run: (state) => state.has(global, "n") },
  { name: "keys", isRead: true, run: (state) => state.keys(agent("a"), { prefix: "k1", reverse: true }).toArray() },
  {
    name: "entries",
    isRead: true,
    run: (state) => state.entries(agent("a"), { limit: 3 }).toArray().then((all) => all.map(({ value }) => value)),
  },
  { name: "scopes", isRead: true, run: (state) => state.scopes().toArray() },
  { name: "inspect", isRead: true, run: (state) => state.inspect().then(({ entries }) => entries) },
  { name: "a transaction that reads", isRead: true, run: (state) => state.transaction((tx) => tx.load(global, "n")) },
];
