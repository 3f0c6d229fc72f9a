/**
 * Ordinary operations that turn out too large for one batch.
 *
 * @module
 */
import type { ChangeDraft, Operation, WideOperation } from "./operation.ts";

/** An ordinary operation that is too large for a batch, as a wide one. */
export function widen<R>(operation: Operation<R>): WideOperation<R> {
  const { verb, bytes, operationId } = operation;
  return {
    verb,
    bytes,
    operationId,
    settled: () => operation.settled?.(),
    isNumbered: true,
    async *scan(scan) {
      const seen = await scan.slots(operation.paths);
      const changes: ChangeDraft[] = [];
      const result = operation.run({ ...scan, slot: (path) => seen.get(path)!, put: (change) => changes.push(change) });
      yield* changes.sort((a, b) => a.path < b.path ? -1 : 1);
      return result;
    },
  };
}
