/** What a browser does to a database, and by which typed error one hears of it. */
import { isStateError, openState, StateScope } from "@llmspell/state-persistence";
import { indexedDb } from "@llmspell/state-persistence/adapters/indexed-db";
import { assertEqual } from "../collect.js";

const { global } = StateScope;
const isChromium = navigator.userAgent.includes("Chrome");
/** Those whose clearing is known to be done when the answer is there. */
const clears = isChromium || navigator.userAgent.includes("Firefox");

async function devtools(method, params) {
  const response = await fetch("/devtools", { method: "POST", body: JSON.stringify({ method, params }), referrerPolicy: "unsafe-url" });
  if (!response.ok) throw new Error(`${method}: ${await response.text()}`);
  return await response.json();
}

/** The StateError that a call rejects with. */
async function failing(call) {
  const error = await call.then((value) => new Error(`it came to ${value}`), (error) => error);
  if (!isStateError(error)) throw error;
  return error;
}

/** What an IndexedDB request comes to. */
function outcome(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** Opens a state, and tells how often the browser was asked to keep it, what it answered, and of which warnings one heard. */
async function warningsOf(persist) {
  const answers = [];
  const warnings = [];
  Object.defineProperty(navigator.storage, "persist", {
    configurable: true,
    value: persist && (() => answers[answers.push(persist()) - 1]),
  });
  try {
    const state = await openState({ driver: indexedDb(`persist-${crypto.randomUUID()}`), onWarning: ({ code }) => warnings.push(code) });
    await state.save(global, "k", 1);
    // Where a person is to answer, nobody does, and there is nothing to be heard.
    const answer = await Promise.race([...answers, new Promise((resolve) => setTimeout(resolve, 3000))]);
    await state.load(global, "k");
    await state.close();
    return { asked: answers.length, answer, warnings: warnings.join() };
  } finally {
    delete navigator.storage.persist;
  }
}

export function registerFailures(runner) {
  runner.describe("indexed-db", () => {
    runner.it("a page that IndexedDB is closed to is told STATE_UNSUPPORTED, and why", async () => {
      const frame = document.createElement("iframe");
      // Without an origin of its own, as in a sandbox: browsers refuse it a database, as they do where a person forbids storage.
      frame.sandbox = "allow-scripts";
      frame.src = "/closed";
      const said = new Promise((resolve) => addEventListener("message", ({ data }) => resolve(data), { once: true }));
      document.body.append(frame);
      const { code, message, details } = await said;
      frame.remove();
      assertEqual(`${code} ${details?.needs}`, "STATE_UNSUPPORTED indexedDB");
      if (!/^Cannot open IndexedDB: it is closed to this page/.test(message)) throw new Error(message);
    });

    runner.it("a database that another tab makes newer is STATE_NEWER_FORMAT from the next call on, and keeps nobody waiting", async () => {
      const name = `newer-${crypto.randomUUID()}`;
      const state = await openState({ driver: indexedDb(name) });
      await state.save(global, "k", 1);
      // It would be blocked, and never succeed, if the state kept its connection.
      const theirs = await outcome(indexedDB.open(name, 9));
      assertEqual((await failing(state.load(global, "k"))).code, "STATE_NEWER_FORMAT");
      assertEqual((await failing(state.save(global, "k", 2))).code, "STATE_NEWER_FORMAT");
      theirs.close();
      await state.close();
    });

    // WebKit's port for GTK has none.
    if (navigator.storage) {
      runner.it("a refusal of navigator.storage.persist() is a warning, and a grant is none", async () => {
        const { storage } = navigator;
        const { persist } = storage;
        const real = await warningsOf(persist && (() => persist.call(storage)));
        assertEqual(real.asked, persist ? 1 : 0);
        assertEqual(real.warnings, real.answer === false ? "evictable" : "");
        assertEqual((await warningsOf(() => Promise.resolve(false))).warnings, "evictable");
        assertEqual((await warningsOf(() => Promise.resolve(true))).warnings, "");
      });
    }

    if (clears) {
      runner.it("what a person clears under an open state is STATE_CLOSED; who opens again starts anew", async () => {
        const name = `cleared-${crypto.randomUUID()}`;
        const state = await openState({ driver: indexedDb(name) });
        await state.save(global, "k", 1);
        await fetch("/clear");
        assertEqual((await failing(state.load(global, "k"))).code, "STATE_CLOSED");
        assertEqual((await failing(state.save(global, "k", 2))).code, "STATE_CLOSED");
        await state.close();
        const again = await openState({ driver: indexedDb(name) });
        assertEqual(await again.load(global, "k"), undefined);
        assertEqual(await again.increment(global, "n"), 1);
        await again.close();
        await fetch("/clear");
        const later = await openState({ driver: indexedDb(name) });
        assertEqual(await later.load(global, "n"), undefined);
        await later.close();
      });
    }

    if (isChromium) {
      runner.it("a write over the site's quota is STATE_DRIVER and leaves what was, and there is room again later", async () => {
        const { origin } = location;
        const state = await openState({ driver: indexedDb(`full-${crypto.randomUUID()}`) });
        const large = Array.from(crypto.getRandomValues(new Uint32Array(16_000)), (n) => n.toString(36)).join("").repeat(40);
        let last = 0;
        // For half a minute Chromium may go by what it knew of the space, one way and the other.
        const saveUntil = async (isEnough) => {
          for (let attempt = 1;; attempt++) {
            const error = await state.save(global, "k", [last + 1, large]).then(() => void last++, (error) => error);
            if (isEnough(error) || attempt === 90) return error;
            await new Promise((resolve) => setTimeout(resolve, 500));
          }
        };
        const { usage } = await navigator.storage.estimate();
        await devtools("Storage.overrideQuotaForOrigin", { origin, quotaSize: usage + 5_000_000 });
        try {
          const error = await saveUntil((error) => error !== undefined);
          assertEqual(`${error?.code} ${error?.retryable}`, "STATE_DRIVER true");
          if (!error.message.includes("quota")) throw new Error(error.message);
          assertEqual((await state.load(global, "k"))?.[0] ?? 0, last);
        } finally {
          await devtools("Storage.overrideQuotaForOrigin", { origin });
        }
        assertEqual(await saveUntil((error) => error === undefined), undefined);
        assertEqual((await state.load(global, "k"))[0], last);
        await state.close();
      });
    }
  });
}
