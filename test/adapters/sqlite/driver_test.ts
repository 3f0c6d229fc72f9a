import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { createDriver } from "../../../adapters/sqlite/driver.ts";
import { loadEngine } from "../../../adapters/sqlite/engine.ts";
import { sqlite } from "../../../adapters/sqlite.ts";
import { isStateError } from "../../../src/errors.ts";
import type { Driver } from "../../../src/store/driver.ts";
import { batch, inFolder, watchedDriver } from "./fixture.ts";

const impatient = (file: string, lockedMs: number): Driver => createDriver({ given: file, absolute: resolve(file) }, lockedMs);

/** Counts how often other work in this process had its turn. */
function countTurns(): { readonly turns: () => number; readonly stop: () => void } {
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  return { turns: () => turns, stop: () => clearInterval(timer) };
}

function program(name: string, ...args: string[]): Deno.Command {
  const path = new URL(`./${name}`, import.meta.url).pathname;
  return new Deno.Command(Deno.execPath(), { args: ["run", "--allow-all", "--quiet", path, ...args], stdout: "piped", stderr: "piped" });
}

/** The locks that this process holds on a file. Only Linux tells. */
function locksOn(file: string): string[] {
  if (Deno.build.os !== "linux") return ["unknown"];
  const lines = Deno.readTextFileSync("/proc/locks").split("\n");
  return lines.filter((line) => line.includes(` ${Deno.pid} `) && line.includes(`:${Deno.statSync(file).ino} `)).map((line) =>
    line.replace(/^\d+: /, "")
  );
}

Deno.test("sqlite() waits for another process's lock without stopping this one, and keeps the order of writes", () =>
  inFolder(async (folder) => {
    const driver = sqlite(`${folder}/x.db`);
    await driver.create!("a", "0");
    const holder = new DatabaseSync(`${folder}/x.db`);
    holder.exec("BEGIN IMMEDIATE");
    const { turns, stop } = countTurns();
    const order: number[] = [];
    const writes = [1, 2, 3, 4, 5].map((n) => driver.commit!(batch({ set: [["a", String(n)]] })).then(() => order.push(n)));
    await new Promise((resolve) => setTimeout(resolve, 150));
    assert.ok(turns() > 5, `${turns()} turns`);
    assert.deepEqual(order, []);
    // A reader does not wait for a writer.
    assert.equal(await driver.getItem("a"), "0");
    holder.exec("COMMIT");
    await Promise.all(writes);
    stop();
    assert.deepEqual(order, [1, 2, 3, 4, 5]);
    assert.equal(await driver.getItem("a"), "5");
    holder.close();
    await driver.dispose!();
  }));

Deno.test("sqlite() gives up on a lock in time, for all that waited, with STATE_DRIVER that says who holds it", () =>
  inFolder(async (folder) => {
    const driver = impatient(`${folder}/x.db`, 100);
    await driver.create!("a", "0");
    const holder = new DatabaseSync(`${folder}/x.db`);
    holder.exec("BEGIN IMMEDIATE");
    const started = performance.now();
    const outcomes = await Promise.allSettled(Array.from({ length: 20 }, (_, i) => driver.commit!(batch({ set: [["a", String(i)]] }))));
    assert.ok(performance.now() - started < 1500, "each waited for itself");
    for (const outcome of outcomes) {
      assert.equal(outcome.status, "rejected");
      const { reason } = outcome as PromiseRejectedResult;
      assert.ok(isStateError(reason, "STATE_DRIVER"), String(reason));
      assert.match(reason.message, /^Cannot write to the SQLite file ".*x\.db": another process has kept it locked for 0\.1 s$/);
      assert.equal(reason.retryable, true);
    }
    holder.exec("ROLLBACK");
    assert.equal(await driver.getItem("a"), "0");
    assert.equal(await driver.commit!(batch({ set: [["a", "1"]] })), true);
    holder.close();
    await driver.dispose!();
  }));

Deno.test("sqlite() waits for whoever is just creating the file", () =>
  inFolder(async (folder) => {
    const file = `${folder}/x.db`;
    const holder = new DatabaseSync(file);
    holder.exec("BEGIN EXCLUSIVE");
    const driver = impatient(file, 10_000);
    const { turns, stop } = countTurns();
    const write = driver.create!("a", "1");
    await new Promise((resolve) => setTimeout(resolve, 60));
    assert.ok(turns() > 2, `${turns()} turns`);
    holder.exec("ROLLBACK");
    assert.equal(await write, true);
    stop();
    holder.close();
    await driver.dispose!();
  }));

Deno.test("a write of sqlite() that fails does not hold up those behind it", () =>
  inFolder(async (folder) => {
    const driver = sqlite(`${folder}/x.db`);
    const [bad, good] = await Promise.allSettled([
      driver.commit!(batch({ set: [["a", 1 as never]] })),
      driver.commit!(batch({ set: [["a", "2"]] })),
    ]);
    assert.equal(bad.status, "rejected");
    assert.equal(good.status, "fulfilled");
    assert.equal(await driver.getItem("a"), "2");
    await driver.dispose!();
  }));

Deno.test("sqlite().dispose() lets the writes before it finish", () =>
  inFolder(async (folder) => {
    const driver = sqlite(`${folder}/x.db`);
    const writes = Array.from({ length: 50 }, (_, i) => driver.commit!(batch({ set: [[`k${i}`, "1"]] })));
    await driver.dispose!();
    assert.deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name), ["x.db"]);
    assert.deepEqual(await Promise.all(writes), Array(50).fill(true));
    assert.equal((await driver.getKeys("k")).length, 50);
    await driver.dispose!();
  }));

