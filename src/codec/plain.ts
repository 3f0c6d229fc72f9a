/**
 * Telling plain JSON values from all others: most of what saving costs, most of the time.
 *
 * @module
 */

/**
 * Whether `JSON.stringify` and `JSON.parse` give this value back as it is: `null`, booleans, strings, finite numbers
 * but -0, and dense arrays and plain objects of these, none met twice and none deeper than `maxDepth`.
 *
 * It only says no; where and why is found by the writer. Properties are read once here and once again by
 * `JSON.stringify`, so that an accessor that changes its answer is stored as it answered last.
 */
export function isPlainJson(value: unknown, maxDepth: number): boolean {
  // A set gives what is added to it while it is being read: it is the queue of a breadth-first walk too.
  const nodes = new Set<object>();
  const queue = nodes.values();
  let items: readonly unknown[] | undefined = [value];
  let met = 0;
  for (let read = 0, depth = 0, levelEnd = 0;; read++) {
    if (items === undefined || (items.length > 0 && depth > maxDepth)) return false;
    for (let at = 0; at < items.length; at++) {
      const item = items[at];
      if (isJsonPrimitive(item)) continue;
      if (typeof item !== "object") return false;
      // `isJsonPrimitive` has let null pass.
      nodes.add(item!);
      if (nodes.size !== ++met) return false;
    }
    if (read === levelEnd) {
      levelEnd = met;
      depth++;
    }
    const next = queue.next();
    if (next.done) return true;
    items = itemsOf(next.value);
  }
}

/** Whether JSON has this value, and it is no array or object. */
function isJsonPrimitive(value: unknown): boolean {
  switch (typeof value) {
    case "string":
    case "boolean":
      return true;
    case "number":
      return value === 0 ? 1 / value > 0 : value - value === 0;
    default:
      return value === null;
  }
}

function itemsOf(node: object): readonly unknown[] | undefined {
  const prototype = Object.getPrototypeOf(node);
  const keys = Object.keys(node);
  if (Object.getOwnPropertySymbols(node).length > 0) return undefined;
  if (Array.isArray(node)) return prototype === Array.prototype && keys.length === node.length ? node : undefined;
  // V8 gives the values of an object faster, by a third of the whole walk, if its keys have been asked for before.
  return prototype === Object.prototype ? Object.values(node) : undefined;
}
