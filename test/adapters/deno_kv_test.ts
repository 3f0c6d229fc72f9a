/// <reference lib="deno.unstable" />
import assert from "node:assert/strict";
import { denoKv } from "../../adapters/deno_kv.ts";
import { openDriver } from "../../adapters/open.ts";
import { isStateError, openState, StateScope } from "../../mod.ts";

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
