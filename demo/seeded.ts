/**
 * Trajectories made from a seed, of the shape of real ones.
 *
 * @module
 */
import type { Message, Trajectory } from "./trajectory.ts";

/** How many trajectories stand in for a trace. */
const runs = 200;

/**
 * Characters of a message without its instruction: the middle, and how far the largest goes. Like the airline runs of
 * tau-bench, an instruction of 6 KB, then 6 to 62 turns, most of them short and a few tool results of up to 9 KB.
 */
const lengths = {
  system: 6200,
  user: { middle: 100, most: 350 },
  assistant: { middle: 270, most: 1300 },
  arguments: { middle: 60, most: 1000 },
  tool: { middle: 600, most: 9000 },
} as const;

/** The same seed gives the same trajectories, on every machine. */
export function seededTrajectories(seed: number): readonly Trajectory[] {
  const random = randomFrom(seed);
  const instruction: Message = { role: "system", content: text(random, lengths.system) };
  return Array.from({ length: runs }, (_, run) => {
    const messages = [instruction];
    const turns = 6 + Math.floor(random() ** 1.8 * 57);
    while (messages.length < turns) {
      if (["system", "assistant"].includes(messages.at(-1)!.role)) messages.push({ role: "user", content: text(random, lengths.user) });
      else if (random() < 0.48) messages.push(...toolUse(random, `call_${run}_${messages.length}`));
      else messages.push({ role: "assistant", content: text(random, lengths.assistant) });
    }
    return { run, messages };
  });
}

function toolUse(random: () => number, id: string): readonly Message[] {
  const name = ["get_user_details", "search_flights", "book_reservation"][Math.floor(random() * 3)]!;
  const call = { id, type: "function", function: { name, arguments: JSON.stringify({ query: text(random, lengths.arguments) }) } };
  return [
    { role: "assistant", content: null, tool_calls: [call] },
    { role: "tool", tool_call_id: id, name, content: JSON.stringify({ result: text(random, lengths.tool) }) },
  ];
}

/** Words of some length: exactly so long, or about the middle with a long tail. */
function text(random: () => number, length: number | { readonly middle: number; readonly most: number }): string {
  const wanted = typeof length === "number" ? length : Math.min(length.most, length.middle * 4 ** (2 * random() - 1) * (0.5 + random()));
  let words = "";
  while (words.length < wanted) words += `${syllables[Math.floor(random() * syllables.length)]}${random() < 0.4 ? " " : ""}`;
  return words;
}

const syllables = [
  "ka",
  "lo",
  "mi",
  "ren",
  "tas",
  "ü",
  "no",
  "ver",
  "éa",
  "shi",
  "飛",
  "🛫",
  "do",
  "\n",
  '"',
  "17",
  "pol",
  "an",
  "er",
  "st",
];

/** Numbers in [0, 1). @see https://gist.github.com/tommyettinger/46a874533244883189143505d203312c (mulberry32, public domain) */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
