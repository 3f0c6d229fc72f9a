/**
 * Bytes that a commit adds to the log beyond the key and the value that it is about.
 *
 * @module
 */
import { openState, StateScope } from "@llmspell/state-persistence";
import { valuesOf } from "./values.ts";

/** Bytes a commit, on the average of many. */
export interface EnvelopeBytes {
  /** Saves of one key at a time. */
  readonly alone: number;
  /** Saves that share records. */
  readonly grouped: number;
}

const commits = 256;

/** Measures the log of a state in memory. The scope, as text, counts as part of the key. */
export async function measureEnvelope(): Promise<EnvelopeBytes> {
  await using state = await openState();
  const scope = StateScope.agent("run-17");
  const values = valuesOf("1 KB", commits);
  const bytes = (text: string): number => new TextEncoder().encode(text).length;
  const content = values.reduce<number>((sum, value) => sum + bytes(StateScope.format(scope) + "messages" + JSON.stringify(value)), 0);
  const logged = async (write: () => Promise<unknown>): Promise<number> => {
    const { bytes: { log: before } } = await state.inspect();
    await write();
    return ((await state.inspect()).bytes.log - before - content) / commits;
  };
  return {
    alone: await logged(async () => {
      for (const value of values) await state.save(scope, "messages", value);
    }),
    grouped: await logged(() => Promise.all(values.map((value) => state.save(scope, "messages", value)))),
  };
}
