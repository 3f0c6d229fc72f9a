import assert from "node:assert/strict";
import { createStorage } from "unstorage";
import fsDriver from "unstorage/drivers/fs";
import fsLiteDriver from "unstorage/drivers/fs-lite";
import lruCacheDriver from "unstorage/drivers/lru-cache";
import memoryDriver from "unstorage/drivers/memory";
import { unstorage } from "../../adapters/unstorage.ts";
import { isStateError, openState, type StateManager, StateScope } from "../../mod.ts";
import { createClock } from "../conformance/suite.ts";

const { global } = StateScope;

Deno.test("unstorage() refuses what is no driver, and says what to write", () => {
  const wrong: [unknown, RegExp][] = [
    [createStorage(), /Storage/],
    [memoryDriver, /call it/],
    [null, /null/],
    ["memory", /string/],
    [{}, /getItem/],
  ];
  for (const [driver, says] of wrong) assert.throws(() => unstorage(driver as never), { name: "TypeError", message: says });
});

Deno.test("unstorage() promises one writer, and the durability that is known of a driver by its name", async () => {
  const base = await Deno.makeTempDir();
  try {
    const of = (driver: Parameters<typeof unstorage>[0]) => {
      const { writers, durability, strongReads } = unstorage(driver).supports!;
      return [writers, durability, strongReads];
    };
    assert.deepEqual(of(memoryDriver()), ["one", "memory", true]);
    assert.deepEqual(of(lruCacheDriver({})), ["one", "memory", true]);
    assert.deepEqual(of(fsDriver({ base })), ["one", "relaxed", true]);
    assert.deepEqual(of(fsLiteDriver({ base })), ["one", "relaxed", true]);
    assert.deepEqual(of({ ...memoryDriver(), name: "something else" }), ["one", "eventual", false]);
  } finally {
    await Deno.remove(base, { recursive: true });
  }
});

Deno.test("openState() on a plain driver keeps what it was given over a restart", async () => {
  const base = await Deno.makeTempDir();
  try {
    for (const open of [() => fsDriver({ base: `${base}/fs` }), () => fsLiteDriver({ base: `${base}/lite` })]) {
      const state = await openState({ driver: open() });
      assert.deepEqual([state.supports.atomicCommit, state.supports.writers], ["log", "one"]);
      for (let i = 0; i < 150; i++) await state.save(global, `k${i}`, new Map([[i, new Date(i)]]));
      await state.delete(global, "k7");
      await state.close();
      await using again = await openState({ driver: open() });
      assert.deepEqual(await again.load(global, "k149"), new Map([[149, new Date(149)]]));
      assert.equal((await again.keys(global).toArray()).length, 149);
    }
  } finally {
    await Deno.remove(base, { recursive: true });
  }
});

Deno.test("a state on a plain driver sees what another one wrote that was closed since", async () => {
  const driver = memoryDriver();
  const [one, two] = [await openState({ driver }), await openState({ driver })];
  await one.save(global, "k", 1);
  await one.close();
  assert.equal(await two.load(global, "k"), 1);
  await two.close();
});

Deno.test("two states on one plain driver object in one process write as one", async () => {
  const driver = memoryDriver();
  await using a = await openState({ driver });
  await using b = await openState({ driver });
  await Promise.all(Array.from({ length: 50 }, (_, i) => (i % 2 === 0 ? a : b).increment(global, "n")));
  assert.deepEqual([await a.load(global, "n"), await b.load(global, "n")], [50, 50]);
});

Deno.test("openState() where another writer holds a plain driver is STATE_LOCKED, with who and since when", async () => {
  const base = await Deno.makeTempDir();
  try {
    const clock = createClock();
    const holder = await openState({ driver: fsLiteDriver({ base }), now: clock.now });
    await holder.save(global, "k", 1);
    const second = openState({ driver: fsLiteDriver({ base }), now: clock.now, lock: { waitMs: 0 } });
    await assert.rejects(second, (error) => {
      assert.ok(isStateError(error, "STATE_LOCKED"));
      assert.equal(error.details.since?.getTime(), clock.now());
      assert.match(error.details.holder ?? "", /^[0-9a-f]{12}$/);
      return error.retryable;
    });
    await using reader = await openState({ driver: fsLiteDriver({ base }), readOnly: true });
    assert.equal(await reader.load(global, "k"), 1);
    await holder.save(global, "k", 2);
    assert.equal(await reader.load(global, "k"), 2);
    await holder.close();
    await using next = await openState({ driver: fsLiteDriver({ base }), lock: { waitMs: 0 } });
    assert.equal(await next.load(global, "k"), 2);
  } finally {
    await Deno.remove(base, { recursive: true });
  }
});

