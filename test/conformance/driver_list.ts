/**
 * A driver that declares an ordered list gives bytewise order, page by page, and nothing from outside the prefix.
 *
 * @module
 */
import type { Driver, DriverListOptions } from "../../src/store/driver.ts";
import { assertEquals } from "./assert.ts";
import { put } from "./driver_values.ts";
import { asPlaces, numbered, type Test } from "./suite.ts";

/** In bytewise order. */
const everything = [
  "a",
  "a!",
  "a!a",
  "a!a!x",
  "a!b",
  "a!b!c",
  "a!b-20",
  "a!b0",
  "a!b_25",
  "a!bz",
  "a!b~7e",
  "a-20",
  "a0",
  "a_",
  "a~",
  "b",
  "~",
];

async function list(driver: Driver, options: Partial<DriverListOptions>): Promise<string[]> {
  return (await driver.list!({ prefix: "", limit: 1000, ...options })).map(({ key }) => key);
}

async function pages(driver: Driver, options: DriverListOptions): Promise<string[][]> {
  const all: string[][] = [];
  for (;;) {
    const after = all.at(-1)?.at(-1);
    const page = await list(driver, { ...options, ...(after === undefined ? {} : { after }) });
    if (page.length === 0) return all;
    all.push(page);
  }
}

/** `list`. */
export function testDriverList(test: Test): void {
  test("list() is in bytewise order, forwards and backwards", async ({ driver, supports }) => {
    if (supports.list !== "ordered") return;
    const one = await driver();
    const keys = asPlaces(everything, supports);
    for (const key of [...keys].reverse()) await put(one, key, "V");
    assertEquals(await list(one, {}), keys);
    assertEquals(await list(one, { reverse: true }), [...keys].reverse());
  });

  test("list() keeps to its prefix, exactly", async ({ driver, supports }) => {
    if (supports.list !== "ordered") return;
    const one = await driver();
    const keys = asPlaces(everything, supports);
    for (const key of keys) await put(one, key, "V");
    for (const prefix of ["a", "a!", "a!b", "a!b!", "a~", "~", "none", "a!b!c", "a!b!cc", "a!b_", "a_"]) {
      const expected = keys.filter((key) => key.startsWith(prefix));
      assertEquals(await list(one, { prefix }), expected, `under ${prefix}`);
      assertEquals(await list(one, { prefix, reverse: true }), [...expected].reverse(), `under ${prefix}, reversed`);
    }
  });

  test("list() goes on after any text, whether a key or not", async ({ driver, supports }) => {
    if (supports.list !== "ordered") return;
    const one = await driver();
    const keys = asPlaces(everything, supports);
    for (const key of keys) await put(one, key, "V");
    for (const prefix of ["", "a!", "a!b"]) {
      const under = keys.filter((key) => key.startsWith(prefix));
      for (const after of ["", "0", "a!", "a!a", "a!a!", 'a!a"', "a!b!c", "a!b5", "a!z", "a~", "zz", "~~"]) {
        assertEquals(await list(one, { prefix, after }), under.filter((key) => key > after), `under "${prefix}" after ${after}`);
        const below = under.filter((key) => key < after).reverse();
        assertEquals(await list(one, { prefix, after, reverse: true }), below, `under "${prefix}" before ${after}`);
      }
    }
  });

  test("list() pages give every key once, in both directions", async ({ driver, supports }) => {
    if (supports.list !== "ordered") return;
    const one = await driver();
    const many = Array.from({ length: 100 }, (_, i) => numbered("pg!", i));
    for (const key of many) await put(one, key, `V${key}`);
    for (const limit of [1, 7, 50, 100, 101]) {
      const forwards = await pages(one, { prefix: "pg!", limit });
      assertEquals(forwards.flat(), many, `pages of ${limit}`);
      assertEquals(forwards[0]!.length, Math.min(limit, 100));
      assertEquals((await pages(one, { prefix: "pg!", limit, reverse: true })).flat(), [...many].reverse(), `pages of ${limit}, reversed`);
    }
  });

  test("list() gives values only where they are asked for", async ({ driver, supports }) => {
    if (supports.list !== "ordered") return;
    const one = await driver();
    for (const [key, value] of [["v!a", "V456"], ["v!b", "V"], ["w!c", "C"]] as const) await put(one, key, value);
    const items = await one.list!({ prefix: "v!", limit: 10, values: true });
    assertEquals(items.map(({ key, value }) => [key, value]), [["v!a", "V456"], ["v!b", "V"]]);
    assertEquals((await one.list!({ prefix: "v!", limit: 10 })).map(({ value }) => value), [undefined, undefined]);
    assertEquals((await one.list!({ prefix: "v!", limit: 10, values: true, reverse: true })).map(({ value }) => value), ["V", "V456"]);
  });
}
