import assert from "node:assert/strict";
import { chmodSync, copyFileSync, linkSync, mkdirSync, rmSync, statSync, symlinkSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { sqlite } from "../../../adapters/sqlite.ts";
import { isStateError, type StateErrorCode } from "../../../src/errors.ts";
import { batch, inFolder, snapshot } from "./fixture.ts";

/** Every way to touch a file. Each fails in the same way. */
async function assertRefuses(file: string, code: StateErrorCode, says: RegExp): Promise<void> {
  const driver = sqlite(file);
  const calls = {
    getMany: () => driver.getMany!(["a"]),
    "getMany of many": () => driver.getMany!(Array(1000).fill("a")),
    list: () => driver.list!({ prefix: "", limit: 1 }),
    getItem: async () => await driver.getItem("a"),
    getKeys: async () => await driver.getKeys(""),
    create: () => driver.create!("a", "1"),
    commit: () => driver.commit!(batch({ set: [["a", "1"]] })),
    remove: () => driver.commit!(batch({ remove: ["a"] })),
  };
  for (const [name, call] of Object.entries(calls)) {
    await assert.rejects(call, (error) => {
      assert.ok(isStateError(error, code), `${name}: ${error}`);
      assert.match(error.message, says, name);
      assert.ok(error.message.startsWith(`Cannot open the SQLite file "${file}": `), `${name}: ${error.message}`);
      return true;
    });
  }
  await driver.dispose!();
}

/** A file of ours with one entry. */
async function create(file: string): Promise<void> {
  const driver = sqlite(file);
  await driver.create!("a", "1");
  await driver.dispose!();
}

function run(file: string, ...statements: string[]): void {
  const database = new DatabaseSync(file);
  for (const statement of statements) database.exec(statement);
  database.close();
}

Deno.test("sqlite() over something else than a file is STATE_DRIVER", () =>
  inFolder(async (folder) => {
    mkdirSync(`${folder}/folder`);
    await assertRefuses(`${folder}/folder`, "STATE_DRIVER", /: it is a folder$/);
    await assertRefuses(`${folder}/folder/`, "STATE_DRIVER", /: it is a folder$/);
    await assertRefuses("/dev/null", "STATE_DRIVER", /: it is not a regular file$/);
    const { success } = await new Deno.Command("mkfifo", { args: [`${folder}/pipe`] }).output();
    assert.ok(success);
    await assertRefuses(`${folder}/pipe`, "STATE_DRIVER", /: it is not a regular file$/);
    assert.deepEqual(snapshot(folder), { [`${folder}/pipe`]: "no file" });
  }));

Deno.test("sqlite() under a file is STATE_DRIVER", () =>
  inFolder(async (folder) => {
    Deno.writeTextFileSync(`${folder}/file`, "mine");
    await assertRefuses(`${folder}/file/x.db`, "STATE_DRIVER", /ENOTDIR|Not a directory/);
    assert.deepEqual(snapshot(folder), { [`${folder}/file`]: "mine" });
  }));

Deno.test("sqlite() over a link that leads nowhere reads nothing and creates nothing", () =>
  inFolder(async (folder) => {
    symlinkSync(`${folder}/nowhere`, `${folder}/link`);
    const driver = sqlite(`${folder}/link`);
    assert.equal(await driver.getItem("a"), null);
    await assert.rejects(driver.create!("a", "1"), (error) => {
      assert.ok(isStateError(error, "STATE_DRIVER"));
      assert.match(error.message, /^Cannot create the SQLite file ".*link": it is a link to a file that does not exist$/);
      return true;
    });
    assert.deepEqual(Object.keys(snapshot(folder)), [`${folder}/link`]);
  }));

Deno.test("sqlite() follows a link to a file, and knows where its log is", () =>
  inFolder(async (folder) => {
    mkdirSync(`${folder}/real`);
    await create(`${folder}/real/x.db`);
    symlinkSync(`${folder}/real/x.db`, `${folder}/link`);
    const driver = sqlite(`${folder}/link`);
    await driver.setItem!("a", "2");
    assert.equal(await driver.getItem("a"), "2");
    await driver.dispose!();
    assert.deepEqual(Object.keys(snapshot(`${folder}/real`)), [`${folder}/real/x.db`]);
    await driver.setItem!("a", "3");
    rmSync(`${folder}/real/x.db-wal`);
    await assert.rejects(driver.create!("b", "1"), { message: /the log beside it was removed or replaced/ });
    await driver.dispose!();
  }));

Deno.test("sqlite() over what a process left that was killed while it made the file reads nothing, and makes it", () =>
  inFolder(async (folder) => {
    await create(`${folder}/whole.db`);
    const whole = Deno.readFileSync(`${folder}/whole.db`);
    // The journal says that the file had no pages before; its header is as https://www.sqlite.org/fileformat2.html says.
    const journal = new Uint8Array(512);
    journal.set([0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7]);
    new DataView(journal.buffer).setUint32(20, 512);
    new DataView(journal.buffer).setUint32(24, 4096);
    for (const pages of [1, 2, 3]) {
      for (const first of ["read", "write"]) {
        const file = `${folder}/${pages}${first}.db`;
        const left = whole.slice(0, 4096 * pages);
        // It had no write-ahead log yet.
        left.set([1, 1], 18);
        Deno.writeFileSync(file, left);
        Deno.writeFileSync(`${file}-journal`, journal);
        const driver = sqlite(file);
        if (first === "read") {
          assert.equal(await driver.getItem("a"), null);
          assert.equal(statSync(file).size, 0);
        }
        assert.equal(await driver.create!("a", "2"), true);
        assert.equal(await driver.getItem("a"), "2");
        await driver.dispose!();
      }
    }
  }));

Deno.test("sqlite() over a file that is no SQLite database is STATE_DRIVER, and leaves it and what is beside it alone", () =>
  inFolder(async (folder) => {
    const contents = ["x", "hello\n".repeat(1000), "SQLite format 2\0".padEnd(5000), "\0".repeat(8192), "SQLite format 3\0"];
    for (const [i, content] of contents.entries()) {
      Deno.writeTextFileSync(`${folder}/${i}.db`, content);
      // SQLite would take this for the remains of a transaction, and remove it.
      Deno.writeTextFileSync(`${folder}/${i}.db-journal`, "mine");
    }
    const before = snapshot(folder);
    for (const i of contents.keys()) {
      await assertRefuses(`${folder}/${i}.db`, "STATE_DRIVER", /: it is not a SQLite database$|not this library/);
    }
    assert.deepEqual(snapshot(folder), before);
  }));

Deno.test("sqlite() over another application's database is STATE_DRIVER, and leaves it and its log alone", () =>
  inFolder(async (folder) => {
    const table = "CREATE TABLE entry (key TEXT NOT NULL PRIMARY KEY, value NOT NULL)";
    run(`${folder}/plain.db`, "CREATE TABLE note (text)");
    run(`${folder}/same-table.db`, table);
    run(`${folder}/marked.db`, table, "PRAGMA application_id = 77");
    run(`${folder}/negative.db`, table, "PRAGMA application_id = -1");
    run(`${folder}/no-table.db`, "PRAGMA user_version = 1");
    run(`${folder}/wal.db`, "PRAGMA journal_mode = WAL", table);
    // As its killed owner would leave it: with a log that is not yet in the file.
    const open = new DatabaseSync(`${folder}/open.db`);
    open.exec("PRAGMA journal_mode = WAL; CREATE TABLE note (text)");
    copyFileSync(`${folder}/open.db`, `${folder}/killed.db`);
    copyFileSync(`${folder}/open.db-wal`, `${folder}/killed.db-wal`);
    open.close();
    const before = snapshot(folder);
    assert.ok(before[`${folder}/killed.db-wal`]!.length > 4096);
    for (const name of ["plain", "same-table", "marked", "negative", "no-table", "wal", "killed"]) {
      await assertRefuses(
        `${folder}/${name}.db`,
        "STATE_DRIVER",
        /: it is not this library's, but some other database or file \(its application_id is (0|77|-1)\)$/,
      );
      assert.deepEqual(snapshot(folder), before, name);
    }
  }));

Deno.test("sqlite() over a newer format is STATE_NEWER_FORMAT, and leaves it alone", () =>
  inFolder(async (folder) => {
    await create(`${folder}/x.db`);
    run(`${folder}/x.db`, "PRAGMA user_version = 2", "CREATE TABLE more (x)", "DROP TABLE entry");
    const before = snapshot(folder);
    await assertRefuses(`${folder}/x.db`, "STATE_NEWER_FORMAT", /: its format is 2 and this version of the library knows up to 1$/);
    const error = await sqlite(`${folder}/x.db`).getMany!(["a"]).catch((error) => error);
    assert.ok(isStateError(error, "STATE_NEWER_FORMAT"));
    assert.deepEqual(error.details, { stored: 2, supported: 1 });
    assert.deepEqual(snapshot(folder), before);
  }));

Deno.test("sqlite() over a file of ours without its table is STATE_DRIVER", () =>
  inFolder(async (folder) => {
    await create(`${folder}/x.db`);
    run(`${folder}/x.db`, "DROP TABLE entry");
    await assertRefuses(`${folder}/x.db`, "STATE_DRIVER", /: its table is missing$/);
  }));

Deno.test("sqlite() over damaged pages is STATE_CORRUPT", () =>
  inFolder(async (folder) => {
    const file = `${folder}/x.db`;
    const driver = sqlite(file);
    await driver.commit!(batch({ set: Array.from({ length: 1500 }, (_, i) => [`k${String(i).padStart(4, "0")}`, "x".repeat(500)]) }));
    await driver.dispose!();
    const bytes = Deno.readFileSync(file);
    bytes.fill(0xab, 8 * 4096);
    Deno.writeFileSync(file, bytes);
    const calls = {
      getMany: () => driver.getMany!(["k1400", "k1401"]),
      getItem: async () => await driver.getItem("k1400"),
      "getMany of many": () => driver.getMany!(Array.from({ length: 1500 }, (_, i) => `k${String(i).padStart(4, "0")}`)),
      list: () => driver.list!({ prefix: "", limit: 2000, values: true }),
      "list in reverse": () => driver.list!({ prefix: "", limit: 2, reverse: true }),
      getKeys: async () => await driver.getKeys(""),
      create: () => driver.create!("k1400x", "1"),
      commit: () => driver.commit!(batch({ checks: [{ key: "k1400", is: "x" }] })),
    };
    for (const [name, call] of Object.entries(calls)) {
      await assert.rejects(call, (error) => {
        assert.ok(isStateError(error, "STATE_CORRUPT"), `${name}: ${error}`);
        assert.match(
          error.message,
          /^Cannot (read|write to) the SQLite file ".*x\.db": its pages are damaged \(database disk image is malformed\)$/,
          name,
        );
        return true;
      });
    }
    await driver.dispose!();
  }));

interface Outcome {
  readonly value?: unknown;
  readonly code?: string;
  readonly message?: string;
}

/** A function that tries a call in a process of somebody who may not do everything. */
async function createAttempt(folder: string): Promise<(verb: "read" | "write", file: string) => Promise<Outcome>> {
  const home = `${folder}/program`;
  mkdirSync(home);
  const source = new URL("./attempt.ts", import.meta.url).pathname;
  const bundling = new Deno.Command(Deno.execPath(), {
    args: ["bundle", "--quiet", "--platform", "deno", source, "-o", `${home}/attempt.js`],
  });
  assert.ok((await bundling.output()).success);
  let command = [Deno.execPath()];
  // Root may do everything: become somebody else, with a runtime that somebody else can reach.
  if (Deno.uid() === 0) {
    command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", `${home}/deno`];
    try {
      linkSync(Deno.execPath(), `${home}/deno`);
    } catch {
      copyFileSync(Deno.execPath(), `${home}/deno`);
    }
    chmodSync(folder, 0o755);
  }
  const env = { DENO_DIR: home, HOME: home, DENO_NO_UPDATE_CHECK: "1" };
  return async (verb, file) => {
    const args = [...command.slice(1), "run", "--allow-all", "--no-lock", "--no-config", `${home}/attempt.js`, verb, file];
    const { stdout, stderr } = await new Deno.Command(command[0]!, { args, env }).output();
    const printed = new TextDecoder().decode(stdout);
    assert.notEqual(printed, "", new TextDecoder().decode(stderr));
    return JSON.parse(printed);
  };
}

Deno.test("sqlite() over what the user may not read or write is STATE_DRIVER with the cause, and changes nothing", () =>
  inFolder(async (folder) => {
    const attempt = await createAttempt(folder);
    for (const name of ["unreadable", "readonly", "closed", "sealed"]) {
      mkdirSync(`${folder}/${name}`);
      chmodSync(`${folder}/${name}`, 0o777);
      if (name !== "sealed") await create(`${folder}/${name}/x.db`);
    }
    chmodSync(`${folder}/unreadable/x.db`, 0o000);
    chmodSync(`${folder}/readonly/x.db`, 0o444);
    chmodSync(`${folder}/closed/x.db`, 0o666);
    chmodSync(`${folder}/closed`, 0o000);
    chmodSync(`${folder}/sealed`, 0o555);

    const unreadable = await attempt("read", `${folder}/unreadable/x.db`);
    assert.equal(unreadable.code, "STATE_DRIVER");
    assert.match(unreadable.message!, /^Cannot open the SQLite file ".*\/unreadable\/x\.db": .*permission denied/i);
    assert.equal((await attempt("write", `${folder}/unreadable/x.db`)).code, "STATE_DRIVER");

    assert.deepEqual(await attempt("read", `${folder}/readonly/x.db`), { value: "1" });
    const readonly = await attempt("write", `${folder}/readonly/x.db`);
    assert.equal(readonly.code, "STATE_DRIVER");
    assert.match(readonly.message!, /^Cannot (open|write to) the SQLite file ".*\/readonly\/x\.db": it is not writable/);

    for (const verb of ["read", "write"] as const) {
      const closed = await attempt(verb, `${folder}/closed/x.db`);
      assert.equal(closed.code, "STATE_DRIVER");
      assert.match(closed.message!, /^Cannot open the SQLite file ".*\/closed\/x\.db": .*permission denied/i);
    }

    assert.deepEqual(await attempt("read", `${folder}/sealed/x.db`), { value: null });
    for (const path of ["x.db", "deep/x.db"]) {
      const sealed = await attempt("write", `${folder}/sealed/${path}`);
      assert.equal(sealed.code, "STATE_DRIVER");
      assert.match(sealed.message!, new RegExp(`^Cannot create the SQLite file ".*/sealed/${path}": .*permission denied`, "i"));
    }

    chmodSync(`${folder}/closed`, 0o755);
    chmodSync(`${folder}/unreadable/x.db`, 0o600);
    assert.deepEqual(Object.keys(snapshot(`${folder}/sealed`)), []);
    for (const name of ["unreadable", "readonly", "closed"]) {
      const driver = sqlite(`${folder}/${name}/x.db`);
      assert.equal(await driver.getItem("a"), "1");
      await driver.dispose!();
    }
  }));

Deno.test("sqlite() over a file in a folder that cannot be written is STATE_DRIVER, for reads too", () =>
  inFolder(async (folder) => {
    const attempt = await createAttempt(folder);
    mkdirSync(`${folder}/ours`);
    await create(`${folder}/ours/x.db`);
    chmodSync(`${folder}/ours/x.db`, 0o644);
    chmodSync(`${folder}/ours`, 0o555);
    for (const verb of ["read", "write"] as const) {
      const { code, message } = await attempt(verb, `${folder}/ours/x.db`);
      assert.equal(code, "STATE_DRIVER", message);
      assert.match(
        message!,
        /the SQLite file ".*\/ours\/x\.db": (it, its folder, or the log and index that SQLite keeps beside it cannot be opened|it is not writable)/,
      );
    }
    assert.equal(statSync(`${folder}/ours/x.db`).mode & 0o777, 0o644);
    chmodSync(`${folder}/ours`, 0o755);
  }));
