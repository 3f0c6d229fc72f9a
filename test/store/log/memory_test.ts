import assert from "node:assert/strict";
import { Memory } from "../../../src/store/log/memory.ts";
import type { Frame } from "../../../src/store/log/frame.ts";

function frame(number: number, ...ops: Frame["ops"]): Frame {
  return { number, prev: "", writer: "w", digest: "", ops, line: "x".repeat(100) };
}

function filled(): Memory {
  const memory = new Memory();
  memory.apply(frame(1, ["a", "A1"], ["b", "B1"]));
  memory.apply(frame(2, ["a", undefined], ["d", "D2"]));
  memory.apply(frame(3, ["c", "C3"]));
  return memory;
}

Deno.test("get() gives what the newest frame says, and undefined of what none speaks of", () => {
  const memory = filled();
  assert.deepEqual(memory.get("a"), { value: undefined, frame: 2 });
  assert.equal(memory.get("b")?.value, "B1");
  assert.equal(memory.get("x"), undefined);
  assert.deepEqual([memory.frames, memory.bytes], [3, 300]);
});

Deno.test("forget() forgets what no later frame has said again", () => {
  const memory = filled();
  memory.forget(1);
  assert.deepEqual(memory.sorted(), [["a", undefined], ["c", "C3"], ["d", "D2"]]);
  assert.deepEqual([memory.frames, memory.bytes], [2, 200]);
  memory.forget(3);
  assert.deepEqual([memory.sorted(), memory.frames, memory.bytes], [[], 0, 0]);
});

Deno.test("slice() gives a range in order, as it was when it was asked for", () => {
  const memory = filled();
  const range = { prefix: "", after: "a", reverse: false };
  const slice = memory.slice(range);
  const reversed = memory.slice({ ...range, after: "d", reverse: true });
  memory.apply(frame(4, ["b", "later"], ["bb", "later"]));
  assert.deepEqual(slice("a"), { entries: [["b", "B1"], ["c", "C3"], ["d", "D2"]], isWhole: true });
  assert.deepEqual(slice("b").entries, [["c", "C3"], ["d", "D2"]]);
  assert.deepEqual(reversed("d").entries, [["c", "C3"], ["b", "B1"], ["a", undefined]]);
  assert.deepEqual(memory.slice({ prefix: "b", after: undefined, reverse: false })(undefined).entries, [["b", "later"], ["bb", "later"]]);
});
