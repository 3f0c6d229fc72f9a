/** What no real browser can be made to do on demand; test/runtime/browser/ runs the rest in real ones. */
import "fake-indexeddb/auto";
import assert from "node:assert/strict";
import { indexedDb } from "../../adapters/indexed_db.ts";
import { database } from "../../adapters/indexed_db/database.ts";
import { isStateError, openState, type StateErrorCode, StateScope } from "../../mod.ts";

/** Runs something where `indexedDB` is something else. */
async function where(factory: unknown, act: () => Promise<void>): Promise<void> {
  const real = Object.getOwnPropertyDescriptor(globalThis, "indexedDB")!;
  Object.defineProperty(globalThis, "indexedDB", { value: factory, configurable: true });
  try {
    await act();
  } finally {
    Object.defineProperty(globalThis, "indexedDB", real);
  }
}

/** An engine whose databases cannot be opened. */
function failing(kind: string, isThrown: boolean): unknown {
  const error = new DOMException("no", kind);
  return {
    open() {
      if (isThrown) throw error;
      const request = { error, onerror: () => {} };
      queueMicrotask(() => request.onerror());
      return request;
    },
  };
}

Deno.test("indexedDb() refuses what is no name", () => {
  for (const wrong of ["", null, 7, undefined]) assert.throws(() => indexedDb(wrong as never), { name: "TypeError", message: /name/ });
});

Deno.test("indexedDb() where there is no IndexedDB is STATE_UNSUPPORTED at the first call", () =>
  where(undefined, async () => {
    const driver = indexedDb("x");
    await assert.rejects(openState({ driver }), (error) => isStateError(error, "STATE_UNSUPPORTED") && error.details.needs === "indexedDB");
  }));

Deno.test("indexedDb() whose database cannot be opened says which kind of failure it is, thrown or told", async () => {
  const kinds: readonly [kind: string, code: StateErrorCode, says: RegExp][] = [
    ["SecurityError", "STATE_UNSUPPORTED", /closed to this page/],
    ["InvalidStateError", "STATE_UNSUPPORTED", /private windows/],
    ["VersionError", "STATE_NEWER_FORMAT", /newer version/],
    ["QuotaExceededError", "STATE_DRIVER", /quota/],
    ["UnknownError", "STATE_DRIVER", /"x": no$/],
  ];
  for (const [kind, code, says] of kinds) {
    for (const isThrown of [false, true]) {
      await where(
        failing(kind, isThrown),
        () => assert.rejects(openState({ driver: indexedDb("x") }), (error) => isStateError(error, code) && says.test(error.message), kind),
      );
    }
  }
});

Deno.test("a database that others keep from being opened is STATE_DRIVER in the end, and keeps nobody waiting later", async () => {
  const name = `kept-${crypto.randomUUID()}`;
  const theirs = await new Promise<IDBDatabase>((resolve) => {
    const request = indexedDB.open(name, 1);
    request.onsuccess = () => resolve(request.result);
  });
  // It waits for the tab that has the database open, and whoever opens it now waits for that.
  const deleted = new Promise((resolve) => indexedDB.deleteDatabase(name).onsuccess = resolve);
  const ours = database(name, 50);
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error("it waits for ever")), 5000);
  try {
    await assert.rejects(
      Promise.race([ours.use("readonly", () => Promise.resolve()), late.promise]),
      (error) => isStateError(error, "STATE_DRIVER") && /kept it from being opened/.test(error.message),
    );
  } finally {
    clearTimeout(timer);
    theirs.close();
  }
  await deleted;
  // What was asked for is open by now, and nobody uses it.
  await new Promise((resolve) => setTimeout(resolve, 20));
  await new Promise<unknown>((resolve, reject) => {
    const request = indexedDB.deleteDatabase(name);
    request.onsuccess = resolve;
    request.onblocked = () => reject(new Error("it is still open"));
  });
  await ours.use("readonly", () => Promise.resolve());
  await ours.close();
});

Deno.test("a database that the browser threw away is STATE_CORRUPT once, and begins anew after that", async () => {
  const real = indexedDB;
  let losses = 1;
  const lossy = {
    open(name: string, version: number) {
      const request = real.open(name, version);
      // As Chromium tells it; the first handler runs first.
      request.addEventListener("upgradeneeded", (event) => {
        if (losses-- > 0) Object.assign(event, { dataLoss: "total", dataLossMessage: "checksum mismatch" });
      });
      return request;
    },
  };
  await where(lossy, async () => {
    const driver = indexedDb(`thrown-${crypto.randomUUID()}`);
    await assert.rejects(
      openState({ driver }),
      (error) => isStateError(error, "STATE_CORRUPT") && /threw away.*checksum mismatch/.test(error.message),
    );
    await using state = await openState({ driver });
    await state.save(StateScope.global, "k", 1);
    assert.equal(await state.load(StateScope.global, "k"), 1);
  });
});
