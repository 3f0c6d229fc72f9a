/**
 * Namespaces in one store never see each other, can be listed, and can be taken away.
 *
 * @module
 */
import { StateScope } from "../../src/keys/scopes.ts";
import { dropNamespace, listNamespaces } from "../../src/open.ts";
import type { Driver } from "../../src/store/driver.ts";
import { assert, assertEquals, assertMisuse, assertStateError } from "./assert.ts";
import { put } from "./driver_values.ts";
import { callsOf } from "./errors_and_closing.ts";
import { awkwardNames } from "./scopes_and_keys.ts";
import { listDriver, listLeft, readDriver, type Test } from "./suite.ts";

const scope = StateScope.user("u");

async function namespacesOf(driver: Driver): Promise<string[]> {
  const names: string[] = [];
  for await (const name of listNamespaces(driver)) names.push(name);
  return names;
}

/** Namespaces, and formats that are not ours to touch. */
export function testNamespaces(test: Test): void {
  test("namespaces in one store share nothing: keys, commits, scopes, clearing", async ({ driver, open }) => {
    const shared = await driver();
    const names = ["state", "a", "a!b", "ab", "A", "tenant:1/x", "😀"];
    const states = [];
    for (const namespace of names) states.push(await open({ driver: shared, namespace }));
    for (const [i, state] of states.entries()) {
      assertEquals(await state.save(scope, "k", names[i]), { revision: 1, commit: 1 });
      await state.save(StateScope.session(names[i]!), "k", 1);
    }
    for (const [i, state] of states.entries()) {
      assertEquals(await state.load(scope, "k"), names[i]);
      assertEquals(await state.scopes().toArray(), [StateScope.session(names[i]!), scope]);
      assertEquals((await state.inspect()).entries, 2);
    }
    await states[1]!.clear(scope);
    for (const [i, state] of states.entries()) assertEquals(await state.has(scope, "k"), i !== 1, names[i]!);
    assertEquals(await namespacesOf(shared), ["A", "a", "a!b", "ab", "state", "tenant:1/x", "😀"]);
  });

  test('the namespace is "state" where none is given', async ({ driver, open }) => {
    const state = await open();
    await state.save(scope, "k", 1);
    assertEquals(await (await open({ namespace: "state" })).load(scope, "k"), 1);
    assertEquals(await namespacesOf(await driver()), ["state"]);
  });

  test("a namespace has an ordinary name, and what no name may be is refused", async ({ driver, open }) => {
    for (const namespace of ["", "a\0", "\ud800", "n".repeat(513)]) {
      await assertStateError(() => open({ namespace }), "STATE_INVALID_KEY", JSON.stringify(namespace.slice(0, 5)));
    }
    for (const namespace of [7, null, {}] as unknown as string[]) await assertMisuse(() => open({ namespace }), `namespace ${namespace}`);
    const one = await driver();
    assertEquals([await namespacesOf(one), await listDriver(one)], [[], []]);
  });

  test("listNamespaces() gives every name, in code-point order, and opens nothing", async ({ driver, open }) => {
    const names = [...new Set(awkwardNames.map((name) => name.normalize("NFC")))].slice(0, 24);
    const one = await driver();
    assertEquals(await namespacesOf(one), []);
    for (const namespace of names) await (await open({ namespace })).close();
    const before = await readDriver(one);
    const sorted = [...names].sort((a, b) => {
      const [x, y] = [[...a], [...b]];
      const i = x.findIndex((character, at) => character !== y[at]);
      return i < 0 ? x.length - y.length : (x[i]!.codePointAt(0)! - (y[i]?.codePointAt(0) ?? -1));
    });
    assertEquals(await namespacesOf(one), sorted);
    assertEquals(await readDriver(one), before);
    await assertMisuse(() => namespacesOf("memory:" as never), "a text as driver", /openDriver/);
  });

  test("dropNamespace() takes one namespace away, and leaves the others", async ({ driver, open }) => {
    for (const namespace of ["dropped", "drop", "dropped2", "dropped!x"]) {
      const state = await open({ namespace });
      for (let i = 0; i < 20; i++) {
        await state.save(scope, `k${i}`, "x".repeat(i * 200), i % 2 === 0 ? { operationId: `op ${i}` } : { expiresInMs: 60_000 });
      }
      await state.save(scope, "archive:k", "x".repeat(50_000));
      await state.delete(scope, "k3");
      await state.close();
    }
    const one = await driver();
    await dropNamespace(one, "dropped");
    assertEquals(await namespacesOf(one), ["drop", "dropped!x", "dropped2"]);
    const left = await listLeft(one);
    assert(!left.some((key) => key.startsWith("dropped!")), `left behind: ${left.find((key) => key.startsWith("dropped!"))}`);
    assertEquals((await (await open({ namespace: "dropped2" })).keys(scope).toArray()).length, 20);
    const again = await open({ namespace: "dropped" });
    assertEquals([await again.keys(scope).toArray(), (await again.inspect()).commit], [[], 0]);
    assertEquals(await again.save(scope, "k1", 1, { operationId: "op 0" }), { revision: 1, commit: 1 });
  });

  test("dropNamespace() of what is not there is fine", async ({ driver, open }) => {
    const one = await driver();
    await dropNamespace(one, "never");
    await dropNamespace(one, "never");
    assertEquals(await listLeft(one), []);
    await (await open()).save(scope, "k", 1);
    await dropNamespace(one, "never");
    assertEquals(await namespacesOf(one), ["state"]);
    await assertStateError(() => dropNamespace(one, ""), "STATE_INVALID_KEY");
  });

  test("dropNamespace() under an open writer gives it STATE_CLOSED, and its writes do not come back", async ({ driver, open, supports }) => {
    if (supports.writers !== "many") return;
    const [writer, idle] = [await open(), await open()];
    await writer.save(scope, "k", 1);
    await idle.load(scope, "k");
    const one = await driver();
    await dropNamespace(one, "state");
    await assertStateError(() => writer.save(scope, "k", 2), "STATE_CLOSED", "a save");
    await assertStateError(() => idle.load(scope, "k"), "STATE_CLOSED", "a cached load");
    for (const [name, call] of Object.entries(callsOf(idle))) {
      if (["inspect", "flush", "save as bulk", "save as ephemeral"].includes(name)) continue;
      await assertStateError(call, "STATE_CLOSED", name);
    }
    await Promise.allSettled([writer.close(), idle.close()]);
    assertEquals(await listLeft(one), []);
  });

  test("a namespace that was dropped and made again is closed to whoever had the old one open", async ({ driver, open, supports }) => {
    if (supports.writers !== "many") return;
    const old = await open();
    await old.save(scope, "k", "old");
    await dropNamespace(await driver(), "state");
    const fresh = await open();
    await fresh.save(scope, "k", "fresh");
    await assertStateError(() => old.save(scope, "k", "late"), "STATE_CLOSED");
    await assertStateError(() => old.load(scope, "k"), "STATE_CLOSED");
    assertEquals([await fresh.load(scope, "k"), (await fresh.inspect()).commit], ["fresh", 1]);
  });

  test("dropNamespace() while writers run leaves nothing, or a namespace begun anew, never a mixture", async ({ driver, open, supports }) => {
    if (supports.writers !== "many") return;
    const writer = await open();
    for (let i = 0; i < 300; i++) await writer.save(scope, `old ${i}`, i, { class: "bulk" });
    await writer.flush();
    const writes = Array.from({ length: 30 }, (_, i) => writer.save(scope, `late ${i}`, i).then(() => true, () => false));
    const one = await driver();
    await dropNamespace(one, "state");
    const written = await Promise.all(writes);
    // What was acknowledged before the drop went with it; nothing was acknowledged after the first refusal.
    assertEquals(written, [...written].sort().reverse());
    assertEquals(await listLeft(one), []);
  });

  test("a namespace of a newer format is STATE_NEWER_FORMAT for readers and writers, and is left untouched", async ({ driver, open, supports }) => {
    // On a log the head is no object of its own.
    if (!supports.commit) return;
    const state = await open();
    for (let i = 0; i < 5; i++) await state.save(scope, `k${i}`, i);
    await state.close();
    const one = await driver();
    const contents = [...await readDriver(one)].map(([key, value]) => [key, String(value)] as const);
    // Every object of ours begins with a letter and the version of its format.
    const head = contents.filter(([key]) => key.split("!").length === 2);
    assertEquals(head.length, 1, "objects of two segments, the head alone");
    const [key, text] = head[0]!;
    assert(/^[A-Z]1\n/.test(text), `the head begins with ${JSON.stringify(text.slice(0, 4))}`);
    await put(one, key, text.replace(/^([A-Z])1/, (_, letter) => `${letter}2`));
    const before = await readDriver(one);
    for (const options of [{}, { readOnly: true }]) {
      const { details, retryable } = await assertStateError(() => open(options), "STATE_NEWER_FORMAT");
      assertEquals([details, retryable], [{ stored: 2, supported: 1 }, false]);
    }
    assertEquals(await readDriver(one), before);
    const other = await open({ namespace: "other" });
    assertEquals((await other.save(scope, "k", 1)).commit, 1);
    await put(one, key, text);
    assertEquals((await (await open()).keys(scope).toArray()).length, 5);
  });

  test("a namespace that becomes of a newer format under an open state is STATE_NEWER_FORMAT there too", async ({ driver, open, supports }) => {
    if (supports.writers !== "many" || !supports.commit) return;
    const state = await open();
    await state.save(scope, "k", 1);
    const one = await driver();
    const [key, text] = [...await readDriver(one)].find(([key]) => key.split("!").length === 2)!;
    await put(one, key, String(text).replace(/^([A-Z])1/, (_, letter) => `${letter}9`));
    await assertStateError(() => state.save(scope, "k", 2), "STATE_NEWER_FORMAT");
    await assertStateError(() => state.load(scope, "k"), "STATE_NEWER_FORMAT");
    await put(one, key, String(text));
    assertEquals(await (await open()).load(scope, "k"), 1);
  });

  test("a head that is not ours, or is damaged, is STATE_CORRUPT, and is left untouched", async ({ driver, open, supports }) => {
    if (!supports.commit) return;
    const state = await open();
    await state.save(scope, "k", 1);
    await state.close();
    const one = await driver();
    const [key, value] = [...await readDriver(one)].find(([key]) => key.split("!").length === 2)!;
    const text = String(value);
    for (
      const damaged of [
        "Hello",
        "",
        "H",
        "H1",
        "H1\n",
        text.slice(0, -1),
        text.replace('"commit":1', '"commit":2'),
        `${text} `,
        `X${text.slice(1)}`,
      ]
    ) {
      await put(one, key, damaged);
      const before = await readDriver(one);
      await assertStateError(() => open(), "STATE_CORRUPT", JSON.stringify(damaged.slice(0, 10)));
      await assertStateError(() => open({ readOnly: true }), "STATE_CORRUPT", JSON.stringify(damaged.slice(0, 10)));
      assertEquals(await readDriver(one), before);
    }
    await put(one, key, text);
    assertEquals(await (await open()).load(scope, "k"), 1);
  });
}