Deno.test("lock.steal takes a plain driver over, with a warning, and whoever held it is STATE_LOCKED from then on", async () => {
  const base = await Deno.makeTempDir();
  try {
    const clock = createClock();
    const holder = await openState({ driver: fsLiteDriver({ base }), now: clock.now });
    await holder.save(global, "k", "old");
    const warnings: string[] = [];
    const thief = await openState({
      driver: fsLiteDriver({ base }),
      now: clock.now,
      lock: { steal: true },
      onWarning: ({ code }) => warnings.push(code),
    });
    assert.deepEqual(warnings, ["lock"]);
    await thief.save(global, "k", "new");
    await assert.rejects(holder.save(global, "k", "late"), (error) => isStateError(error, "STATE_LOCKED"));
    await assert.rejects(holder.save(global, "k", "later"), (error) => isStateError(error, "STATE_LOCKED"));
    assert.equal(await thief.load(global, "k"), "new");
    await holder.close();
    assert.equal(await thief.load(global, "k"), "new");
    await thief.save(global, "k", "newest");
    await thief.close();
  } finally {
    await Deno.remove(base, { recursive: true });
  }
});

/** How a lease comes to be somebody else's while its holder, by its own clock, still has it. */
const takings: Readonly<Record<string, { readonly holderMs: number; readonly takerMs: number; readonly steal: boolean }>> = {
  "it was stolen": { holderMs: 0, takerMs: 0, steal: true },
  "its holder's clock was set back": { holderMs: -60_000, takerMs: 15_001, steal: false },
  "the next one's clock is ahead": { holderMs: 0, takerMs: 20_000, steal: false },
};

Deno.test("a writer whose lease is somebody else's acknowledges nothing more, whatever its clock says and however much was written since", async () => {
  for (const [how, { holderMs, takerMs, steal }] of Object.entries(takings)) {
    const base = await Deno.makeTempDir();
    try {
      const [own, other] = [createClock(), createClock()];
      const holder = await openState({ driver: fsLiteDriver({ base }), now: own.now });
      await holder.save(global, "k", "old");
      own.advance(holderMs);
      other.advance(takerMs);
      const next = await openState({ driver: fsLiteDriver({ base }), now: other.now, lock: { steal, waitMs: 0 } });
      // Two checkpoints on, nothing stands any more where the holder's next frame goes.
      for (let i = 0; i < 130; i++) await next.save(global, "k", i);
      await assert.rejects(
        holder.save(global, "late", 1),
        (error) => isStateError(error, "STATE_LOCKED") || isStateError(error, "STATE_UNCERTAIN"),
        how,
      );
      await assert.rejects(holder.save(global, "later", 1), (error) => isStateError(error, "STATE_LOCKED"), how);
      await holder.close();
      await next.save(global, "k", "new");
      await next.close();
      const again = await openState({ driver: fsLiteDriver({ base }), now: other.now });
      assert.deepEqual(await again.keys(global).toArray(), ["k"], how);
      assert.equal(await again.load(global, "k"), "new", how);
      await again.close();
    } finally {
      await Deno.remove(base, { recursive: true });
    }
  }
});

Deno.test("of two states on one driver that drops what it holds, neither gives an older value than the other one was told", async () => {
  for (let max = 4; max < 44; max += 2) {
    for (const saves of [5, 10, 30]) {
      const driver = lruCacheDriver({ max });
      const told = new Map<string, unknown>();
      const open: StateManager[] = [];
      const openOne = async () => {
        open.push(await openState({ driver }));
        return open.at(-1)!;
      };
      try {
        const [a, b] = [await openOne(), await openOne()];
        const save = async (state: StateManager, key: string, value: number) => {
          await state.save(global, key, value);
          told.set(key, value);
        };
        await save(a, "k", -1);
        await b.load(global, "k");
        for (let i = 0; i < saves; i++) await save(a, i % 2 ? "k" : "j", i);
        // What it knows of the entry is old by now.
        if (saves > 5) await save(b, "k", -2);
        for (const state of saves > 5 ? [a, b] : [b, a]) {
          assert.equal(await state.load(global, "k"), told.get("k"), `${max} places, ${saves} saves`);
        }
      } catch (error) {
        if (!isStateError(error, "STATE_CORRUPT") && !isStateError(error, "STATE_UNCERTAIN")) throw error;
      }
      for (const state of open) await state.close();
    }
  }
});

