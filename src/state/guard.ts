/**
 * Telling that the outer state is used inside a transaction.
 *
 * Web standards have no way yet to follow an asynchronous call, so this watches the two moments that can be known: the
 * synchronous beginning of the transaction's function, and what runs right after one of the transaction's own promises.
 *
 * @module
 */

/** Knows whether the code that runs now belongs to a transaction. */
export class Guard {
  #depth = 0;

  /** Whether a transaction's own code is running. */
  get isInside(): boolean {
    return this.#depth > 0;
  }

  /** Runs code of a transaction. */
  run<R>(code: () => R): R {
    this.#depth++;
    try {
      return code();
    } finally {
      this.#depth--;
    }
  }

  /**
   * A promise that marks what is awaiting it as code of a transaction. `onTaken` is called when it is awaited, or its `then` or
   * `catch` called; as long as it is not, a failure is for the caller of this to tell.
   */
  watch<V>(promise: Promise<V>, onTaken?: () => void): Promise<V> {
    const enter = () => this.#depth++;
    const leave = () => this.#depth--;
    const run = <R>(code: () => R) => this.run(code);
    // `await` calls the `then` of a promise that is not exactly a Promise, with functions that wake what awaits. That
    // runs as one microtask; ours stand right before and right behind it.
    class Watched<T> extends Promise<T> {
      static override get [Symbol.species](): PromiseConstructor {
        return Promise;
      }
      // deno-lint-ignore no-explicit-any
      override then(onFulfilled?: any, onRejected?: any): any {
        onTaken?.();
        const marked = (callback: unknown) =>
          typeof callback !== "function" ? callback : (value: unknown) => {
            queueMicrotask(enter);
            try {
              return run(() => callback(value));
            } finally {
              queueMicrotask(leave);
            }
          };
        return super.then(marked(onFulfilled) as never, marked(onRejected) as never);
      }
    }
    const watched = new Watched<V>((resolve, reject) => {
      promise.then(resolve, reject);
    });
    // No unhandled rejection, which ends Node: this then is not the watched one.
    if (onTaken !== undefined) Promise.prototype.then.call(watched, undefined, () => {});
    return watched;
  }
}
