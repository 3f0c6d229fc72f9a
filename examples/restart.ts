/**
 * An agent that remembers across restarts, in a folder of files. Run it twice:
 *
 *     deno run -A examples/restart.ts /tmp/agents
 */
import { openState, StateScope } from "@llmspell/state-persistence";
import { fs } from "@llmspell/state-persistence/adapters/fs";
import assert from "node:assert/strict";

interface Visit {
  readonly number: number;
  readonly at: Date;
}

const [folder] = Deno.args;
if (folder === undefined) throw new TypeError("Cannot run: say where the state goes, as in /tmp/agents");

await using state = await openState({ driver: fs(folder) });
const agent = state.in(StateScope.agent("greeter"));

// Both or neither: whoever kills this process never finds a visit that was not counted.
const visits = await agent.transaction(async (tx) => {
  const number = await tx.increment("starts");
  const before = await tx.load<Visit[]>("visits") ?? [];
  const after = [...before, { number, at: new Date() }];
  await tx.save("visits", after);
  return after;
});

assert.deepEqual(visits.map(({ number }) => number), visits.map((_, i) => i + 1));
assert.ok(visits.every(({ at }) => at instanceof Date), "a Date comes back as a Date");
console.log(
  visits.length === 1
    ? "The first start: hello."
    : `Start number ${visits.length}; the one before was at ${visits.at(-2)!.at.toISOString()}.`,
);
