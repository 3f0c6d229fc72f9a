/**
 * Typed keys: what does not fit its schema is neither stored nor handed out.
 *
 * @module
 */
import { StateScope } from "../../src/keys/scopes.ts";
import { defineSchema, type StandardSchema } from "../../src/schema/define.ts";
import type { TypedKey } from "../../src/state/entry.ts";
import { assertEquals, assertMisuse, assertStateError, failureOf } from "./assert.ts";
import { readDriver, type Test } from "./suite.ts";

const scope = StateScope.user("alice");

interface Settings {
  readonly theme: string;
  readonly size?: number;
}
interface FullSettings {
  readonly theme: string;
  readonly size: number;
}

/** A Standard Schema made by hand: a theme, and a size that has a default. */
function settingsSchema(themes: readonly string[], later = false): StandardSchema<Settings, FullSettings> {
  const validate = (value: unknown) => {
    const { theme, size = 12 } = (value ?? {}) as Partial<Settings>;
    const issues = [
      ...(themes.includes(theme!) ? [] : [{ message: `theme must be one of ${themes}`, path: ["theme"] }]),
      ...(typeof size === "number" ? [] : [{ message: "size must be a number", path: [{ key: "size" }] }]),
    ];
    return issues.length > 0 ? { issues } : { value: { theme: theme!, size } };
  };
  return {
    "~standard": {
      version: 1,
      vendor: "conformance",
      validate: later ? async (value) => await Promise.resolve(validate(value)) : validate,
    },
  };
}

const tags: StandardSchema<readonly string[]> = {
  "~standard": {
    version: 1,
    vendor: "conformance",
    validate: (value) => {
      const bad = Array.isArray(value) ? value.findIndex((tag) => typeof tag !== "string") : -2;
      return bad === -1 ? { value: value as string[] } : { issues: [{ message: "a tag must be a string", path: bad < 0 ? [] : [bad] }] };
    },
  },
};

const settings = defineSchema({ name: "settings", version: "1.2.0", schema: settingsSchema(["dark", "light"]) });
const drafts = defineSchema({ name: "draft", version: "1.0.0", schema: tags, appliesTo: { key: "draft:*", scope: ["user", "session"] } });

