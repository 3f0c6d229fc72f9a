/// <reference lib="deno.unstable" />
import assert from "node:assert/strict";
import { denoKv } from "../../adapters/deno_kv.ts";
import { openDriver } from "../../adapters/open.ts";
import { isStateError, openState, StateScope } from "../../mod.ts";
import type { DriverBatch } from "../../src/store/driver.ts";

const { global } = StateScope;

async function inFolder(act: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await act(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("denoKv() refuses what is no database, and says what to write", () => {
  for (const wrong of ["", null, 7, {}, Deno.openKv]) {
    assert.throws(() => denoKv(wrong as never), { name: "TypeError", message: /Deno KV/ });
  }
});

Deno.test("denoKv() promises what is known of the database: a file is synced, memory is memory, anything else is remote", async () => {
  const durabilityOf = (driver: ReturnType<typeof denoKv>) => driver.supports?.durability;
  const kv = await Deno.openKv(":memory:");
  assert.deepEqual([denoKv("./x.kv"), denoKv(":memory:"), denoKv(), denoKv("https://x.example"), denoKv(kv)].map(durabilityOf), [
    "fsync",
    "memory",
    "remote",
    "remote",
    "remote",
  ]);
  kv.close();
});

Deno.test("denoKv() on a file keeps what it was given over a restart, and openDriver() opens it", () =>
  inFolder(async (folder) => {
    const url = `deno-kv:${folder}/state.kv`;
    const state = await openState({ driver: await openDriver(url) });
    await state.save(global, "critical:k", { text: "日本".repeat(20_000) });
    await state.close();
    await using again = await openState({ driver: await openDriver(url) });
    assert.deepEqual(await again.load(global, "critical:k"), { text: "日本".repeat(20_000) });
  }));

Deno.test("denoKv() over a database that was handed in leaves others' keys alone, and leaves it open", async () => {
  const kv = await Deno.openKv(":memory:");
  await kv.set(["mine"], 1);
  await kv.set(["state", "head"], 2);
  const state = await openState({ driver: denoKv(kv) });
  await state.save(global, "k", 1);
  await state.clear(global);
  await state.close();
  assert.deepEqual([(await kv.get(["mine"])).value, (await kv.get(["state", "head"])).value], [1, 2]);
  kv.close();
});

Deno.test("denoKv() over a database that was closed is STATE_DRIVER", async () => {
  const kv = await Deno.openKv(":memory:");
  const state = await openState({ driver: denoKv(kv) });
  await state.save(global, "k", 1);
  kv.close();
  await assert.rejects(state.load(global, "k"), (error) => isStateError(error, "STATE_DRIVER"));
  await state.close();
});

Deno.test("denoKv() of a folder that is not there is STATE_DRIVER, and without Deno.openKv it is STATE_UNSUPPORTED", async () => {
  await assert.rejects(openState({ driver: denoKv("/nowhere/at/all/state.kv") }), (error) => isStateError(error, "STATE_DRIVER"));
  const code = `
    import { denoKv } from ${JSON.stringify(new URL("../../adapters/deno_kv.ts", import.meta.url).href)};
    await denoKv(":memory:").getItem("k").catch((error) => console.log(error.code, error.message));
  `;
  // Elsewhere than in this project, whose deno.json asks for Deno KV.
  const args = [
    "run",
    "-A",
    "--no-config",
    "--no-check",
    "--import-map=data:application/json,{}",
    `data:text/javascript,${encodeURIComponent(code)}`,
  ];
  const { stdout } = await new Deno.Command(Deno.execPath(), { args, cwd: "/" }).output();
  assert.match(new TextDecoder().decode(stdout), /^STATE_UNSUPPORTED .*--unstable-kv/);
});

Deno.test("denoKv() reads many keys at one moment while others write them", () =>
  inFolder(async (folder) => {
    const [writer, reader] = [denoKv(`${folder}/state.kv`), denoKv(`${folder}/state.kv`)];
    const keys = Array.from({ length: 35 }, (_, i) => `k${String(i).padStart(2, "0")}`);
    const write = (turn: number) => writer.commit!({ checks: [], set: keys.map((key) => [key, `${turn}`]), remove: [], durable: false });
    await write(0);
    let isWriting = true;
    const writing = (async () => {
      for (let turn = 1; turn < 40; turn++) await write(turn);
      isWriting = false;
    })();
    while (isWriting) {
      assert.equal(new Set(await reader.getMany!(keys)).size, 1);
      assert.equal(new Set((await reader.list!({ prefix: "k", limit: 50, values: true })).map(({ value }) => value)).size, 1);
    }
    await writing;
    await Promise.all([writer.dispose!(), reader.dispose!()]);
  }));

Deno.test("denoKv() with connections that lock each other out loses no increment, and tells nobody of the locks", () =>
  inFolder(async (folder) => {
    const states = await Promise.all(Array.from({ length: 4 }, () => openState({ driver: denoKv(`${folder}/state.kv`) })));
    await Promise.all(states.map(async (state) => {
      for (let i = 0; i < 25; i++) await state.increment(global, "n");
    }));
    assert.equal(await states[0]!.load(global, "n"), 100);
    for (const state of states) await state.close();
  }));

/** Commits what a caller names, and says what came of it. */
async function attempt(batch: Partial<DriverBatch>): Promise<string> {
  const driver = denoKv(":memory:");
  try {
    const isWritten = await driver.commit!({ checks: [], set: [["z", "1"]], remove: [], durable: true, ...batch });
    return isWritten ? "written" : "refused";
  } catch (error) {
    if (!isStateError(error, "STATE_DRIVER")) throw error;
    assert.deepEqual((await driver.list!({ prefix: "", limit: 9 })).length, 0, "a part of it was written");
    return error.message.replace("Cannot write to Deno KV: ", "");
  } finally {
    await driver.dispose!();
  }
}

Deno.test("denoKv() takes what it says that it takes, and what is over a limit of Deno KV's is STATE_DRIVER as a whole", async () => {
  const { valueBytes, keyBytes, batchOps, batchBytes } = denoKv(":memory:").supports!;
  const sets = (count: number, bytes: number) => Array.from({ length: count }, (_, i) => [`${i}`.padStart(6), "x".repeat(bytes)] as const);
  const checks = (count: number) => Array.from({ length: count }, (_, i) => ({ key: `c${i}`, is: undefined }));
  const value = (bytes: number): Partial<DriverBatch>[] => [
    { set: [["k", "x".repeat(bytes)]] },
    { set: [["k", new Uint8Array(bytes)]] },
    { set: [["k", "é".repeat(bytes)]] },
    { set: [["k", "日".repeat(bytes / 3)]] },
  ];
  for (const batch of [...value(valueBytes!), ...value(65_529)]) assert.equal(await attempt(batch), "written");
  for (const batch of value(65_538)) assert.equal(await attempt(batch), "Value too large (max 65536 bytes)");
  const key = (bytes: number): Partial<DriverBatch> => ({ set: [["k".repeat(bytes), "1"]] });
  for (const bytes of [keyBytes!, 2036]) assert.equal(await attempt(key(bytes)), "written");
  assert.equal(await attempt(key(2037)), "Key too large for write (max 2048 bytes)");
  assert.equal(await attempt({ set: sets(batchOps!, 1) }), "written");
  assert.equal(await attempt({ set: sets(1001, 1) }), "Too many mutations (max 1000)");
  assert.equal(await attempt({ set: sets(batchBytes! / 40_000, 40_000 - 6) }), "written");
  assert.equal(await attempt({ set: sets(20, 819_200 / 20) }), "Total mutation size too large (max 819200 bytes)");
  assert.equal(await attempt({ checks: checks(100) }), "written");
  assert.equal(await attempt({ checks: checks(101) }), "Too many checks (max 100)");
});

Deno.test("a state on denoKv() takes what is at a limit of Deno KV's and beyond it, whole", async () => {
  await using state = await openState({ driver: denoKv(":memory:") });
  for (const length of [64_000, 65_000, 65_536, 65_537, 819_200, 819_201, 3_000_000]) {
    await state.save(global, "value", "日".repeat(length / 3) + "x".repeat(length % 3));
    assert.equal((await state.load<string>(global, "value"))!.length, Math.floor(length / 3) + length % 3);
  }
  const agent = StateScope.agent("a".repeat(512));
  await state.save(agent, "k".repeat(512), 1);
  assert.equal(await state.load(agent, "k".repeat(512)), 1);
  for (const count of [1000, 1001]) {
    const scope = StateScope.session(`${count}`);
    await state.transaction(async (tx) => {
      // More reads than one operation can check.
      for (let i = 0; i < 101; i++) assert.equal(await tx.load(scope, `absent-${i}`), undefined);
      for (let i = 0; i < count; i++) await tx.save(scope, `${i}`, "x".repeat(1000));
    });
    let found = 0;
    for await (const _ of state.keys(scope)) found++;
    assert.equal(found, count);
  }
});

Deno.test("denoKv() waits while another process has the file locked, and then goes on", () =>
  inFolder(async (folder) => {
    const path = `${folder}/state.kv`;
    using kv = await Deno.openKv(path);
    await using state = await openState({ driver: denoKv(path) });
    await state.increment(global, "n");
    const code = `
      import { DatabaseSync } from "node:sqlite";
      const db = new DatabaseSync(Deno.args[0]);
      db.exec("BEGIN IMMEDIATE");
      console.log("locked");
      await Deno.stdin.read(new Uint8Array(1));
      db.exec("ROLLBACK");
    `;
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", `data:text/javascript,${encodeURIComponent(code)}`, path],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    const said = child.stdout.getReader();
    assert.equal(new TextDecoder().decode((await said.read()).value), "locked\n");
    let isDone = false;
    const adding = state.increment(global, "n").finally(() => isDone = true);
    // Another connection is told at once that it is locked: this one has been told, too, when that one has.
    await assert.rejects(kv.set(["theirs"], 1), /database is locked/);
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.equal(isDone, false, "it wrote into a locked file");
    const input = child.stdin.getWriter();
    await input.write(new Uint8Array(1));
    assert.equal(await adding, 2);
    await input.close();
    await said.cancel();
    assert.ok((await child.status).success);
  }));

Deno.test("denoKv() whose file was removed or replaced writes nothing any more, until it is opened again", () =>
  inFolder(async (folder) => {
    const path = `${folder}/state.kv`;
    const state = await openState({ driver: denoKv(path) });
    await state.save(global, "k", 1);
    for (const { name } of [...Deno.readDirSync(folder)]) Deno.removeSync(`${folder}/${name}`);
    for (const replace of [() => {}, () => Deno.writeTextFileSync(path, "")]) {
      replace();
      await assert.rejects(
        state.save(global, "k", 2, { class: "critical" }),
        (error) => isStateError(error, "STATE_DRIVER") && /removed or replaced/.test(error.message),
      );
    }
    await state.close();
    await using again = await openState({ driver: denoKv(path) });
    assert.equal(await again.load(global, "k"), undefined);
    await again.save(global, "k", 3);
  }));

Deno.test("denoKv() whose file cannot be looked at is used all the same", () =>
  inFolder(async (folder) => {
    const { realPathSync } = Deno;
    Deno.realPathSync = () => {
      throw new Deno.errors.NotCapable("not this path");
    };
    try {
      await using state = await openState({ driver: denoKv(`${folder}/state.kv`) });
      await state.save(global, "k", 1);
      assert.equal(await state.load(global, "k"), 1);
    } finally {
      Deno.realPathSync = realPathSync;
    }
  }));
