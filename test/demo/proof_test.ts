import assert from "node:assert/strict";
import { remember, scopeOf } from "../../demo/agent.ts";
import { ownConversation } from "../../demo/conversation.ts";
import { prove } from "../../demo/proof.ts";
import { openState } from "../../src/open.ts";
import { StateScope } from "../../src/keys/scopes.ts";
import type { StateManager } from "../../src/state/manager.ts";

const trajectories = ownConversation().slice(0, 2);
const [first] = trajectories as [(typeof trajectories)[number]];

/** A state in which three turns of each agent are saved. */
async function lived(): Promise<StateManager> {
  const state = await openState();
  for (const trajectory of trajectories) {
    for (const turns of [1, 2, 3]) await remember(state.in(scopeOf(trajectory)), trajectory.messages.slice(0, turns));
  }
  return state;
}

Deno.test("prove() of what was saved finds nothing wrong", async () => {
  await using state = await lived();
  assert.deepEqual(await prove(state, trajectories, [3, 2]), { turns: [3, 3], lost: 0, torn: 0, problems: [] });
});

Deno.test("prove() counts acknowledged turns that are not stored", async () => {
  await using state = await lived();
  const { lost, torn } = await prove(state, trajectories, [5, 3]);
  assert.deepEqual({ lost, torn }, { lost: 2, torn: 0 });
});

Deno.test("prove() finds a changed message, a half commit and what nobody saved", async () => {
  const scope = scopeOf(first);
  const damages: readonly (readonly [string, (state: StateManager) => Promise<unknown>])[] = [
    ["message 2 is not what was said", (state) => state.save(scope, "messages", first.messages.slice(0, 3).with(1, first.messages[2]!))],
    ["status and its messages are of different turns", (state) => state.save(scope, "messages", first.messages.slice(0, 2))],
    ["status and its messages are of different turns", (state) => state.delete(scope, "messages")],
    ["status and its messages are of different turns", (state) => state.delete(scope, "status")],
    ["42 messages are stored, and 41 were ever said", (state) => state.save(scope, "messages", [...first.messages, first.messages[0]])],
    ["its messages are no array", (state) => state.save(scope, "messages", "three")],
    ['agent:run-0 "draft": nobody saved it', (state) => state.save(scope, "draft", 1)],
    ['agent:run-9 "status": nobody saved it', (state) => state.save(StateScope.agent("run-9"), "status", 1)],
  ];
  for (const [problem, damage] of damages) {
    await using state = await lived();
    await damage(state);
    const { torn, problems } = await prove(state, trajectories, [0, 0]);
    assert.equal(torn, 1, problem);
    assert.ok(problems[0]!.includes(problem), problems[0]);
  }
});

Deno.test("remember() refuses a turn that another process took", async () => {
  await using state = await lived();
  await assert.rejects(remember(state.in(scopeOf(first)), first.messages.slice(0, 3)), /Somebody else took turn 3/);
});
