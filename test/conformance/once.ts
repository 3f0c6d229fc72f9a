/**
 * What is to happen once happens once, and everybody gets its result.
 *
 * @module
 */
import { isStateError } from "../../src/errors.ts";
import { StateScope } from "../../src/keys/scopes.ts";
import type { OnceAttempt } from "../../src/state/manager.ts";
import { assert, assertEquals, assertMisuse, assertStateError, failureOf } from "./assert.ts";
import { createClock, createGate, createPlug, type Test, times } from "./suite.ts";

const scope = StateScope.step("order", "charge");

/** B9a. */
export function testOnce(test: Test): void {
  test("B9a of twenty callers in four states one runs the function, and all get its result", async ({ open, supports }) => {
    const states = supports.writers === "many" ? await times(4, () => open()) : [await open()];
    let runs = 0;
    const results = await times(20, (i) =>
      states[i % states.length]!.once(scope, "k", async ({ number }) => {
        runs++;
        await Promise.resolve();
        return { number, charged: [i] };
      }));
    assertEquals(runs, 1);
    for (const result of results) {
      assertEquals({ ...result, charged: [...result.charged] }, { ...results[0]!, charged: [...results[0]!.charged] });
    }
    for (const state of states) assertEquals(await state.once(scope, "k", () => "never"), results[0]);
    assertEquals(results[0]!.number, 1);
  });

  test("B9a every later call, also in a new state, gets the stored value without running", async ({ open }) => {
    const state = await open();
    const value = await state.once(scope, "k", () => new Map([["when", new Date(5)]]));
    assertEquals(value, new Map([["when", new Date(5)]]));
    const never = () => {
      throw new Error("it ran again");
    };
    assertEquals(await state.once(scope, "k", never), value);
    assertEquals([await state.load(scope, "k"), (await state.entry(scope, "k"))?.revision], [value, 1]);
    await state.close();
    const again = await open();
    assertEquals(await again.once(scope, "k", never), value);
    assertEquals(await again.in(scope).once("k", never), value);
    assertEquals(await again.once(scope, "k", never, { wait: false }), value);
  });

  test("B9a results that look like nothing are results", async ({ open }) => {
    const state = await open();
    for (const [i, value] of [null, 0, "", false, NaN].entries()) {
      let runs = 0;
      const make = () => (runs++, value);
      assertEquals([await state.once(scope, `k${i}`, make), await state.once(scope, `k${i}`, make), runs], [value, value, 1]);
    }
  });

  test("B9a a key that was saved otherwise counts as done", async ({ open }) => {
    const state = await open();
    await state.save(scope, "k", "saved");
    assertEquals(await state.once(scope, "k", () => "ran"), "saved");
    await state.delete(scope, "k");
    assertEquals(await state.once(scope, "k", () => "ran"), "ran");
  });

  test("B9a while the function runs there is no entry, and nothing to list", async ({ open }) => {
    const state = await open();
    const [started, go] = [createGate(), createGate()];
    const running = state.once(scope, "k", async () => {
      started.open();
      await go.promise;
      return 1;
    });
    await started.promise;
    assertEquals([await state.load(scope, "k"), await state.has(scope, "k"), await state.keys(scope).toArray()], [undefined, false, []]);
    assertEquals(await state.scopes().toArray(), []);
    go.open();
    assertEquals(await running, 1);
    assertEquals(await state.keys(scope).toArray(), ["k"]);
  });

  test("B9a a throw stores nothing, reaches its caller, and lets the next one run", async ({ open }) => {
    const state = await open();
    const own = new Error("own");
    assertEquals(await failureOf(state.once(scope, "k", () => Promise.reject(own))), own);
    assertEquals(
      await failureOf(state.once(scope, "k", () => {
        throw own;
      })),
      own,
    );
    assertEquals([await state.has(scope, "k"), await state.keys(scope).toArray()], [false, []]);
    assertEquals(await (await open()).once(scope, "k", () => "second", { wait: false }), "second");
  });

  test("B9a whoever waits while the function throws runs it next", async ({ open, supports }) => {
    const one = await open();
    const two = supports.writers === "many" ? await open() : one;
    const [started, go] = [createGate(), createGate()];
    const failing = failureOf(one.once(scope, "k", async () => {
      started.open();
      await go.promise;
      throw new Error("own");
    }));
    await started.promise;
    const waiting = [one, two].map((state) => state.once(scope, "k", () => "second"));
    go.open();
    assertEquals((await failing as Error).message, "own");
    assertEquals(await Promise.all(waiting), ["second", "second"]);
  });

  test("B9a a result that cannot be stored rejects, and lets the next one run", async ({ open }) => {
    const state = await open();
    await assertStateError(() => state.once(scope, "k", () => ({ f: () => 1 })), "STATE_INVALID_VALUE");
    assertEquals(await state.has(scope, "k"), false);
    await assertStateError(() => state.once(scope, "k", () => 1, { content: "sensitive" }), "STATE_SECRET");
    assertEquals(await (await open()).once(scope, "k", () => 2, { wait: false }), 2);
  });

  test("B9a wait: false is STATE_LOCKED at once while another one runs it, and says since when", async ({ open, supports }) => {
    const one = await open();
    const two = supports.writers === "many" ? await open() : one;
    const [started, go] = [createGate(), createGate()];
    const running = one.once(scope, "k", async () => {
      started.open();
      await go.promise;
      return "theirs";
    });
    await started.promise;
    for (const state of [one, two]) {
      const { details, retryable } = await assertStateError(() => state.once(scope, "k", () => "mine", { wait: false }), "STATE_LOCKED");
      assert(retryable && details.since instanceof Date && typeof details.holder === "string", "who, since when, and try again");
    }
    assertEquals(await two.once(scope, "other", () => "free", { wait: false }), "free");
    go.open();
    assertEquals([await running, await two.once(scope, "k", () => "mine", { wait: false })], ["theirs", "theirs"]);
  });

  test("B9a close() while the function runs gives the lease back, and tells it", async ({ open }) => {
    const one = await open();
    const two = await open();
    const attempts: OnceAttempt[] = [];
    const [started, go] = [createGate(), createGate()];
    const first = one.once(scope, "k", async (attempt) => {
      attempts.push(attempt);
      started.open();
      await go.promise;
      return "first";
    });
    const told = assertStateError(first, "STATE_CLOSED");
    await started.promise;
    await one.close();
    const { signal } = attempts[0]!;
    assert(signal.aborted && isStateError(signal.reason, "STATE_CLOSED"), `it is told ${signal.reason}`);
    const second = await two.once(scope, "k", (attempt) => {
      attempts.push(attempt);
      return "second";
    }, { wait: false });
    assertEquals([second, attempts.map(({ number }) => number), attempts[1]!.id], ["second", [1, 2], attempts[0]!.id]);
    go.open();
    await told;
    assertEquals(await two.load(scope, "k"), "second");
  });

  test("B9a close() right behind once() leaves no lease behind", async ({ open }) => {
    for (let turns = 0; turns < 40; turns += 3) {
      const state = await open();
      const key = `k${turns}`;
      const called = state.once(scope, key, () => turns).catch(() => "closed");
      for (let i = 0; i < turns; i++) await undefined;
      await state.close();
      const outcome = await called;
      const other = await open();
      assertEquals(
        [await other.once(scope, key, () => "again", { wait: false }), outcome],
        outcome === turns ? [turns, turns] : ["again", "closed"],
      );
      await other.close();
    }
  });

  test("B9a cut off while running, it runs again elsewhere with the same attempt.id and number 2, and one result counts", async ({ driver, open, supports }) => {
    if (supports.writers !== "many") return;
    const clock = createClock();
    const plug = createPlug(await driver());
    const lost = await open({ driver: plug.driver, now: clock.now });
    const next = await open({ now: clock.now });
    const attempts: OnceAttempt[] = [];
    const [started, go] = [createGate(), createGate()];
    const first = lost.once(scope, "k", async (attempt) => {
      attempts.push(attempt);
      started.open();
      await go.promise;
      return "first";
    }).then((value) => value, () => "failed");
    await started.promise;
    plug.pull();
    await assertStateError(() => next.once(scope, "k", () => "too soon", { wait: false }), "STATE_LOCKED");
    clock.advance(60_001);
    const result = await next.once(scope, "k", (attempt) => {
      attempts.push(attempt);
      return "second";
    });
    assertEquals([result, attempts.map(({ number }) => number), attempts[1]!.id], ["second", [1, 2], attempts[0]!.id]);
    assert(attempts[0]!.id.length >= 16, `an attempt id of ${attempts[0]!.id.length} characters is easily guessed or repeated`);
    plug.push();
    go.open();
    // The late result never counts: its caller gets what is stored, or is told.
    assertEquals(["second", "failed"].includes(await first), true);
    assertEquals([await next.load(scope, "k"), (await next.entry(scope, "k"))?.revision], ["second", 1]);
  });

  test("B9a once inside once of another key runs both, once", async ({ open }) => {
    const state = await open();
    let runs = 0;
    const run = () => state.once(scope, "outer", async () => [++runs, await state.once(scope, "inner", () => ++runs)]);
    assertEquals([await run(), await run(), await state.load(scope, "inner")], [[1, 2], [1, 2], 2]);
  });

  test("B9a other keys have other attempt ids", async ({ open }) => {
    const state = await open();
    const ids = await times(10, (i) => state.once(scope, `k${i}`, ({ id }) => id));
    assertEquals(new Set(ids).size, 10);
  });

  test("B9a a lease is renewed while its function runs, however long it takes", async ({ open, supports }) => {
    if (supports.writers !== "many") return;
    const [one, two] = [await open(), await open()];
    const started = createGate();
    let runs = 0;
    const running = one.once(scope, "k", async ({ signal }) => {
      runs++;
      started.open();
      // Longer than the lease, which is what this is about; no event tells that a lease would have run out.
      await new Promise((resolve) => setTimeout(resolve, 900));
      assert(!signal.aborted, "the lease was lost");
      return runs;
    }, { leaseMs: 600 });
    await started.promise;
    assertEquals(await two.once(scope, "k", () => ++runs * 100, { leaseMs: 600 }), 1);
    assertEquals([await running, runs], [1, 1]);
  });

  test("B9a the result keeps the class, content and expiry that it was given, and runs again once expired", async ({ open }) => {
    const clock = createClock();
    const state = await open({ now: clock.now });
    let runs = 0;
    const run = () => state.once(scope, "token", () => ++runs, { expiresInMs: 1000, class: "archive", content: "plain" });
    assertEquals([await run(), await run()], [1, 1]);
    const entry = await state.entry(scope, "token");
    assertEquals([entry?.class, entry?.content, entry?.expiresAt], ["archive", "plain", new Date(clock.now() + 1000)]);
    clock.advance(1000);
    assertEquals([await run(), await run(), runs], [2, 2, 2]);
  });

  test("B9a an abort ends the wait of one caller, and nobody else's", async ({ open }) => {
    const state = await open();
    const [started, go] = [createGate(), createGate()];
    const running = state.once(scope, "k", async () => {
      started.open();
      await go.promise;
      return 1;
    });
    await started.promise;
    const abort = new AbortController();
    const waiting = failureOf(state.once(scope, "k", () => 2, { signal: abort.signal }));
    const patient = state.once(scope, "k", () => 3);
    const reason = new Error("enough");
    abort.abort(reason);
    assertEquals(await waiting, reason);
    go.open();
    assertEquals([await running, await patient], [1, 1]);
  });

  test("B9a an impossible lease is a RangeError", async ({ open }) => {
    const state = await open();
    for (const leaseMs of [0, -1, NaN, Infinity, 8.64e15, Number.MAX_VALUE, "60" as never, null as never]) {
      await assertMisuse(() => state.once(scope, "k", () => 1, { leaseMs }), `leaseMs ${leaseMs}`, /leaseMs/, RangeError);
    }
    assertEquals(await state.has(scope, "k"), false);
  });

  test("B9a a runner that is cut off from the store is told once its lease has run out", async ({ driver, open, supports }) => {
    if (supports.writers !== "many") return;
    const plug = createPlug(await driver());
    const [state, other] = [await open({ driver: plug.driver }), await open()];
    let reason: unknown;
    const started = createGate();
    const outcome = state.once(scope, "k", async ({ signal }) => {
      plug.pull();
      started.open();
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      reason = signal.reason;
      return "first";
    }, { leaseMs: 300 });
    const failed = failureOf(outcome);
    await started.promise;
    assertEquals(await other.once(scope, "k", () => "second"), "second");
    while (reason === undefined) await new Promise((resolve) => setTimeout(resolve, 10));
    assert(isStateError(reason, "STATE_LOCKED"), `it is told ${reason}`);
    await failed;
    plug.push();
    assertEquals(await other.load(scope, "k"), "second");
  });

  test("B9a what is saved under the key while the function runs is what all callers get", async ({ open }) => {
    const [state, other] = [await open(), await open()];
    const told = await state.once(scope, "k", async () => {
      await other.save(scope, "k", "saved", { ifRevision: null });
      return "returned";
    });
    assertEquals([told, await other.once(scope, "k", () => "again"), await state.load(scope, "k")], ["saved", "saved", "saved"]);
    await other.delete(scope, "k");
    // The lease is given back.
    assertEquals(await other.once(scope, "k", ({ number }) => number, { wait: false }), 2);
  });

  test("B9a a lease of a fraction of a millisecond is rounded up, and read by all", async ({ open }) => {
    const state = await open();
    for (const leaseMs of [0.1, 1000 / 3, 60_000.5]) {
      assertEquals(await state.once(scope, `for ${leaseMs}`, () => leaseMs, { leaseMs }), leaseMs);
      await failureOf(state.once(scope, "never done", () => Promise.reject(new Error("not yet")), { leaseMs }));
    }
    await state.close();
    const later = await open();
    assertEquals(await later.load(scope, `for ${1000 / 3}`), 1000 / 3);
    assertEquals(await later.once(scope, "never done", ({ number }) => number), 4);
  });

  test("B9a a lease that leads to no date any more while it is renewed ends with the last one", async ({ open }) => {
    const clock = createClock(8.64e15 - 1500);
    const state = await open({ now: clock.now, limits: { operationIdMs: Number.MAX_SAFE_INTEGER } });
    const result = await state.once(scope, "k", async () => {
      clock.advance(1000);
      // Until it is renewed once: no event tells.
      await new Promise((resolve) => setTimeout(resolve, 400));
      return 1;
    }, { leaseMs: 1000 });
    assertEquals([result, await state.load(scope, "k"), await (await open({ now: clock.now })).load(scope, "k")], [1, 1, 1]);
  });
}
