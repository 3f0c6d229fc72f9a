/**
 * Keys, entries and scopes are listed in code-point order, whole or in pages, forwards and backwards.
 *
 * @module
 */
import { StateScope } from "../../src/keys/scopes.ts";
import { assert, assertEquals, assertMisuse } from "./assert.ts";
import { nineScopes } from "./scopes_and_keys.ts";
import { numbered, type Test } from "./suite.ts";

const scope = StateScope.session("s");

/** In code-point order, which is neither JavaScript's own nor that of percent-encoded names. */
const ordered = [
  "!",
  "0",
  "00",
  "1",
  "10",
  "2",
  "A",
  "Z",
  "_",
  "a",
  "a!",
  "a-20",
  "aa",
  "a~",
  "b",
  "~",
  "é",
  "ﬁ",
  "\ufffd",
  "😀",
  "\u{10ffff}",
];

/** B5, and the rest of listing. */
export function testListing(test: Test): void {
  test("B5 500 entries of 5 transactions are listed in order, in pages, and in reverse", async ({ open }) => {
    const state = await open();
    const keys = Array.from({ length: 500 }, (_, i) => numbered("entry ", i));
    for (let turn = 0; turn < 5; turn++) {
      await state.transaction(async (tx) => {
        // Neither in order, nor one transaction a range.
        for (let i = 0; i < 100; i++) await tx.save(scope, keys[(i * 37 % 100) * 5 + turn]!, { turn, i });
      });
    }
    for (const reader of [state, await open()]) {
      assertEquals(await reader.keys(scope).toArray(), keys);
      assertEquals(await reader.keys(scope, { reverse: true }).toArray(), [...keys].reverse());
      for (const reverse of [false, true]) {
        const all: string[] = [];
        for (;;) {
          const after = all.at(-1);
          const page = await reader.keys(scope, { limit: 100, reverse, ...(after === undefined ? {} : { after }) }).toArray();
          if (page.length === 0) break;
          assertEquals(page.length, 100);
          all.push(...page);
        }
        assertEquals(all, reverse ? [...keys].reverse() : keys);
      }
      assertEquals((await reader.entries(scope).toArray()).map(({ key }) => key), keys);
    }
    assertEquals((await state.inspect()).commit, 5);
  });

  test("B5 keys() is in code-point order, whatever the engine's own", async ({ open }) => {
    const state = await open();
    for (const key of [...ordered].reverse()) await state.save(scope, key, key);
    const reader = await open();
    assertEquals(await reader.keys(scope).toArray(), ordered);
    assertEquals(await reader.keys(scope, { reverse: true }).toArray(), [...ordered].reverse());
    for (const [i, after] of ordered.entries()) {
      assertEquals(await reader.keys(scope, { after }).toArray(), ordered.slice(i + 1), `after ${after}`);
      assertEquals(await reader.keys(scope, { after, reverse: true }).toArray(), ordered.slice(0, i).reverse(), `before ${after}`);
      assertEquals(await reader.keys(scope, { after, limit: 2 }).toArray(), ordered.slice(i + 1, i + 3), `two after ${after}`);
    }
  });

  test("keys() takes a prefix, character by character, and an `after` that is no key", async ({ open }) => {
    const state = await open();
    const keys = ["a", "a:", "a:1", "a:10", "a:2", "ab", "a😀", "b", "é1", "é2"];
    for (const key of keys) await state.save(scope, key, key);
    for (const prefix of ["a", "a:", "a:1", "a:10", "ab", "a😀", "é", "e", "b", "c", "", "a:1x"]) {
      assertEquals(await state.keys(scope, { prefix }).toArray(), keys.filter((key) => key.startsWith(prefix)), `prefix ${prefix}`);
      assertEquals(await state.keys(scope, { prefix, reverse: true }).toArray(), keys.filter((key) => key.startsWith(prefix)).reverse());
    }
    assertEquals(await state.keys(scope, { prefix: "a:", after: "a:1x" }).toArray(), ["a:2"]);
    assertEquals(await state.keys(scope, { prefix: "a:", after: "a" }).toArray(), ["a:", "a:1", "a:10", "a:2"]);
    assertEquals(await state.keys(scope, { prefix: "a:", after: "b" }).toArray(), []);
    assertEquals(await state.keys(scope, { prefix: "a:", after: "b", reverse: true, limit: 1 }).toArray(), ["a:2"]);
    assertEquals(await state.keys(scope, { prefix: "a:", after: "a", reverse: true }).toArray(), []);
  });

  test("entries() gives each entry as entry() does", async ({ open }) => {
    const state = await open();
    for (let i = 0; i < 20; i++) await state.save(scope, numbered("k", i), { i, when: new Date(i) });
    await state.save(scope, numbered("k", 3), "second", { expiresInMs: 60_000 });
    await state.delete(scope, numbered("k", 4));
    const all = await (await open()).entries(scope).toArray();
    assertEquals(all.length, 19);
    for (const entry of all) assertEquals(entry, await state.entry(scope, entry.key));
    assertEquals(await state.entries(scope, { prefix: "k000", after: "k0002", limit: 2 }).toArray(), all.slice(3, 5));
    assertEquals((await state.entries(scope, { reverse: true, limit: 1 }).first())?.key, numbered("k", 19));
  });

  test("a cursor is iterated, taken whole, or asked for its first, again and again", async ({ open }) => {
    const state = await open();
    const cursor = state.keys(scope);
    assertEquals([await cursor.first(), await cursor.toArray()], [undefined, []]);
    for (let i = 0; i < 300; i++) await state.save(scope, numbered("k", i), i, { class: "bulk" });
    await state.flush();
    const seen: string[] = [];
    for await (const key of cursor) {
      seen.push(key);
      if (seen.length === 150) break;
    }
    assertEquals(seen, Array.from({ length: 150 }, (_, i) => numbered("k", i)));
    assertEquals(await cursor.first(), numbered("k", 0));
    assertEquals((await cursor.toArray()).length, 300);
    let count = 0;
    for await (const _ of cursor) count++;
    assertEquals(count, 300);
  });

  test("a cursor under writes gives no key twice and none out of order, and every key that stays", async ({ open }) => {
    const [state, writer] = [await open(), await open()];
    for (let i = 0; i < 400; i++) await state.save(scope, numbered("k", i * 2), i, { class: "bulk" });
    await state.flush();
    const seen: string[] = [];
    for await (const key of state.keys(scope)) {
      if (seen.length % 100 === 50) {
        const near = Number(key.slice(1));
        await writer.save(scope, numbered("k", near + 1), "new");
        await writer.delete(scope, numbered("k", Math.max(0, near - 2)));
      }
      seen.push(key);
    }
    assertEquals(seen, [...new Set(seen)].sort());
    assertEquals(seen.filter((key) => Number(key.slice(1)) % 2 === 0).length, 400);
  });

  test("scopes() lists every scope that holds something, in order, of one type, from one on", async ({ open }) => {
    const state = await open();
    for (const [text, one] of nineScopes) await state.save(one, "k", text);
    await state.save(StateScope.user("alice"), "l", 1);
    await state.save(StateScope.user("bob"), "k", 1);
    await state.save(StateScope.user("al"), "k", 1);
    const reader = await open();
    const all = await reader.scopes().toArray();
    const texts = all.map(StateScope.format);
    assertEquals([...texts].sort(), [...nineScopes.map(([text]) => text), "user:bob", "user:al"].sort());
    const users = ["al", "alice", "bob"].map((id) => StateScope.user(id));
    assertEquals(await reader.scopes({ type: "user" }).toArray(), users);
    assertEquals(await reader.scopes({ type: "user", reverse: true }).toArray(), [...users].reverse());
    assertEquals(await reader.scopes({ type: "user", after: users[0]!, limit: 1 }).toArray(), [users[1]!]);
    assertEquals(await reader.scopes({ type: "user", after: users[1]!, reverse: true }).toArray(), [users[0]!]);
    assertEquals(await reader.scopes({ reverse: true }).toArray(), [...all].reverse());
    for (const [i, after] of all.entries()) assertEquals(await reader.scopes({ after }).toArray(), all.slice(i + 1));
    assertEquals(await reader.scopes({ limit: 3 }).toArray(), all.slice(0, 3));
    assertEquals(await reader.scopes({ type: "global" }).first(), StateScope.global);
    await state.delete(StateScope.user("bob"), "k");
    await state.clear(StateScope.user("alice"));
    assertEquals(await reader.scopes({ type: "user" }).toArray(), [StateScope.user("al")]);
    assertEquals(await reader.scopes({ type: "user", after: StateScope.user("alice") }).toArray(), []);
  });

  test("scopes() finds each of many scopes once, however many keys they hold", async ({ open }) => {
    const state = await open();
    const scopes = Array.from({ length: 60 }, (_, i) => StateScope.session(numbered("s", i)));
    await state.transaction(async (tx) => {
      for (const [i, one] of scopes.entries()) for (let k = 0; k <= i % 7; k++) await tx.save(one, numbered("k", k), i);
    });
    const reader = await open();
    assertEquals(await reader.scopes().toArray(), scopes);
    assertEquals(await reader.scopes({ after: scopes[40]!, limit: 10 }).toArray(), scopes.slice(41, 51));
  });

  test("an impossible listing option is a TypeError or RangeError", async ({ open }) => {
    const state = await open();
    await state.save(scope, "k", 1);
    for (const limit of [-1, 1.5, NaN, "2" as unknown as number]) {
      let failed = false;
      try {
        await state.keys(scope, { limit }).toArray();
      } catch (error) {
        failed = error instanceof RangeError || error instanceof TypeError;
      }
      assert(failed, `limit ${limit} should be refused`);
    }
    await assertMisuse(() => state.scopes({ type: "planet" as "user" }).toArray(), 'type "planet"');
    assertEquals(await state.keys(scope, { limit: 0 }).toArray(), []);
  });
}
