/** What a schema's types do to the verbs: its input goes in, its output comes out. */
import { defineSchema, type Entry, openState, type StateManager, StateScope, type TypedKey } from "../../mod.ts";
import assert from "node:assert/strict";
import * as v from "valibot";
import { type Equal, expectType } from "./expect.ts";

const ProfileShape = v.object({ handle: v.string(), given: v.string(), notify: v.optional(v.boolean(), true) });
type Profile = v.InferOutput<typeof ProfileShape>;
const profile = defineSchema({ name: "profile", version: "2.0.0", schema: ProfileShape, appliesTo: { scope: "user", key: "profile" } });
const draft = defineSchema({ name: "draft", version: "1.0.0", schema: v.object({ text: v.string() }), appliesTo: { key: "draft:*" } });
const settings = defineSchema({ name: "settings", version: "1.0.0", schema: v.object({ theme: v.string() }) });
const alice = StateScope.user("alice");

Deno.test("a typed key takes its schema's input and gives its output, in every verb", async () => {
  await using state = await openState({ schemas: [profile, settings] });
  await state.save(alice, profile, { handle: "a", given: "A" }); // notify is optional going in
  const loaded = await state.load(alice, profile);
  expectType<Equal<typeof loaded, Profile | undefined>>();
  const notify: boolean | undefined = loaded?.notify; // and there coming out
  const entry = await state.in(alice).entry(profile);
  expectType<Equal<typeof entry, Entry<Profile> | undefined>>();
  const updated = await state.update(alice, profile, (now) => ({ handle: now?.handle ?? "", given: "B" }));
  expectType<Equal<typeof updated, Profile | undefined>>();
  await state.transaction(async (tx) => {
    const seen = await tx.load(alice, profile);
    expectType<Equal<typeof seen, Profile | undefined>>();
    if (seen) await tx.save(alice, profile, { ...seen, handle: "z" });
  });
  const bare = await state.load(alice, settings);
  expectType<Equal<typeof bare, { theme: string } | undefined>>();
  const claimed = await state.load<Profile>(alice, "profile");
  expectType<Equal<typeof claimed, Profile | undefined>>();
  assert.deepEqual([notify, entry?.value.given, updated?.given, bare, claimed?.handle], [true, "A", "B", undefined, "z"]);
});

Deno.test("under() makes typed keys of a prefix", async () => {
  await using state = await openState({ schemas: [draft] });
  const drafts = state.in(StateScope.session("s1"));
  const one = draft.under("draft:1");
  expectType<Equal<typeof one, TypedKey<{ text: string }, { text: string }>>>();
  await drafts.save(one, { text: "x" }, { class: "bulk" });
  await drafts.save(one, { text: "x" });
  const merged = await drafts.update(one, (now) => ({ text: (now?.text ?? "") + "!" }));
  assert.equal(merged?.text.length, 2);
});

Deno.test("a typed key is a key of whatever values", () => {
  const key: TypedKey<unknown, unknown> = profile;
  assert.equal(key.key, "profile");
});

Deno.test("what does not fit a schema does not compile", () => {
  const refused = async (state: StateManager) => {
    const drafts = state.in(StateScope.session("s1"));
    // @ts-expect-error: a field misspelt
    await state.save(alice, profile, { handel: "a", given: "A" });
    // @ts-expect-error: a field missing
    await state.save(alice, profile, { handle: "a" });
    // @ts-expect-error: a field misspelt under a prefix
    await drafts.save(draft.under("draft:1"), { txet: "x" });
    // @ts-expect-error: not under the prefix
    draft.under("dratf:1");
    // @ts-expect-error: a prefix is no key
    await drafts.load(draft);
    // @ts-expect-error: no return
    await drafts.update(draft.under("draft:1"), (now) => {
      if (now) now.text = "x";
    });
    // @ts-expect-error: no schema
    defineSchema({ name: "p", version: "1.0.0", schema: {} });
    // @ts-expect-error: no such type of scope
    defineSchema({ name: "p", version: "1.0.0", schema: ProfileShape, appliesTo: { scope: "team" } });
  };
  assert.equal(typeof refused, "function");
});
