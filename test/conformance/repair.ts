/**
 * A store that was damaged is repaired: what still proves itself is kept, and nothing else is ever answered.
 *
 * @module
 */
import { isStateError } from "../../src/errors.ts";
import { StateScope } from "../../src/keys/scopes.ts";
import { dropNamespace, repair } from "../../src/open.ts";
import type { StateManager } from "../../src/state/manager.ts";
import type { Driver } from "../../src/store/driver.ts";
import { assert, assertEquals, assertStateError } from "./assert.ts";
import { put } from "./driver_values.ts";
import { listDriver, listLeft, readDriver, type Stage, type Test, wipeDriver } from "./suite.ts";

const scope = StateScope.agent("a");
const namespace = "state";
type Contents = ReadonlyMap<string, string | Uint8Array>;

/** Some entries, one of them large, one deleted, one saved several times. */
async function fill(state: StateManager): Promise<void> {
  for (let i = 0; i < 3; i++) await state.save(scope, "k", `${i} of k`);
  await state.save(scope, "large", "large ".repeat(2000));
  await state.save(scope, "gone", 1);
  await state.delete(scope, "gone");
  await state.transaction(async (tx) => {
    for (let i = 0; i < 5; i++) await tx.save(StateScope.user("é"), `t${i}`, { i });
  });
  await state.increment(StateScope.global, "n", 5, { operationId: "once" });
}

/** What a state shows: every entry with its revision and commit. */
async function showsOf(state: StateManager): Promise<Map<string, string>> {
  const lines = new Map<string, string>();
  for await (const of of state.scopes()) {
    for await (const { key, value, revision, commit } of state.entries(of)) {
      lines.set(`${StateScope.format(of)} ${key}`, `${JSON.stringify(value)} ${revision} ${commit}`);
    }
  }
  return lines;
}

/** Puts everything back as it was. */
async function restore(driver: Driver, contents: Contents): Promise<void> {
  await wipeDriver(driver);
  for (const [key, value] of contents) await write(driver, key, value);
}

/** Writes over what stands under a key, an append-only file too. */
async function write(driver: Driver, key: string, value: string | Uint8Array): Promise<void> {
  if (!driver.segments || !key.includes("!seg!")) return await put(driver, key, value);
  await driver.segments.remove(key);
  await driver.segments.create(key, value as Uint8Array);
}

/** One character, or byte, in the middle changed. */
function changed(value: string | Uint8Array): string | Uint8Array {
  const at = value.length >> 1;
  if (typeof value !== "string") return value.map((byte, i) => i === at ? byte ^ 4 : byte);
  return value.slice(0, at) + (value[at] === "A" ? "B" : "A") + value.slice(at + 1);
}

async function filled(
  { driver, open }: Stage,
): Promise<{ readonly one: Driver; readonly contents: Contents; readonly shows: Map<string, string> }> {
  const state = await open();
  await fill(state);
  const shows = await showsOf(state);
  await state.close();
  const one = await driver();
  return { one, contents: await readDriver(one) as Contents, shows };
}

/** `repair`. */
export function testRepair(test: Test): void {
  test("repair() of a state in which nothing is wrong changes nothing", async (stage) => {
    const { one, contents } = await filled(stage);
    assertEquals((await repair(one, { namespace })).lostCommits, []);
    assertEquals(await readDriver(one), contents);
    assertEquals(await repair(one, { namespace: "none" }), { kept: 0, lostCommits: [] });
    assertEquals(await readDriver(one), contents);
  });

  test("repair() of whatever one object is damaged keeps every entry that still proves itself, and says what was lost", async (stage) => {
    const { one, contents, shows } = await filled(stage);
    let isRepaired = 0;
    for (const [key, value] of contents) {
      if (key.endsWith("!lease")) continue;
      await restore(one, contents);
      await write(one, key, changed(value));
      const before = await readDriver(one);
      let dry: Awaited<ReturnType<typeof repair>>;
      try {
        dry = await repair(one, { namespace, dryRun: true });
      } catch (error) {
        // What says that it is newer may be just that.
        if (isStateError(error, "STATE_NEWER_FORMAT")) continue;
        throw error;
      }
      assertEquals(await readDriver(one), before, "dryRun writes nothing");
      const report = await repair(one, { namespace });
      assertEquals(report, dry, "dryRun says the same");
      const state = await stage.open();
      const found = await showsOf(state);
      for (const [entry, shown] of shows) {
        const isLost = report.lostCommits.some((commit) => shown.endsWith(` ${commit}`));
        if (!isLost) assertEquals(found.get(entry), shown, `${entry} with "${key}" damaged`);
      }
      for (const entry of found.keys()) assert(shows.has(entry), `${entry} was deleted, and is there with "${key}" damaged`);
      const { commit } = await state.save(scope, "after", 1);
      assert(commit > shows.size, `commit ${commit}`);
      await state.close();
      assertEquals((await repair(one, { namespace })).lostCommits, [], "what was repaired is whole");
      isRepaired++;
    }
    assert(isRepaired > 2, `only ${isRepaired} were repaired`);
  });

  test("a state that is STATE_CORRUPT can be used again after repair(), and dropped", async (stage) => {
    const { one, contents, shows } = await filled(stage);
    const isEssential = (key: string) => /!(?:head|ckpt!\d+)$|!run!|!ckpt!/.test(key);
    for (const [key, value] of contents) if (isEssential(key)) await write(one, key, changed(value));
    await assertStateError(async () => {
      const state = await stage.open();
      await showsOf(state);
    }, "STATE_CORRUPT");
    const { lostCommits } = await repair(one, { namespace });
    const state = await stage.open();
    const found = await showsOf(state);
    for (const [entry, shown] of shows) {
      if (!lostCommits.some((commit) => shown.endsWith(` ${commit}`))) assertEquals(found.get(entry), shown, entry);
    }
    assert((await state.inspect()).bytes.setAside > 0, "nothing is said to be set aside");
    assertEquals(state.recovered.setAside, []);
    await state.close();
    await dropNamespace(one, namespace);
    assertEquals(await listLeft(one), []);
  });

  test("repair() closes the state of whoever has it open, and keeps what was acknowledged before", async ({ driver, open, supports }) => {
    if (supports.writers !== "many") return;
    const [writer, reader] = [await open(), await open()];
    for (let i = 0; i < 8; i++) await writer.save(scope, `k${i}`, i);
    await reader.load(scope, "k1");
    const one = await driver();
    const [head] = (await listDriver(one)).filter((key) => /!head$|!ckpt!/.test(key)).reverse();
    await write(one, head!, changed(await one.getItem(head!) as string));
    assertEquals((await repair(one, { namespace })).lostCommits, []);
    for (const call of [() => writer.save(scope, "k1", 2), () => reader.load(scope, "k1"), () => reader.keys(scope).toArray()]) {
      await assertStateError(call, "STATE_CLOSED");
    }
    const fresh = await open();
    for (let i = 0; i < 8; i++) assertEquals(await fresh.load(scope, `k${i}`), i);
  });
}
