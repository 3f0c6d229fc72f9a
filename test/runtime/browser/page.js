/**
 * What a browser's page runs: the conformance suite, one test after the other, and two tabs on one database. What came of each is
 * told to the server that the page came from.
 */
import { isStateError, openState, StateScope } from "@llmspell/state-persistence";
import { indexedDb } from "@llmspell/state-persistence/adapters/indexed-db";
import { conformance } from "@llmspell/state-persistence/testing";
import { assertEqual, createCollector, failureOf } from "../collect.js";
import { memorySubject, unstorageSubject } from "../subjects.js";
import { registerUnsupported } from "../unsupported.js";
import { registerExample } from "./example.js";
import { registerFailures } from "./failures.js";

const runner = createCollector();
const { tests } = runner;

conformance(runner, memorySubject);
conformance(runner, unstorageSubject);
registerUnsupported(runner, { "fs:./state": "node:fs", "sqlite:./state.db": "node:fs", "deno-kv:./state.kv": "Deno.openKv" });
conformance(runner, {
  name: "indexed-db",
  create() {
    const name = `state-${crypto.randomUUID()}`;
    return Promise.resolve({
      open: () => Promise.resolve(indexedDb(name)),
      destroy: () => Promise.resolve(void indexedDB.deleteDatabase(name)),
    });
  },
});

registerExample(runner);

/** Adds 8 times 50 to a number of a new database; `start` starts one who adds, and gives what ends it. */
async function addByMany(start) {
  const name = `many-${crypto.randomUUID()}`;
  const channel = new BroadcastChannel(name);
  let done = 0;
  const ended = new Promise((resolve, reject) => {
    channel.onmessage = ({ data }) => {
      if (data !== "done") reject(new Error(data));
      else if (++done === 8) resolve();
    };
  });
  const ends = Array.from({ length: 8 }, () => start(new URLSearchParams({ name, times: 50 })));
  await ended;
  for (const end of ends) end();
  channel.close();
  const state = await openState({ driver: indexedDb(name) });
  assertEqual(await state.load(StateScope.global, "n"), 400);
  await state.close();
}

/** WebKit's driver opens no windows by itself. */
const opensTabs = /Chrome|Firefox/.test(navigator.userAgent);

runner.describe("indexed-db", () => {
  runner.it("B6 increment() by 8 workers, 50 times each, ends at exactly 400", () =>
    addByMany((wishes) => {
      const worker = new Worker(`/worker.js?${wishes}`, { type: "module" });
      return () => worker.terminate();
    }));

  if (opensTabs) {
    runner.it("B6 increment() by 8 tabs, 50 times each, ends at exactly 400", () =>
      addByMany((wishes) => {
        // Without an opener it is a tab like one that a person opens.
        open(`/tab?${wishes}`, "_blank", "noopener");
        return () => {};
      }));
  }

  runner.it("a database that is deleted under an open state is STATE_CLOSED, never an empty one", async () => {
    const name = `gone-${crypto.randomUUID()}`;
    const state = await openState({ driver: indexedDb(name) });
    await state.save(StateScope.global, "k", 1);
    await new Promise((resolve, reject) => {
      const request = indexedDB.deleteDatabase(name);
      request.onsuccess = resolve;
      request.onerror = () => reject(request.error);
    });
    try {
      await state.load(StateScope.global, "k");
      throw new Error("it was read");
    } catch (error) {
      if (!isStateError(error, "STATE_CLOSED")) throw error;
    }
    await state.close();
  });

  runner.it("a database of a newer version is STATE_NEWER_FORMAT, and another program's is STATE_DRIVER", async () => {
    for (const [version, stores, code] of [[7, ["entries"], "STATE_NEWER_FORMAT"], [1, ["theirs"], "STATE_DRIVER"]]) {
      const name = `other-${crypto.randomUUID()}`;
      await new Promise((resolve, reject) => {
        const request = indexedDB.open(name, version);
        request.onupgradeneeded = () => stores.forEach((store) => request.result.createObjectStore(store));
        request.onsuccess = () => resolve(request.result.close());
        request.onerror = () => reject(request.error);
      });
      const error = await openState({ driver: indexedDb(name) }).then(() => undefined, (error) => error);
      assertEqual(error?.code, code);
    }
  });

  runner.it("what a page saved is there after it was loaded again", async () => {
    const { before } = await (await fetch("/reload")).json();
    if (before === null) {
      const name = `reload-${crypto.randomUUID()}`;
      const state = await openState({ driver: indexedDb(name) });
      await state.save(StateScope.session("s1"), "draft", { text: "Dear", at: new Date(7) });
      // Not closed: the page just goes.
      await fetch("/reload", { method: "POST", body: name });
      location.reload();
      await new Promise(() => {});
    }
    const state = await openState({ driver: indexedDb(before) });
    const draft = await state.load(StateScope.session("s1"), "draft");
    assertEqual(`${draft.text} ${draft.at.getTime()}`, "Dear 7");
    await state.close();
  });
});

registerFailures(runner);

// The one that loads the page again comes first, so that no other is run twice.
tests.sort((a, b) => Number(b.name.includes("loaded again")) - Number(a.name.includes("loaded again")));
const filter = new URLSearchParams(location.search).get("filter") ?? "";
for (const unwanted of tests.filter(({ name }) => !name.includes(filter))) tests.splice(tests.indexOf(unwanted), 1);
for (let i = 0; i < tests.length; i++) {
  const { name, body } = tests[i];
  const failure = await failureOf(body);
  await fetch("/result", {
    method: "POST",
    body: JSON.stringify({ name, failure, left: tests.length - i - 1, browser: navigator.userAgent }),
  });
}
