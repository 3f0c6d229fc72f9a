/**
 * A driver keeps what it is given: text as text, bytes as bytes, for whoever opens the store later.
 *
 * @module
 */
import type { Driver } from "../../src/store/driver.ts";
import { assert, assertEquals } from "./assert.ts";
import { asPlaces, listDriver, numbered, type Test } from "./suite.ts";

/** Writes one key with the strongest verb that the driver declares. */
export async function put(driver: Driver, key: string, value: string | Uint8Array): Promise<void> {
  if (driver.supports?.commit) {
    assert(await driver.commit!({ checks: [], set: [[key, value]], remove: [], durable: false }), "commit() without a check gave false");
  } else if (driver.supports?.create) {
    await driver.removeItem!(key);
    assert(await driver.create!(key, value), "create() of what is not there gave false");
  } else await driver.setItem!(key, value as string);
}

/** Reads one key. */
export async function get(driver: Driver, key: string): Promise<unknown> {
  if (driver.getMany) return (await driver.getMany([key]))[0];
  return await driver.getItem(key) ?? undefined;
}

/** What a careless engine turns into something else. */
const texts = [
  "plain",
  "",
  "456",
  "-0",
  "null",
  "undefined",
  "true",
  '"quoted"',
  '{"a":1}',
  "[1,2]",
  "H1\nsecond line\nthird",
  "tab\tcarriage\rreturn\r\nend",
  "nul\0inside",
  "😀 𝒳 é e\u0301 ﷺ",
  "\ufeffbyte order mark",
  " space around ",
  "base64:AAAA",
  "%_*?[a]\\'\"`$1",
  "long ".repeat(12_000),
];

/** Values and keys, one at a time. */
export function testDriverValues(test: Test): void {
  test("a driver gives text back exactly as it was written", async ({ driver, supports }) => {
    const one = await driver();
    // A plain driver may interpret text; what the library hands it begins with a letter and is never JSON.
    const given = supports.commit ? texts : texts.filter((text) => /^[A-Z]/.test(text));
    const fitting = given.filter((text) => text.length * 2 <= supports.valueBytes);
    for (const [i, text] of fitting.entries()) await put(one, numbered("t!", i), text);
    for (const [i, text] of fitting.entries()) assertEquals(await get(one, numbered("t!", i)), text);
    if (one.getMany) assertEquals(await one.getMany(fitting.map((_, i) => numbered("t!", i))), fitting);
  });

  test("a driver gives bytes back as bytes, where it declares them", async ({ driver, supports }) => {
    if (!supports.binary) return;
    const one = await driver();
    const given = [new Uint8Array(), Uint8Array.from({ length: 256 }, (_, i) => i), new Uint8Array([0xef, 0xbb, 0xbf, 0xff, 0xfe])];
    for (const [i, bytes] of given.entries()) await put(one, numbered("b!", i), bytes);
    const read = await one.getMany!(given.map((_, i) => numbered("b!", i)));
    for (const [i, bytes] of given.entries()) {
      assert(read[i] instanceof Uint8Array, `the value of ${bytes.length} bytes came back as ${typeof read[i]}`);
      assertEquals([...read[i] as Uint8Array], [...bytes]);
    }
  });

  test("a driver shares no bytes with its caller", async ({ driver, supports }) => {
    if (!supports.binary) return;
    const one = await driver();
    const whole = new Uint8Array([9, 1, 2, 3, 9]);
    const given = whole.subarray(1, 4);
    await put(one, "b!shared", given);
    whole.fill(7);
    const first = await get(one, "b!shared") as Uint8Array;
    assertEquals([...first], [1, 2, 3]);
    first.fill(7);
    assertEquals([...await get(one, "b!shared") as Uint8Array], [1, 2, 3]);
  });

  test("a driver overwrites, removes, and says what is there", async ({ driver, supports }) => {
    const one = await driver();
    await put(one, "k!one", "First");
    await put(one, "k!one", "Second");
    await put(one, "k!two", "Other");
    assertEquals(await get(one, "k!one"), "Second");
    assertEquals([await one.hasItem("k!one"), await one.hasItem("k!none")], [true, false]);
    assertEquals(await get(one, "k!none"), undefined);
    assertEquals(await one.getItem("k!none") ?? null, null);
    assertEquals(await listDriver(one), ["k!one", "k!two"]);
    if (supports.commit) await one.commit!({ checks: [], set: [], remove: ["k!one", "k!never"], durable: true });
    else await one.removeItem!("k!one");
    assertEquals(await get(one, "k!one"), undefined);
    assertEquals(await listDriver(one), ["k!two"]);
  });

  test("getMany() keeps the order and the repeats of the keys asked for", async ({ driver, supports }) => {
    if (!supports.commit) return;
    const one = await driver();
    await put(one, "m!a", "A");
    await put(one, "m!b", "");
    assertEquals(await one.getMany!(["m!b", "m!none", "m!a", "m!b"]), ["", undefined, "A", ""]);
    assertEquals(await one.getMany!([]), []);
    const many = Array.from({ length: 1500 }, (_, i) => i === 700 ? "m!a" : numbered("m!absent", i));
    assertEquals((await one.getMany!(many)).flatMap((value, i) => value === undefined ? [] : [i]), [700]);
  });

  test("a driver finds what another one wrote before it was disposed", async ({ driver }) => {
    const one = await driver();
    await put(one, "d!kept", "Kept");
    await one.dispose?.();
    assertEquals(await get(await driver(), "d!kept"), "Kept");
  });

  test("two drivers on one store see what the other one writes", async ({ driver, supports }) => {
    if (supports.writers !== "many" || !supports.strongReads) return;
    const [one, two] = [await driver(), await driver()];
    for (let i = 0; i < 20; i++) {
      const [writer, reader] = i % 2 === 0 ? [one, two] : [two, one];
      await put(writer, "s!turn", `Turn ${i}`);
      assertEquals(await get(reader, "s!turn"), `Turn ${i}`);
    }
  });

  test("a driver tells keys apart to the last character, and by their case and length", async ({ driver, supports }) => {
    const one = await driver();
    const all = ["a!b", "a!b!c", "a-20", "a~41", "a", "a!", "a!b!", "a_5fb", "a_25", "ab", "0", "00", "a!".repeat(40)];
    const keys = asPlaces(all, supports);
    for (const key of keys) await put(one, key, `Of ${key}`);
    for (const key of keys) assertEquals(await get(one, key), `Of ${key}`);
    assertEquals(await listDriver(one), [...keys].sort());
  });

  test("a driver holds values and keys as large as it declares", async ({ driver, supports }) => {
    const one = await driver();
    const value = `V${"é".repeat(Math.floor((Math.min(supports.valueBytes, 64 * 1024) - 1) / 2))}`;
    const key = "k".repeat(Math.min(supports.keyBytes, 512));
    if (value.length * 2 + key.length < supports.batchBytes) {
      await put(one, key, value);
      assertEquals(await get(one, key), value);
    }
    await put(one, `${key.slice(0, -1)}j`, "Neighbour");
    assertEquals(await get(one, `${key.slice(0, -1)}j`), "Neighbour");
  });
}
