/**
 * What is saved: messages of a conversation, as JSON knows them, so that every contender can store them.
 *
 * @module
 */

/** One message of about 1 KB, or a conversation of sixteen. */
export type Size = "1 KB" | "16 KB";

/** Different values of one size. */
export function valuesOf(size: Size, count: number): readonly unknown[] {
  return Array.from({ length: count }, (_, i) => size === "1 KB" ? message(i) : Array.from({ length: 16 }, (_, k) => message(16 * i + k)));
}

const words = "the agent reads a reservation, asks for the date and — as “policy” demands — waits for a clear yes before it books".split(
  " ",
);

function message(i: number): unknown {
  const content = Array.from({ length: 150 }, (_, k) => words[(i * 7 + k * (1 + i % 5)) % words.length]).join(" ");
  return {
    id: `msg_${i.toString(36).padStart(8, "0")}`,
    role: i % 2 === 0 ? "user" : "assistant",
    content,
    tokens: 180 + i % 40,
    tool_calls: [{ id: `call_${i}`, function: { name: "search_flights", arguments: { from: "OSL", to: "NRT", seats: i % 4 } } }],
  };
}
