/**
 * What checkpoints of a log add to each commit: calls that write, and bytes.
 *
 * @module
 */
import { type Driver, openState, StateScope } from "@llmspell/state-persistence";
import { valuesOf } from "./values.ts";

/** Commits that are measured. */
const COMMITS = 2_000;

/** Saves one value after the other, and sums up what is written beside the frames. */
export async function measureCheckpoints(driver: Driver): Promise<{ readonly calls: number; readonly bytes: number }> {
  let calls = 0;
  let bytes = 0;
  const { create, removeItem } = driver;
  const state = await openState({
    driver: {
      ...driver,
      create: (key, value) => {
        calls++;
        bytes += value.length;
        return create!(key, value);
      },
      removeItem: (key) => {
        calls++;
        return removeItem!(key);
      },
    },
  });
  const values = valuesOf("1 KB", 97);
  for (let i = 0; i < COMMITS; i++) await state.save(StateScope.agent("bench"), `key-${i % 256}`, values[i % values.length]);
  await state.close();
  return { calls: calls / COMMITS, bytes: bytes / COMMITS };
}
