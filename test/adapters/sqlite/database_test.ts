import assert from "node:assert/strict";
import { existsSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { sqlite } from "../../../adapters/sqlite.ts";
import { isStateError } from "../../../src/errors.ts";
import { batch, inFolder, watchedDriver } from "./fixture.ts";

/** What a statement throws when SQLite fails with this result code. */
const failure = (errcode: number, message: string): Error => Object.assign(new Error(message), { code: "ERR_SQLITE_ERROR", errcode });

const isDriverError = (says: RegExp) => (error: unknown): boolean => {
  assert.ok(isStateError(error, "STATE_DRIVER"), String(error));
  assert.match(error.message, says);
  return true;
};

Deno.test("each commit of sqlite() syncs a write-ahead log", () =>
  inFolder(async (folder) => {
    const seen: unknown[] = [];
    const driver = watchedDriver(`${folder}/x.db`, (sql, connection) => {
      if (sql !== "COMMIT") return;
      const pragma = (name: string) => Object.values(connection.statement(`PRAGMA ${name}`).get()!)[0];
      seen.push(["synchronous", "journal_mode", "fullfsync", "checkpoint_fullfsync"].map(pragma));
    });
    await driver.create!("a", "1");
    await driver.commit!(batch({ set: [["a", "2"]] }));
    await driver.commit!(batch({ set: [["a", "3"]], durable: true }));
    const [setUp, ...commits] = seen;
    // The file is set up before it has a log.
    assert.deepEqual(setUp, [2, "delete", 1, 1]);
    assert.deepEqual(commits, Array(3).fill([2, "wal", 1, 1]));
    await driver.dispose!();
  }));

Deno.test("a commit of sqlite() that fails before its COMMIT is STATE_DRIVER and writes nothing", () =>
  inFolder(async (folder) => {
    let fails: string | undefined;
    const driver = watchedDriver(`${folder}/x.db`, (sql) => {
      if (fails !== undefined && sql.startsWith(fails)) throw failure(10, "disk I/O error");
    });
    await driver.create!("a", "1");
    for (const statement of ["BEGIN IMMEDIATE", "SELECT value", "INSERT", "DELETE"]) {
      fails = statement;
      const change = batch({ checks: [{ key: "a", is: "1" }], set: [["a", "2"], ["b", "2"]], remove: ["c"] });
      await assert.rejects(driver.commit!(change), isDriverError(/^Cannot write to the SQLite file ".*x\.db": disk I\/O error$/));
      fails = undefined;
      assert.deepEqual(await driver.getMany!(["a", "b"]), ["1", undefined]);
    }
    assert.equal(await driver.commit!(batch({ checks: [{ key: "a", is: "1" }], set: [["a", "2"]] })), true);
    await driver.dispose!();
  }));

Deno.test("a commit of sqlite() whose COMMIT fails for want of space is STATE_DRIVER; after an I/O error the outcome is unknown", () =>
  inFolder(async (folder) => {
    let error: Error | undefined;
    const driver = watchedDriver(`${folder}/x.db`, (sql) => {
      if (error && sql === "COMMIT") throw error;
    });
    await driver.create!("a", "1");
    for (const code of [13, 10, 10 | 4 << 8, 11, 1]) {
      error = failure(code, `code ${code}`);
      const thrown = await driver.commit!(batch({ set: [["a", "2"]] })).catch((error) => error);
      assert.ok(thrown instanceof Error);
      assert.equal(isStateError(thrown, "STATE_DRIVER"), code === 13, `code ${code}: ${thrown}`);
      if (code !== 13) {
        assert.equal(isStateError(thrown), false);
        assert.match(thrown.message, /^Cannot tell whether the SQLite file ".*x\.db" took a commit: code /);
      }
      assert.equal(thrown.cause, error);
      error = undefined;
      // The failed transaction is not open any more, neither for this driver nor for others.
      assert.deepEqual(await driver.getMany!(["a", "b"]), ["1", undefined]);
      const other = sqlite(`${folder}/x.db`);
      assert.equal(await other.commit!(batch({ set: [["b", "1"]] })), true);
      assert.equal(await driver.commit!(batch({ remove: ["b"] })), true);
      await other.dispose!();
    }
    await driver.dispose!();
  }));

Deno.test("sqlite() goes on with a new connection if even a rollback fails", () =>
  inFolder(async (folder) => {
    let failing: readonly string[] = [];
    let opened = 0;
    const driver = watchedDriver(`${folder}/x.db`, (sql) => {
      if (sql.startsWith("PRAGMA busy_timeout")) opened++;
      if (failing.includes(sql)) throw failure(10, "disk I/O error");
    });
    await driver.create!("a", "1");
    failing = ["COMMIT", "ROLLBACK"];
    await assert.rejects(driver.commit!(batch({ set: [["a", "2"]] })), { message: /Cannot tell/ });
    failing = ["ROLLBACK"];
    assert.equal(await driver.commit!(batch({ checks: [{ key: "a", is: "x" }] })), false);
    failing = [];
    assert.equal(opened, 2);
    assert.equal(await driver.getItem("a"), "1");
    assert.equal(await driver.commit!(batch({ set: [["a", "3"]] })), true);
    assert.equal(opened, 3);
    await driver.dispose!();
  }));

Deno.test("sqlite() on a full disk is STATE_DRIVER; what was written stays, and small writes go on when there is room", () =>
  inFolder(async (folder) => {
    let pages = 30;
    const driver = watchedDriver(`${folder}/x.db`, (sql, connection) => {
      if (sql === "BEGIN IMMEDIATE") connection.statement(`PRAGMA max_page_count = ${pages}`).get();
    });
    await driver.create!("a", "1");
    await assert.rejects(
      driver.commit!(batch({ set: [["a", "2"], ["b", "x".repeat(200_000)]] })),
      isDriverError(/^Cannot write to the SQLite file ".*x\.db": the disk is full \(database or disk is full\)$/),
    );
    assert.deepEqual(await driver.getMany!(["a", "b"]), ["1", undefined]);
    assert.equal(await driver.commit!(batch({ set: [["a", "2"]] })), true);
    pages = 1000;
    assert.equal(await driver.commit!(batch({ set: [["b", "x".repeat(200_000)]] })), true);
    await driver.dispose!();
  }));

Deno.test("sqlite() over a file that may not grow keeps all that it acknowledged", () =>
  inFolder(async (folder) => {
    const file = `${folder}/x.db`;
    // 512 blocks of 512 bytes, or 1 KiB: no file of that process gets larger. Without the trap the signal would end it.
    const { stdout, stderr } = await new Deno.Command("sh", {
      args: [
        "-c",
        'trap "" XFSZ; ulimit -f 512; exec "$@"',
        "sh",
        Deno.execPath(),
        "run",
        "--allow-all",
        new URL("./fill.ts", import.meta.url).pathname,
        file,
      ],
    }).output();
    const said = JSON.parse(new TextDecoder().decode(stdout) || new TextDecoder().decode(stderr)) as {
      acknowledged: number;
      failures: string[];
    };
    assert.ok(said.acknowledged > 10, JSON.stringify(said));
    assert.ok(said.failures.length > 0);
    for (const message of said.failures) assert.match(message, /the SQLite file ".*x\.db"/);
    const driver = sqlite(file);
    const keys = await driver.getKeys("k");
    for (let i = 0; i < said.acknowledged; i++) assert.ok(keys.includes(`k${i}`), `k${i} is lost`);
    assert.equal(await driver.create!("again", "1"), true);
    await driver.dispose!();
  }));

Deno.test("sqlite() whose file or log was removed or replaced writes nothing any more, until it is opened again", () =>
  inFolder(async (folder) => {
    const file = `${folder}/x.db`;
    const losses: Record<string, () => void> = {
      "it was removed": () => rmSync(file),
      "all was removed": () => ["", "-wal", "-shm"].forEach((end) => rmSync(file + end)),
      "it was moved": () => renameSync(file, `${file}.old`),
      "it was replaced": () => {
        writeFileSync(`${file}.new`, "something else");
        renameSync(`${file}.new`, file);
      },
      "the log was removed": () => rmSync(`${file}-wal`),
      "the log was replaced": () => {
        writeFileSync(`${file}-wal.new`, "");
        renameSync(`${file}-wal.new`, `${file}-wal`);
      },
    };
    for (const [name, lose] of Object.entries(losses)) {
      const driver = sqlite(file);
      await driver.create!("a", "1");
      lose();
      const missing = statSync(file, { throwIfNoEntry: false }) === undefined;
      for (
        const call of [
          () => driver.commit!(batch({ set: [["a", "2"]] })),
          () => driver.create!("b", "2"),
          async () => await driver.setItem!("b", "2"),
          async () => await driver.removeItem!("a"),
        ]
      ) {
        await assert.rejects(
          call,
          isDriverError(
            /^Cannot write to the SQLite file ".*x\.db": (it|the log beside it) was removed or replaced while it was open; close .* open it again$/,
          ),
          name,
        );
      }
      assert.equal(statSync(file, { throwIfNoEntry: false }) === undefined, missing, name);
      await driver.dispose!();
      if (missing) {
        assert.equal(await driver.getItem("a"), null, name);
        assert.equal(await driver.create!("a", "1"), true, name);
        await driver.dispose!();
      }
      for (const entry of [...Deno.readDirSync(folder)]) rmSync(`${folder}/${entry.name}`);
    }
  }));

Deno.test("sqlite() whose file was moved away and back goes on", () =>
  inFolder(async (folder) => {
    const file = `${folder}/x.db`;
    const driver = sqlite(file);
    await driver.create!("a", "1");
    renameSync(file, `${file}.away`);
    await assert.rejects(driver.commit!(batch({ set: [["a", "2"]] })), isDriverError(/removed or replaced/));
    renameSync(`${file}.away`, file);
    assert.equal(await driver.commit!(batch({ checks: [{ key: "a", is: "1" }], set: [["a", "3"]] })), true);
    await driver.dispose!();
    assert.equal(await driver.getItem("a"), "3");
    await driver.dispose!();
  }));

Deno.test("sqlite() that needs a new connection does not go on with another file, nor make one", () =>
  inFolder(async (folder) => {
    const file = `${folder}/x.db`;
    let failing: readonly string[] = [];
    const driver = watchedDriver(file, (sql) => {
      if (failing.includes(sql)) throw failure(10, "disk I/O error");
    });
    await driver.create!("a", "1");
    failing = ["COMMIT", "ROLLBACK"];
    await assert.rejects(driver.commit!(batch({ set: [["a", "2"]] })), { message: /Cannot tell/ });
    failing = [];
    rmSync(file);
    const says = /^Cannot open the SQLite file ".*x\.db": it was removed or replaced while it was open; close .* open it again$/;
    await assert.rejects(driver.commit!(batch({ set: [["a", "2"]] })), isDriverError(says));
    await assert.rejects(driver.getMany!(["a"]), isDriverError(says));
    assert.equal(existsSync(file), false);
    await driver.dispose!();
    assert.equal(await driver.create!("a", "2"), true);
    await driver.dispose!();
  }));

Deno.test("sqlite() that was disposed after its file was replaced leaves the new one's log alone", () =>
  inFolder(async (folder) => {
    const file = `${folder}/x.db`;
    const first = sqlite(file);
    await first.create!("a", "first");
    for (const end of ["", "-wal", "-shm"]) rmSync(file + end);
    const second = sqlite(file);
    await second.create!("a", "second");
    await first.dispose!();
    await second.commit!(batch({ set: [["b", "second"]] }));
    const third = sqlite(file);
    assert.deepEqual(await third.getMany!(["a", "b"]), ["second", "second"]);
    await Promise.all([second.dispose!(), third.dispose!()]);
  }));