Deno.test("a read that fails, and that unstorage's fs-lite tells by giving its error, is STATE_DRIVER, and loses nothing", async () => {
  const base = await Deno.makeTempDir();
  try {
    for (const isClosed of [true, false]) {
      const writer = await openState({ driver: fsLiteDriver({ base }), lock: { steal: true } });
      for (let i = 0; i < 5; i++) await writer.save(global, `k${i}`, i);
      if (isClosed) await writer.close();
      let reads = Infinity;
      for (let failing = 0; failing < reads; failing++) {
        const inner = fsLiteDriver({ base });
        let calls = 0;
        const getItem = (key: string, options: unknown) =>
          calls++ === failing
            ? Object.assign(new Error("EMFILE: too many open files"), { code: "EMFILE" })
            : inner.getItem(key, options as never);
        const state = await openState({ driver: { ...inner, getItem }, lock: { steal: true } }).catch((error) => {
          assert.ok(isStateError(error, "STATE_DRIVER"), `read ${failing}: ${error}`);
        });
        if (state !== undefined) {
          reads = calls;
          assert.deepEqual(state.recovered.setAside, [], `read ${failing}`);
          await state.close();
        }
        const again = await openState({ driver: fsLiteDriver({ base }), lock: { steal: true } });
        for (let i = 0; i < 5; i++) assert.equal(await again.load(global, `k${i}`), i, `read ${failing}`);
        await again.close();
      }
      if (!isClosed) await writer.close();
    }
    // Where all reads fail, nothing waits for ever.
    const broken = await openState({ driver: fsLiteDriver({ base }), lock: { steal: true } });
    await Deno.rename(base, `${base}-moved`);
    await Deno.writeTextFile(base, "no folder");
    await assert.rejects(
      broken.save(global, "k", 1),
      (error) => isStateError(error, "STATE_DRIVER") || isStateError(error, "STATE_UNCERTAIN"),
    );
    await Deno.remove(base);
    await Deno.rename(`${base}-moved`, base);
    await broken.close();
  } finally {
    await Deno.remove(base, { recursive: true });
  }
});

Deno.test("a write that lands after its lease has run out is acknowledged only if nobody else has written meanwhile", async () => {
  for (const isLate of ["before it stands", "after it stands"]) {
    const base = await Deno.makeTempDir();
    try {
      const clock = createClock();
      const inner = fsLiteDriver({ base });
      let goOn = () => {};
      let stopped: (() => void) | undefined;
      const slow = {
        ...inner,
        setItem: async (key: string, value: string, options: never) => {
          const isStopped = stopped !== undefined && key.includes("frame");
          const stop = async () => {
            const standing = new Promise<void>((resolve) => goOn = resolve);
            stopped?.();
            stopped = undefined;
            await standing;
          };
          if (isStopped && isLate === "before it stands") await stop();
          await inner.setItem!(key, value, options);
          if (isStopped && isLate === "after it stands") await stop();
        },
      };
      const asleep = await openState({ driver: slow, now: clock.now });
      await asleep.save(global, "k", 1);
      const standing = new Promise<void>((resolve) => stopped = resolve);
      const saved = asleep.save(global, "k", 2).then(() => "acknowledged", (error) => (error as { code: string }).code);
      await standing;
      clock.advance(15_001);
      const next = await openState({ driver: fsLiteDriver({ base }), now: clock.now });
      const found = await next.load(global, "k");
      await next.save(global, "k", 3);
      goOn();
      const outcome = await saved;
      // Whoever came next has seen it, or it is not said to stand.
      assert.ok(found === 2 ? outcome !== "STATE_CONFLICT" : outcome !== "acknowledged", `${isLate}: ${outcome}, and ${found} was found`);
      assert.equal(found, isLate === "after it stands" ? 2 : 1);
      await assert.rejects(asleep.save(global, "k", 4), (error) => isStateError(error, "STATE_LOCKED"));
      await asleep.close();
      await next.close();
    } finally {
      await Deno.remove(base, { recursive: true });
    }
  }
});

Deno.test("a lease that ran out is taken over", async () => {
  const base = await Deno.makeTempDir();
  try {
    const clock = createClock();
    const asleep = await openState({ driver: fsLiteDriver({ base }), now: clock.now });
    await asleep.save(global, "k", 1);
    clock.advance(15_001);
    await using state = await openState({ driver: fsLiteDriver({ base }), now: clock.now, lock: { waitMs: 0 } });
    assert.equal(await state.load(global, "k"), 1);
    await assert.rejects(asleep.save(global, "k", 2), (error) => isStateError(error, "STATE_LOCKED"));
    await asleep.close();
    assert.equal(await state.load(global, "k"), 1);
  } finally {
    await Deno.remove(base, { recursive: true });
  }
});

Deno.test("openState() on a plain driver that drops what is written is STATE_DRIVER, and on one that cannot write STATE_UNSUPPORTED", async () => {
  const base = await Deno.makeTempDir();
  try {
    const readOnly = openState({ driver: fsLiteDriver({ base, readOnly: true }) });
    await assert.rejects(readOnly, (error) => isStateError(error, "STATE_DRIVER") && /read-only/.test(error.message));
    const { setItem: _, ...without } = memoryDriver();
    await assert.rejects(openState({ driver: without as never }), (error) => isStateError(error, "STATE_UNSUPPORTED"));
  } finally {
    await Deno.remove(base, { recursive: true });
  }
});
