/** Changes that nobody could read back. */
import assert from "node:assert/strict";
import { memory } from "../../adapters/memory.ts";
import { draftSave } from "../../src/store/draft_change.ts";
import { openStore, type Store } from "../../src/store/store.ts";

/** A store on a driver object of its own. */
async function open(): Promise<Store> {
  return await openStore({
    driver: memory(),
    namespace: "state",
    readOnly: false,
    lock: {},
    crypto: undefined,
    now: () => 1000,
    random: (bytes) => crypto.getRandomValues(new Uint8Array(bytes)),
    cacheBytes: 1024,
    onWarning: () => {},
  });
}

/** A save under a path, handed in as one that knows its paths, or as one that scans. */
function saving(store: Store, path: string, expiresAt: number): readonly [run: () => Promise<unknown>, scan: () => Promise<unknown>] {
  const save = { codec: "j", value: "1", class: "standard", content: "plain", expiresAt, schema: "" };
  return [
    () =>
      store.commit({
        verb: "save",
        paths: [path],
        bytes: 1,
        run: (draft) => draft.put(draftSave(path, draft.slot(path), save, store.salt(), [], true)),
      }),
    () =>
      store.commit({
        verb: "save",
        bytes: 1,
        async *scan({ slots }) {
          yield draftSave(path, (await slots([path])).get(path)!, save, store.salt(), [], true);
        },
      }),
  ];
}

Deno.test("an operation that says a number nobody could read back is refused alone, and nothing of it is written", async () => {
  for (const expiresAt of [1.5, -1, NaN, Infinity, 2 ** 53, "1" as never, 1n as never]) {
    for (const way of [0, 1] as const) {
      const store = await open();
      const refused = saving(store, "global!bad", expiresAt)[way]();
      const kept = saving(store, "global!good", 5000)[way]();
      await assert.rejects(refused, {
        name: "RangeError",
        message: `Cannot write "global!bad": its expiresAt ${expiresAt} is no whole number from 0`,
      });
      await kept;
      const { slots, head } = await store.read(["global!bad", "global!good"], { gone: true });
      assert.deepEqual([head.commit, slots.get("global!bad")?.revision, slots.get("global!good")?.revision], [1, 0, 1]);
      await store.close();
    }
  }
});
