import assert from "node:assert/strict";
import { loadEngine, resultCode } from "../../../adapters/sqlite/engine.ts";
import { createDriver } from "../../../adapters/sqlite/driver.ts";
import { isStateError } from "../../../src/errors.ts";
import { batch, inFolder } from "./fixture.ts";

Deno.test("sqlite() where no SQLite is built in is STATE_UNSUPPORTED at the first call, with what to do", () =>
  inFolder(async (folder) => {
    const cause = new Error("No such built-in module: node:sqlite");
    const path = { given: "x.db", absolute: `${folder}/x.db` };
    Deno.writeTextFileSync(path.absolute, "");
    const driver = createDriver(path, 1000, () => loadEngine(() => Promise.reject(cause)));
    for (const call of [() => driver.getMany!(["a"]), () => driver.create!("a", "1"), () => driver.commit!(batch({ set: [["a", "1"]] }))]) {
      await assert.rejects(call, (error) => {
        assert.ok(isStateError(error, "STATE_UNSUPPORTED"));
        assert.match(error.message, /use Node 22\.13 or later, Deno .* or Bun, or another adapter$/);
        assert.deepEqual(error.details, { needs: "node:sqlite" });
        assert.equal(error.cause, cause);
        return true;
      });
    }
    assert.equal(Deno.statSync(path.absolute).size, 0);
  }));

Deno.test("the errors of this runtime's statements carry SQLite's result code", () =>
  inFolder(async (folder) => {
    const engine = await loadEngine();
    const [one, two] = [engine.open(`${folder}/x.db`), engine.open(`${folder}/x.db`)];
    one.statement("BEGIN IMMEDIATE").run();
    for (const name of ["run", "get", "all"] as const) {
      assert.throws(() => two.statement("BEGIN IMMEDIATE")[name](), (error) => resultCode(error) === 5);
    }
    one.close();
    two.close();
  }));

Deno.test("resultCode() knows SQLite's errors of each runtime from all others", () => {
  assert.equal(resultCode(Object.assign(new Error(), { code: "ERR_SQLITE_ERROR", errcode: 517 })), 517);
  assert.equal(resultCode(Object.assign(new Error(), { name: "SQLiteError", errno: 5 })), 5);
  assert.equal(resultCode(Object.assign(new Error(), { code: "ENOSPC", errno: -28 })), undefined);
  for (const other of [undefined, null, "5", 5, new Error()]) assert.equal(resultCode(other), undefined);
});

Deno.test("peek() of the engine reads a header and leaves nothing behind, whatever the path", () =>
  inFolder(async (folder) => {
    const engine = await loadEngine();
    const file = `${folder}/a%20b ?c#é😀&=.db`;
    const open = engine.open(file);
    open.statement("PRAGMA application_id = 7").run();
    open.statement("CREATE TABLE t (x)").run();
    open.statement("PRAGMA journal_mode = WAL").get();
    open.close();
    const peeked = engine.peek(file);
    assert.equal(peeked.statement("PRAGMA application_id").get()!.application_id, 7);
    assert.deepEqual([...Deno.readDirSync(folder)].length, 1);
    peeked.close();
    assert.deepEqual([...Deno.readDirSync(folder)].length, 1);
  }));