Deno.test("sqlite().getMany() of many keys is one moment, and others have their turn meanwhile", () =>
  inFolder(async (folder) => {
    const driver = sqlite(`${folder}/x.db`);
    const other = sqlite(`${folder}/x.db`);
    const keys = Array.from({ length: 2000 }, (_, i) => `k${i}`);
    const setAll = (by: Driver, value: string) => by.commit!(batch({ set: keys.map((key) => [key, value]) }));
    await setAll(driver, "0");
    // More than one turn, and more keys than there are: what is not there is undefined.
    const asked = [...keys, ...keys.toReversed(), "none"];
    const { turns, stop } = countTurns();
    const read = driver.getMany!(asked);
    await setAll(driver, "1");
    await setAll(other, "2");
    const values = [...await read];
    stop();
    assert.ok(turns() > 0);
    assert.equal(values.length, 4001);
    assert.equal(values.pop(), undefined);
    assert.equal(new Set(values).size, 1, `values of several moments: ${[...new Set(values)]}`);
    assert.deepEqual(new Set(await driver.getMany!(keys)), new Set(["2"]));
    await Promise.all([driver.dispose!(), other.dispose!()]);
  }));

Deno.test("sqlite().getMany() of a few keys is one moment", () =>
  inFolder(async (folder) => {
    const file = `${folder}/x.db`;
    const other = sqlite(file);
    await other.commit!(batch({ set: [["a", "0"], ["b", "0"]] }));
    const writer = new DatabaseSync(file);
    let reads = 0;
    const driver = watchedDriver(file, (sql) => {
      // Between the two reads, somebody else commits.
      if (sql.startsWith("SELECT value") && ++reads === 2) writer.exec("UPDATE entry SET value = '1'");
    });
    assert.deepEqual(await driver.getMany!(["a", "b"]), ["0", "0"]);
    assert.deepEqual(await driver.getMany!(["a", "b"]), ["1", "1"]);
    writer.close();
    await Promise.all([driver.dispose!(), other.dispose!()]);
  }));

Deno.test("sqlite() loses no increment of 8 processes that create the file and add to one number at once", () =>
  inFolder(async (folder) => {
    const file = `${folder}/new/x.db`;
    const outcomes = await Promise.all(Array.from({ length: 8 }, () => program("increments.ts", file, "100").output()));
    let tries = 0;
    let longestMs = 0;
    for (const { stdout, stderr, success } of outcomes) {
      assert.ok(success, new TextDecoder().decode(stderr));
      const said = JSON.parse(new TextDecoder().decode(stdout)) as { tries: number; longestMs: number };
      tries += said.tries;
      longestMs = Math.max(longestMs, said.longestMs);
    }
    const driver = sqlite(file);
    assert.equal(await driver.getItem("n"), "v800");
    await driver.dispose!();
    console.log(`    800 increments, ${tries / 800} tries each, longest wait ${Math.round(longestMs)} ms`);
    assert.deepEqual([...Deno.readDirSync(`${folder}/new`)].map(({ name }) => name), ["x.db"]);
  }));

Deno.test("opening a file again in one process leaves its locks alone, even where headers cannot be peeked at", () =>
  inFolder(async (folder) => {
    const file = `${folder}/x.db`;
    const first = sqlite(file);
    await first.create!("a", "1");
    const before = locksOn(file);
    assert.notEqual(before.length, 0);
    // As on Node before 22.15, which takes a "file:" name for a path.
    const unable = async () => ({
      ...await loadEngine(),
      peek: () => {
        throw new Error("unable to open database file");
      },
    });
    for (const second of [sqlite(file), createDriver({ given: file, absolute: file }, 1000, unable)]) {
      assert.equal(await second.getItem("a"), "1");
      await second.dispose!();
      assert.deepEqual(locksOn(file), before);
      // Another process that believed itself alone would fold the log into the file and remove it when it closes.
      const { success } = await program("attempt.ts", "write", file).output();
      assert.ok(success);
      assert.ok(existsSync(`${file}-wal`));
      assert.equal(await first.commit!(batch({ checks: [{ key: "a", is: "2" }], set: [["a", "1"]] })), true);
    }
    const foreign = createDriver({ given: "foreign", absolute: `${folder}/foreign` }, 1000, unable);
    for (const content of ["x".repeat(200), "x"]) {
      Deno.writeTextFileSync(`${folder}/foreign`, content);
      await assert.rejects(foreign.create!("a", "1"), { message: /it is not a SQLite database$/ });
    }
    await first.dispose!();
  }));

Deno.test("sqlite() keeps what it acknowledged to a process that was killed", () =>
  inFolder(async (folder) => {
    const file = `${folder}/x.db`;
    for (let round = 0; round < 3; round++) {
      const child = program("count.ts", file).spawn();
      const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
      let printed = "";
      const enough = 20 + 60 * round;
      while (printed.split("\n").length < enough) {
        const { value, done } = await reader.read();
        assert.ok(!done, printed);
        printed += value;
      }
      child.kill("SIGKILL");
      for (let read = await reader.read(); !read.done; read = await reader.read()) printed += read.value;
      await Promise.all([child.status, child.stderr.cancel()]);
      const acknowledged = Number(printed.split("\n").at(-2));
      const driver = sqlite(file);
      const stored = Number(await driver.getItem("n"));
      assert.ok(stored === acknowledged || stored === acknowledged + 1, `acknowledged ${acknowledged}, stored ${stored}`);
      // Each commit was whole.
      assert.equal((await driver.getKeys("k")).length, stored);
      await driver.dispose!();
    }
  }));
