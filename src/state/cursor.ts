/**
 * Reading page by page.
 *
 * @module
 */

/** Iterate it, or take it whole. Each use begins anew. */
export interface Cursor<T> extends AsyncIterable<T> {
  /** All items. */
  toArray(): Promise<T[]>;
  /** The first item; reads no more than it takes. */
  first(): Promise<T | undefined>;
}

/** A cursor over what `start` yields. `wrap` sees every promise that is handed out. */
export function createCursor<T>(
  start: (limit?: number) => AsyncGenerator<T>,
  wrap: <V>(promise: Promise<V>) => Promise<V> = (promise) => promise,
): Cursor<T> {
  const toArray = async () => {
    const all: T[] = [];
    for await (const item of start()) all.push(item);
    return all;
  };
  const first = async () => {
    for await (const item of start(1)) return item;
    return undefined;
  };
  return {
    toArray: () => wrap(toArray()),
    first: () => wrap(first()),
    [Symbol.asyncIterator]() {
      const items = start();
      return {
        next: () => wrap(items.next()),
        return: () => wrap(items.return(undefined)),
      };
    },
  };
}
