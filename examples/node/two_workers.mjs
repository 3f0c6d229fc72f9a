/**
 * Two workers of one program that share an agent's state, in plain JavaScript:
 *
 *     node two_workers.mjs                        in memory
 *     node two_workers.mjs fs:./agents            in a folder of files
 *     node two_workers.mjs sqlite:./agents.db     in one file, on Node 22.13 or later
 */
import { DELETE, isStateError, openState, StateScope } from "@llmspell/state-persistence";
import { openDriver } from "@llmspell/state-persistence/adapters/open";
import assert from "node:assert/strict";
import process from "node:process";

const driver = await openDriver(process.argv[2] ?? "memory:");
// Two states on one driver act like two processes on one store.
const workers = await Promise.all([openState({ driver }), openState({ driver })]);
try {
  const [first, second] = workers.map((state) => state.in(StateScope.session("s1")));

  // What one has saved, the other finds: the same types, and nothing shared.
  await first.save("todo", new Map([["pack", { by: new Date(0), bags: 2n }], ["fly", { by: new Date(86_400_000), bags: 0n }]]));
  const todo = await second.load("todo");
  assert.deepEqual([...todo.keys()], ["pack", "fly"]);
  assert.deepEqual(todo.get("pack"), { by: new Date(0), bags: 2n });

  // Who read an old revision does not overwrite what it has not seen.
  const seen = await first.entry("todo");
  await second.update("todo", (current) => new Map([...current].filter(([task]) => task !== "pack")));
  await assert.rejects(
    first.save("todo", seen.value, { ifRevision: seen.revision }),
    (error) => isStateError(error, "STATE_CONFLICT") && error.details.actual === seen.revision + 1,
  );
  assert.deepEqual([...(await first.load("todo")).keys()], ["fly"]);

  // Nobody's step is lost, however they interleave.
  await first.delete("steps");
  await Promise.all(Array.from({ length: 100 }, (_, i) => [first, second][i % 2].increment("steps")));
  assert.equal(await first.load("steps"), 100);

  await first.update("todo", () => DELETE);
  assert.equal(await second.has("todo"), false);
  console.log("Two workers, 100 steps, one list: all as it should be.");
} finally {
  for (const state of workers) await state.close();
}
