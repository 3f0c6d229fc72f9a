/**
 * Operations a second, in interleaved rounds: whatever slows the machine down for a while slows all contenders down.
 *
 * @module
 */
import type { Contender } from "./contenders.ts";
import { median, quantile } from "./quantile.ts";
import { type Size, valuesOf } from "./values.ts";

/** One thing to measure. */
export interface Case {
  readonly verb: "save" | "load";
  readonly size: Size;
  /** Calls under way at the same time. */
  readonly atOnce: number;
}

/** How long to measure. */
export interface Effort {
  readonly rounds: number;
  /** Of one contender in one round. */
  readonly sliceMs: number;
}

/** Operations a second. */
export interface Rate {
  readonly median: number;
  /** Half of the range that the middle half of the rounds lies in. */
  readonly spread: number;
}

/** Entries that are saved and loaded in turn. */
const keys: readonly string[] = Array.from({ length: 256 }, (_, i) => `message-${i}`);

/** Measures the contenders side by side; rates in their order. */
export async function measure(
  { verb, size, atOnce }: Case,
  contenders: readonly Contender[],
  { rounds, sliceMs }: Effort,
): Promise<readonly Rate[]> {
  // One fewer than keys, so that no save finds its own value: SQLite would see that and write nothing.
  const values = valuesOf(size, keys.length - 1);
  const runs = contenders.map((contender) => {
    let at = 0;
    const call = (): unknown => {
      const key = keys[at++ % keys.length]!;
      return verb === "save" ? contender.save(key, values[at % values.length]) : contender.load(key);
    };
    return () => perSecond(call, atOnce, sliceMs);
  });
  // Loads need something to load, and every contender a round to warm up.
  for (const contender of contenders) await Promise.all(keys.map((key, i) => contender.save(key, values[i % values.length])));
  for (const run of runs) await run();
  const rates: number[][] = contenders.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (const [i, run] of runs.entries()) rates[i]!.push(await run());
  }
  return rates.map(summarise);
}

async function perSecond(call: () => unknown, atOnce: number, sliceMs: number): Promise<number> {
  let calls = 0;
  const start = performance.now();
  let elapsed = 0;
  while (elapsed < sliceMs) {
    if (atOnce === 1) await call();
    else await Promise.all(Array.from({ length: atOnce }, call));
    calls += atOnce;
    elapsed = performance.now() - start;
  }
  return calls * 1000 / elapsed;
}

function summarise(rates: readonly number[]): Rate {
  return { median: median(rates), spread: (quantile(rates, 0.75) - quantile(rates, 0.25)) / 2 };
}