/** `defineSchema`, typed keys, validation on the way in and out. */
export function testSchemas(test: Test): void {
  for (const later of [false, true]) {
    test(`a typed key validates on save and gives its schema's output on load${later ? ", also when validation takes its time" : ""}`, async ({ open }) => {
      const key = defineSchema({ name: "settings", version: "1.2.0", schema: settingsSchema(["dark", "light"], later) });
      const state = await open({ schemas: [key] });
      await state.save(scope, key, { theme: "dark" });
      const loaded: FullSettings | undefined = await state.load(scope, key);
      assertEquals(loaded, { theme: "dark", size: 12 });
      const entry = await state.entry(scope, key);
      assertEquals([entry?.value, entry?.schema, entry?.key], [{ theme: "dark", size: 12 }, "settings@1.2.0", "settings"]);
      const invalid = { theme: "blue", size: "big" } as never;
      const { details } = await assertStateError(() => state.save(scope, key, invalid), "SCHEMA_INVALID");
      assertEquals([details.schema, details.issues.map(({ path }) => path)], ["settings@1.2.0", ["$.theme", "$.size"]]);
      assertEquals([(await state.entry(scope, key))?.revision, await state.has(scope, key)], [1, true]);
      assertEquals(await state.update(scope, key, (current) => ({ ...current!, size: current!.size + 1 })), { theme: "dark", size: 13 });
      await assertStateError(() => state.update(scope, key, () => invalid), "SCHEMA_INVALID");
      assertEquals(await state.delete(scope, key), true);
    });
  }

  test("save() stores a typed value as it was given, not as the schema's output", async ({ open }) => {
    const state = await open({ schemas: [settings] });
    await state.save(scope, settings, { theme: "light" });
    assertEquals(await (await open()).load(scope, "settings"), { theme: "light" });
    assertEquals((await (await open()).entry(scope, "settings"))?.schema, "settings@1.2.0");
  });

  test("a schema governs its keys also where they are written as plain text", async ({ open }) => {
    const state = await open({ schemas: [settings, drafts] });
    await assertStateError(() => state.save(scope, "settings", { theme: "blue" }), "SCHEMA_INVALID");
    await assertStateError(() => state.save(scope, "draft:1", [1]), "SCHEMA_INVALID");
    await assertStateError(() => state.transaction((tx) => tx.save(scope, "settings", 1)), "SCHEMA_INVALID");
    await assertStateError(() => state.update(scope, "draft:1", () => ["a", 2]), "SCHEMA_INVALID");
    await assertStateError(() => state.once(scope, "draft:1", () => 1), "SCHEMA_INVALID");
    await assertStateError(() => state.increment(scope, "draft:1"), "SCHEMA_INVALID");
    await assertStateError(() => state.save(scope, "settings", 1, { class: "bulk" }), "SCHEMA_INVALID");
    await assertStateError(() => state.save(scope, "settings", 1, { class: "ephemeral" }), "SCHEMA_INVALID");
    assertEquals(await state.keys(scope).toArray(), []);
    await state.save(scope, "settings", { theme: "dark" });
    await state.save(scope, "settings2", "not governed");
    await state.save(StateScope.agent("a"), "draft:1", "another scope");
    await state.save(StateScope.session("s"), "draft:1", ["a"]);
    assertEquals((await state.entry(StateScope.session("s"), "draft:1"))?.schema, "draft@1.0.0");
    assertEquals((await state.entry(StateScope.agent("a"), "draft:1"))?.schema, undefined);
    assertEquals((await state.entry(scope, "settings2"))?.schema, undefined);
  });

  test("a schema of a prefix is a key by under()", async ({ open }) => {
    const state = await open({ schemas: [drafts] });
    const key = drafts.under("draft:7");
    await state.save(scope, key, ["a", "b"]);
    const loaded: readonly string[] | undefined = await state.load(scope, key);
    assertEquals(loaded, ["a", "b"]);
    assertEquals(await state.keys(scope).toArray(), ["draft:7"]);
    await assertStateError(() => state.save(scope, key, [1] as never), "SCHEMA_INVALID");
    assertEquals([await state.in(scope).load(key), await state.transaction((tx) => tx.load(scope, key))], [["a", "b"], ["a", "b"]]);
    await assertMisuse(() => drafts.under("other:7" as "draft:7"), "under() of another prefix");
    await assertMisuse(() => state.save(scope, drafts as unknown as TypedKey, ["a"]), "a prefix as a key", /under/);
  });

  test("a typed key whose schema was not given is a TypeError that says what to write, in every verb", async ({ open }) => {
    const others = [await open(), await open({ schemas: [drafts] })];
    for (const state of others) {
      const calls = [
        () => state.save(scope, settings, { theme: "dark" }),
        () => state.load(scope, settings),
        () => state.entry(scope, settings),
        () => state.has(scope, settings),
        () => state.delete(scope, settings),
        () => state.update(scope, settings, () => ({ theme: "dark" })),
        () => state.transaction((tx) => tx.load(scope, settings)),
        () => state.in(scope).save(settings, { theme: "dark" }),
      ];
      for (const call of calls) await assertMisuse(call, String(call), /schemas/);
    }
    const state = await open({ schemas: [settings] });
    await assertMisuse(() => state.load(scope, { key: "settings" }), "an object that looks like a typed key");
    const twin = defineSchema({ name: "settings", version: "1.2.0", schema: settingsSchema(["dark"]) });
    await assertMisuse(() => state.load(scope, twin), "the key of another definition");
  });

  test("a stored value that does not fit the schema is SCHEMA_INVALID on load, and is left as it is", async ({ open }) => {
    const plain = await open();
    await plain.save(scope, "settings", { theme: "blue", old: true });
    const typed = await open({ schemas: [settings] });
    const reads = [
      () => typed.load(scope, settings),
      () => typed.load(scope, "settings"),
      () => typed.entry(scope, settings),
      () => typed.loadMany(scope, ["settings"]),
      () => typed.transaction((tx) => tx.load(scope, settings)),
    ];
    for (const read of reads) {
      const { details } = await assertStateError(read, "SCHEMA_INVALID", String(read));
      assertEquals([details.schema, details.issues[0]?.path], ["settings@1.2.0", "$.theme"]);
    }
    assertEquals([await typed.has(scope, settings), await typed.keys(scope).toArray()], [true, ["settings"]]);
    assertEquals(await plain.load(scope, "settings"), { theme: "blue", old: true });
    await typed.save(scope, settings, { theme: "dark" });
    assertEquals(await typed.load(scope, settings), { theme: "dark", size: 12 });
  });

  test("a value of an older version is validated against the schema of now", async ({ open }) => {
    const old = defineSchema({ name: "settings", version: "1.0.0", schema: settingsSchema(["dark", "blue"]) });
    const before = await open({ schemas: [old] });
    await before.save(scope, old, { theme: "dark" });
    await before.save(StateScope.user("bob"), old, { theme: "blue" });
    const after = await open({ schemas: [settings] });
    assertEquals(await after.load(scope, settings), { theme: "dark", size: 12 });
    assertEquals((await after.entry(scope, settings))?.schema, "settings@1.0.0");
    await assertStateError(() => after.load(StateScope.user("bob"), settings), "SCHEMA_INVALID");
    await after.save(scope, settings, { theme: "light" });
    assertEquals((await after.entry(scope, settings))?.schema, "settings@1.2.0");
  });

  test("a value of a newer version is MIGRATION_NEWER on load, as semver orders them, and is left as it is", async ({ driver, open }) => {
    const versions = ["1.2.1", "1.10.0", "2.0.0", "10.0.0"];
    for (const version of versions) {
      const newer = defineSchema({ name: "settings", version, schema: settingsSchema(["dark"]) });
      const ahead = await open({ schemas: [newer], namespace: version });
      await ahead.save(scope, newer, { theme: "dark" });
      await ahead.close();
      const behind = await open({ schemas: [settings], namespace: version });
      const one = await driver();
      const stored = await readDriver(one);
      for (
        const read of [
          () => behind.load(scope, settings),
          () => behind.entry(scope, "settings"),
          () => behind.update(scope, settings, (value) => value!),
        ]
      ) {
        const { details, retryable } = await assertStateError(read, "MIGRATION_NEWER", version);
        assertEquals([details, retryable], [{ schema: "settings", stored: version, known: "1.2.0" }, false]);
      }
      assertEquals(await behind.has(scope, settings), true);
      await behind.close();
      assertEquals(await readDriver(one), stored);
    }
    for (const version of ["1.2.0-rc.1", "1.1.9", "0.9.0"]) {
      const older = defineSchema({ name: "settings", version, schema: settingsSchema(["dark"]) });
      await (await open({ schemas: [older], namespace: version })).save(scope, older, { theme: "dark" });
      assertEquals(
        await (await open({ schemas: [settings], namespace: version })).load(scope, settings),
        { theme: "dark", size: 12 },
        version,
      );
    }
  });

  test("defineSchema() and openState() refuse what is no schema", async ({ open }) => {
    const schema = settingsSchema(["dark"]);
    for (const version of ["1.2", "1.2.3.4", "a.b.c", "", "v1.0.0", "1.0", "01.0.0", 1 as unknown as string]) {
      await assertMisuse(() => defineSchema({ name: "x", version, schema }), `version ${version}`);
    }
    await assertMisuse(() => defineSchema({ name: "", version: "1.0.0", schema }), "an empty name");
    await assertMisuse(() => defineSchema({ name: "x", version: "1.0.0", schema: {} as never }), "no Standard Schema");
    await assertMisuse(
      () => open({ schemas: [{ name: "x", version: "1.0.0", schema }] }),
      "a definition that defineSchema did not see",
      /defineSchema/,
    );
    const twin = defineSchema({ name: "settings", version: "1.2.0", schema });
    await assertStateError(() => open({ schemas: [settings, twin] }), "SCHEMA_CONFLICT");
    const state = await open({ schemas: [settings, settings] });
    assertEquals(await state.load(scope, settings), undefined);
  });

  test("a schema that throws, or gives no result, is a TypeError that names it, and nothing is stored", async ({ open }) => {
    const own = new Error("own");
    const faults: readonly (() => unknown)[] = [
      () => {
        throw own;
      },
      () => Promise.reject(own),
      ...[undefined, null, true, {}, [], { issues: null }, { issues: [null] }, { issues: [{ message: "x", path: 5 }] }].map((given) => () =>
        given
      ),
      () => Promise.resolve(undefined),
    ];
    for (const [i, fault] of faults.entries()) {
      let isFaulty = false;
      const validate = (value: unknown) => isFaulty ? fault() : { value };
      const schema = { "~standard": { version: 1, vendor: "conformance", validate } } as unknown as StandardSchema<string>;
      const key = defineSchema({ name: `faulty-${i}`, version: "1.0.0", schema });
      const state = await open({ schemas: [key] });
      await state.save(scope, key, "kept");
      isFaulty = true;
      const calls: Readonly<Record<string, () => Promise<unknown>>> = {
        save: () => state.save(scope, key, "x"),
        update: () => state.update(scope, key, () => "x"),
        transaction: () => state.transaction((tx) => tx.save(scope, key, "x")),
        load: () => state.load(scope, key),
      };
      for (const [verb, call] of Object.entries(calls)) {
        const says = new RegExp(`"faulty-${i}": schema "faulty-${i}@1\\.0\\.0" (threw|gave)`);
        await assertMisuse(call, `${verb} with fault ${i}`, says);
        if (i < 2) assertEquals((await failureOf(call, verb) as Error).cause, own);
      }
      isFaulty = false;
      assertEquals([await state.load(scope, key), (await state.entry(scope, key))?.revision], ["kept", 1]);
      await state.close();
    }
  });

  test("a schema that gives its issues as a list that has issues is understood", async ({ open }) => {
    class Errors extends Array<{ readonly message: string }> {
      get issues(): this {
        return this;
      }
    }
    const validate = (value: unknown) => value === "good" ? { value } : Errors.of({ message: "not good" });
    const schema = { "~standard": { version: 1, vendor: "conformance", validate } } as unknown as StandardSchema<string>;
    const key = defineSchema({ name: "listing", version: "1.0.0", schema });
    const state = await open({ schemas: [key] });
    await state.save(scope, key, "good");
    const { details } = await assertStateError(() => state.save(scope, key, "bad"), "SCHEMA_INVALID");
    assertEquals(details.issues, [{ path: "$", message: "not good" }]);
  });

  test("a schema that takes its time by a thenable of its own is waited for", async ({ open }) => {
    const later = (result: unknown) => ({ then: (resolve: (result: unknown) => void) => resolve(result) });
    const validate = (value: unknown) => later(value === "good" ? { value } : { issues: [{ message: "not good" }] });
    const schema = { "~standard": { version: 1, vendor: "conformance", validate } } as unknown as StandardSchema<string>;
    const key = defineSchema({ name: "thenable", version: "1.0.0", schema });
    const state = await open({ schemas: [key] });
    await state.save(scope, key, "good");
    await assertStateError(() => state.save(scope, key, "bad"), "SCHEMA_INVALID");
    assertEquals(await state.load(scope, key), "good");
  });

  test("copy, move and clear leave typed entries their schema", async ({ open }) => {
    const state = await open({ schemas: [settings] });
    await state.save(scope, settings, { theme: "dark", size: 9 });
    await state.copy(scope, StateScope.user("bob"));
    await state.move(scope, StateScope.user("carol"));
    for (const id of ["bob", "carol"]) {
      const entry = await state.entry(StateScope.user(id), settings);
      assertEquals([entry?.value, entry?.schema], [{ theme: "dark", size: 9 }, "settings@1.2.0"]);
    }
  });
}
