/**
 * A driver that declares `commit` is all or nothing, and one that declares `create` is exclusive, whoever else writes.
 *
 * @module
 */
import type { Driver, DriverBatch } from "../../src/store/driver.ts";
import { assert, assertEquals } from "./assert.ts";
import { get, put } from "./driver_values.ts";
import { breathe, listDriver, numbered, type Test, times } from "./suite.ts";

function commit(driver: Driver, batch: Partial<DriverBatch>): Promise<boolean> {
  return driver.commit!({ checks: [], set: [], remove: [], durable: false, ...batch });
}

/** `commit`, `create`, and reads of one moment. */
export function testDriverCommit(test: Test): void {
  test("commit() sets and removes in one step", async ({ driver, supports }) => {
    if (!supports.commit) return;
    const one = await driver();
    await put(one, "c!old", "Old");
    assertEquals(await commit(one, { set: [["c!a", "A"], ["c!b", "B"]], remove: ["c!old"], durable: true }), true);
    assertEquals(await one.getMany!(["c!a", "c!b", "c!old"]), ["A", "B", undefined]);
    assertEquals(await commit(one, {}), true);
    assertEquals(await listDriver(one), ["c!a", "c!b"]);
  });

  test("commit() writes nothing if a single check fails", async ({ driver, supports }) => {
    if (!supports.commit) return;
    const one = await driver();
    await commit(one, { set: [["c!a", "A"], ["c!empty", ""]] });
    const holds = [{ key: "c!a", is: "A" }, { key: "c!empty", is: "" }, { key: "c!none", is: undefined }];
    const fails = [["c!a", "B"], ["c!a", ""], ["c!a", undefined], ["c!a", "a"], ["c!empty", undefined], ["c!none", ""], [
      "c!none",
      "A",
    ]] as const;
    for (const [key, is] of fails) {
      for (const checks of [[...holds, { key, is }], [{ key, is }, ...holds]]) {
        assertEquals(
          await commit(one, { checks, set: [["c!new", "New"], ["c!a", "Changed"]], remove: ["c!empty"] }),
          false,
          `${key} is ${is}`,
        );
        assertEquals(await one.getMany!(["c!a", "c!empty", "c!new"]), ["A", "", undefined]);
      }
    }
    assertEquals(await commit(one, { checks: [{ key: "c!a", is: "B" }] }), false);
    assertEquals(await commit(one, { checks: holds, set: [["c!a", "Changed"]], remove: ["c!empty"] }), true);
    assertEquals(await one.getMany!(["c!a", "c!empty"]), ["Changed", undefined]);
  });

  test("commit() that compares and swaps loses no update of two writers", async ({ driver, supports }) => {
    if (!supports.commit || supports.writers !== "many") return;
    const drivers = [await driver(), await driver()];
    await put(drivers[0]!, "c!n", "N0");
    const increment = async (one: Driver) => {
      for (;;) {
        const is = await get(one, "c!n") as string;
        if (await commit(one, { checks: [{ key: "c!n", is }], set: [["c!n", `N${Number(is.slice(1)) + 1}`]] })) return;
      }
    };
    await times(8, async (i) => {
      for (let n = 0; n < 5; n++) await increment(drivers[i % 2]!);
    });
    assertEquals(await get(drivers[0]!, "c!n"), "N40");
  });

  test("commit() on absence has one winner among twenty", async ({ driver, supports }) => {
    if (!supports.commit || supports.writers !== "many") return;
    const drivers = [await driver(), await driver()];
    const won = await times(
      20,
      (i) => commit(drivers[i % 2]!, { checks: [{ key: "c!first", is: undefined }], set: [["c!first", `By ${i}`]] }),
    );
    assertEquals(won.filter(Boolean).length, 1);
    assertEquals(await get(drivers[0]!, "c!first"), `By ${won.indexOf(true)}`);
  });

  test("commit() takes as many keys as the driver declares", async ({ driver, supports }) => {
    if (!supports.commit) return;
    const one = await driver();
    const ops = Math.min(supports.batchOps, 500);
    const set = Array.from({ length: Math.ceil(ops / 2) }, (_, i) => [numbered("o!", i), `V${i}`] as const);
    assertEquals(await commit(one, { set }), true);
    const checks = set.slice(0, Math.min(Math.floor(ops / 3), 50)).map(([key, is]) => ({ key, is }));
    const remove = set.slice(0, Math.floor(ops / 3)).map(([key]) => key);
    assertEquals(await commit(one, { checks: [...checks, { key: "o!none", is: "V" }], remove }), false);
    assertEquals((await listDriver(one)).length, set.length);
    assertEquals(await commit(one, { checks, remove }), true);
    assertEquals((await listDriver(one)).length, set.length - remove.length);
  });

  test("commit() takes as many bytes as the driver declares", async ({ driver, supports }) => {
    if (!supports.commit) return;
    const one = await driver();
    const bytes = Math.min(supports.valueBytes, 32 * 1024);
    const count = Math.min(supports.batchOps, Math.floor(Math.min(supports.batchBytes, 512 * 1024) / (bytes + 16)));
    const set = Array.from({ length: count }, (_, i) => [numbered("y!", i), `${i % 10}`.repeat(bytes)] as const);
    assertEquals(await commit(one, { set, durable: true }), true);
    assertEquals(await one.getMany!(set.map(([key]) => key)), set.map(([, value]) => value));
  });

  test("getMany() and list() read one moment while another writer commits", async ({ driver, supports }) => {
    if (!supports.commit || supports.writers !== "many") return;
    const [writer, reader] = [await driver(), await driver()];
    const keys = Array.from({ length: 6 }, (_, i) => numbered("p!", i));
    const write = (turn: number) => commit(writer, { set: keys.map((key) => [key, `T${turn}`] as const) });
    await write(0);
    let isWriting = true;
    const reading = (async () => {
      do {
        const values = await reader.getMany!(keys);
        assertEquals(new Set(values).size, 1, `getMany() gave ${values}`);
        const listed = (await reader.list!({ prefix: "p!", limit: 10, values: true })).map(({ value }) => value);
        assert(listed.length === 6 && new Set(listed).size === 1, `list() gave ${listed}`);
        await breathe();
      } while (isWriting);
    })();
    try {
      for (let turn = 1; turn <= 60; turn++) await write(turn);
    } finally {
      isWriting = false;
      await reading;
    }
  });

  test("create() writes only where nothing stands", async ({ driver, supports }) => {
    if (!supports.create) return;
    const [one, two] = [await driver(), await driver()];
    assertEquals(await one.create!("x!a", ""), true);
    assertEquals(await two.create!("x!a", "Second"), false);
    assertEquals(await get(one, "x!a"), "");
    if (supports.commit) {
      await commit(one, { remove: ["x!a"] });
      assertEquals(await two.create!("x!a", "Again"), true);
      assertEquals(await get(one, "x!a"), "Again");
    }
  });

  test("create() has one winner among twenty, and its value stands", async ({ driver, supports }) => {
    if (!supports.create) return;
    const drivers = [await driver(), await driver()];
    for (let round = 0; round < 3; round++) {
      const won = await times(20, (i) => drivers[i % 2]!.create!(`x!${round}`, `By ${i}`));
      assertEquals(won.filter(Boolean).length, 1, "winners");
      for (const one of drivers) assertEquals(await get(one, `x!${round}`), `By ${won.indexOf(true)}`);
    }
  });
}
