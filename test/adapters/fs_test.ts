/** A folder as users meet it: what is not ours, not there, not allowed, full, or taken away under an open state. */
import assert from "node:assert/strict";
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { fs } from "../../adapters/fs.ts";
import {
  dropNamespace,
  isStateError,
  listNamespaces,
  openState,
  repair,
  type StateErrorCode,
  type StateManager,
  StateScope,
} from "../../mod.ts";
import { createDigester } from "../../src/digest.ts";
import { createSeal } from "../../src/store/seal.ts";
import { inFolder, snapshot } from "./fs/fixture.ts";

const { global } = StateScope;

/** Opens a state, uses it, closes it. */
async function within<T>(folder: string, use: (state: StateManager) => Promise<T>, readOnly = false): Promise<T> {
  await using state = await openState({ driver: fs(folder), readOnly });
  return await use(state);
}

/** A folder with some entries, closed. */
async function fill(folder: string, entries: number = 100): Promise<void> {
  await within(folder, async (state) => {
    for (let i = 0; i < entries; i++) await state.save(global, `k${i % 60}`, i);
  });
}

const save = (state: StateManager): Promise<unknown> => state.save(global, "a", 1);
const load = (state: StateManager): Promise<unknown> => state.load(global, "k1");

/** What makes a file one that cannot be read. */
const spoils: readonly ((path: string) => void)[] = [
  (path) => truncateSync(path, 65 * 2 ** 20),
  (path) => {
    rmSync(path);
    mkdirSync(path);
  },
];

async function assertRefuses(code: StateErrorCode, says: RegExp, call: () => Promise<unknown>): Promise<void> {
  await assert.rejects(call, (error) => {
    assert.ok(isStateError(error, code), `${error}`);
    assert.match(error.message, says);
    return true;
  });
}

Deno.test("fs() of what is no path is a TypeError that says what to write", () => {
  for (
    const [given, says] of [
      ["", /it is empty/],
      ["file:./x", /a path such as "\.\/agents"/],
      ["FILE:///x", /URLs are not taken/],
      ["a\0b", /NUL/],
      ["./a\ud800", /surrogate/],
      [new URL("file:///x"), /it must be a string, not object/],
      [undefined, /not undefined/],
      [null, /not null/],
      [7, /not number/],
    ] as const
  ) assert.throws(() => fs(given as string), { name: "TypeError", message: says });
});

Deno.test("fs() opens nothing before the first call, and reads create nothing", () =>
  inFolder(async (folder) => {
    const driver = fs(`${folder}/missing/x`);
    assert.deepEqual(await driver.getMany!(["a", "b!c"]), [undefined, undefined]);
    assert.deepEqual(await driver.list!({ prefix: "", limit: 10 }), []);
    assert.deepEqual(await driver.getKeys(""), []);
    assert.equal(await driver.getItem("a"), undefined);
    assert.equal(await driver.hasItem("a"), false);
    await driver.removeItem!("a");
    assert.deepEqual(await Array.fromAsync(listNamespaces(driver)), []);
    assert.equal(await within(`${folder}/missing/x`, load, true), undefined);
    await driver.dispose!();
    assert.deepEqual(readdirSync(folder), []);
  }));

Deno.test("fs() makes files and folders for their owner alone, and leaves none unfinished", () =>
  inFolder(async (folder) => {
    await fill(`${folder}/new/state`);
    for (const [path, content] of Object.entries(snapshot(folder))) {
      assert.equal(statSync(path).mode & 0o777, content === "folder" ? 0o700 : 0o600, path);
      assert.ok(!path.includes(".tmp-"), path);
    }
  }));

Deno.test("fs() takes the path as of its own call, whatever the working directory becomes", () =>
  inFolder(async (folder) => {
    const before = Deno.cwd();
    try {
      Deno.chdir(folder);
      const driver = fs("./state");
      Deno.chdir(before);
      await using state = await openState({ driver });
      await save(state);
    } finally {
      Deno.chdir(before);
    }
    assert.ok(existsSync(`${folder}/state`));
  }));

Deno.test("fs() needs no permission but for its own folder; to read, none to write", () =>
  inFolder(async (folder) => {
    const worker = new URL("fs/permitted.ts", import.meta.url).pathname;
    const run = async (times: number, allowed: readonly string[]) => {
      const args = ["run", "--no-prompt", "--no-check", ...allowed, worker, folder, `${times}`];
      const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args }).output();
      assert.ok(success, new TextDecoder().decode(stderr));
      return JSON.parse(new TextDecoder().decode(stdout));
    };
    const [reading, writing] = [`--allow-read=${folder}`, `--allow-write=${folder}`];
    assert.deepEqual(await run(20, [reading, writing]), [20, []]);
    assert.deepEqual(await run(30, [reading, writing, "--allow-sys=statfs"]), [30, []]);
    assert.deepEqual(await run(0, [reading]), [30, []]);
  }));

Deno.test("fs() in a folder with files of others leaves them alone, and lists them as nothing", () =>
  inFolder(async (folder) => {
    for (const name of ["src", "src/ckpt", "docs", "node_modules", "node_modules/x", "state2", "state2/seg"]) {
      mkdirSync(`${folder}/${name}`);
    }
    for (
      const name of ["README.md", "readme", "src/head", "docs/ckpt", "docs/a", "node_modules/x/0", "src/ckpt/7", "src/ckpt/zzz", ".hidden"]
    ) {
      writeFileSync(`${folder}/${name}`, `mine: ${name}`);
    }
    symlinkSync("nowhere", `${folder}/dangling`);
    symlinkSync("circle", `${folder}/circle`);
    const before = snapshot(folder);
    await fill(folder);
    assert.deepEqual(await Array.fromAsync(listNamespaces(fs(folder))), ["state"]);
    assert.equal(await within(folder, load), 61);
    const after = snapshot(folder);
    for (const [path, content] of Object.entries(before)) assert.equal(after[path], content, path);
    await dropNamespace(fs(folder), "state");
    await dropNamespace(fs(folder), "src");
    await dropNamespace(fs(folder), "docs");
    for (const [path, content] of Object.entries(before)) assert.equal(snapshot(folder)[path], content, path);
  }));

Deno.test("a namespace whose folder is a file of somebody else's is STATE_DRIVER on writing, absent on reading, and leaves it alone", () =>
  inFolder(async (folder) => {
    writeFileSync(`${folder}/state`, "mine");
    assert.equal(await within(folder, load, true), undefined);
    await assertRefuses(
      "STATE_DRIVER",
      /^Cannot write to the folder ".*": a file stands where a folder should/,
      () => within(folder, save),
    );
    assert.deepEqual(snapshot(folder), { [`${folder}/state`]: "mine" });
  }));

Deno.test("a file, or a folder, that stands where a file of ours would is STATE_CORRUPT, and is left alone", () =>
  inFolder(async (folder) => {
    const first = "0".repeat(16);
    const cases: readonly (readonly [path: string, content: string | undefined, code: StateErrorCode])[] = [
      [`ckpt/${first}`, "mine", "STATE_CORRUPT"],
      [`ckpt/${first}`, "", "STATE_CORRUPT"],
      [`ckpt/${first}`, "C1\nabc\n{}", "STATE_CORRUPT"],
      [`ckpt/${first}`, "\0C1\n", "STATE_CORRUPT"],
      [`ckpt/${first}`, "C2\nabc\n{}", "STATE_NEWER_FORMAT"],
      [`ckpt/${first}`, "C999999\n", "STATE_NEWER_FORMAT"],
      [`ckpt/${first}`, undefined, "STATE_CORRUPT"],
      [`ckpt/${first.slice(1)}7`, "mine", "STATE_CORRUPT"],
      [`seg/${first}-0011223344556677`, 'S1\t1\n\nF1\tx\t[1,"genesis:x","w",0,0]\n', "STATE_CORRUPT"],
    ];
    for (const [i, [path, content, code]] of cases.entries()) {
      const state = `${folder}/${i}/state`;
      mkdirSync(`${state}/${path.slice(0, path.indexOf("/"))}`, { recursive: true });
      if (content === undefined) mkdirSync(`${state}/${path}`);
      else writeFileSync(`${state}/${path}`, content);
      const before = snapshot(state);
      await assertRefuses(code, /^Cannot (trust|read) /, () => within(`${folder}/${i}`, save));
      if (path.startsWith("ckpt")) await assertRefuses(code, /^Cannot (trust|read) /, () => within(`${folder}/${i}`, load, true));
      assert.deepEqual(snapshot(state), before, path);
    }
  }));

/** The path of the newest file of a part. */
function newestOf(folder: string, part: string): string {
  return `${folder}/state/${part}/${readdirSync(`${folder}/state/${part}`).sort().at(-1)}`;
}

Deno.test("a checkpoint that is too large, or a folder, is done without: the one before it and the log serve, and it goes on", () =>
  inFolder(async (folder) => {
    for (const spoil of spoils) {
      await fill(folder, 50);
      await fill(folder, 60);
      const path = newestOf(folder, "ckpt");
      spoil(path);
      await within(folder, async (state) => {
        assert.deepEqual(state.recovered.setAside, [path.slice(folder.length + 1)]);
        assert.equal((await state.entries(global).toArray()).length, 60);
        await state.save(global, "k1", -1);
      });
      await within(folder, async (state) => {
        assert.equal(await load(state), -1);
        assert.deepEqual(state.recovered.setAside, []);
      });
    }
  }));

Deno.test("what was never whole at the end of the log is set aside by the path of its file, and where in that", () =>
  inFolder(async (folder) => {
    const namespace = "é".repeat(200);
    const open = async () => await openState({ driver: fs(folder), namespace });
    await (await open()).close();
    const [path = "", content = ""] = Object.entries(snapshot(folder)).find(([path]) => path.includes("/seg/"))!;
    appendFileSync(path, "torn");
    await using state = await open();
    const place = path.slice(folder.length + 1);
    assert.deepEqual(state.recovered.setAside, [`${place}, 4 bytes from byte ${content.length}`]);
    assert.ok(existsSync(`${folder}/${place}`));
  }));

Deno.test("repair() gets past a page, or a checkpoint, that is too large, or a folder, and leaves alone what it cannot read", () =>
  inFolder(async (folder) => {
    for (const part of ["run", "ckpt"]) {
      for (const spoil of spoils) {
        await fill(folder);
        const path = newestOf(folder, part);
        spoil(path);
        const shown = (state: StateManager) => state.entries(global).toArray();
        if (part === "run") await assertRefuses("STATE_CORRUPT", /^Cannot trust "/, () => within(folder, shown));
        const { lostCommits } = await repair(fs(folder), { namespace: "state" });
        assert.deepEqual(lostCommits, []);
        assert.equal((await within(folder, shown)).length, 60);
        for (let i = 0; i < 3; i++) await fill(folder, 1);
        if (part === "run") assert.ok(existsSync(path));
        await dropNamespace(fs(folder), "state");
        rmSync(`${folder}/state`, { recursive: true });
      }
    }
  }));

Deno.test("repair() of a segment that has grown too large to be opened keeps all that is in it", () =>
  inFolder(async (folder) => {
    await fill(folder);
    const path = newestOf(folder, "seg");
    truncateSync(path, 600 * 2 ** 20);
    await assertRefuses("STATE_CORRUPT", /has \d{9} bytes, more than anything/, () => within(folder, load));
    const report = { kept: 100, lostCommits: [] };
    assert.deepEqual(await repair(fs(folder), { namespace: "state", dryRun: true }), report);
    assert.deepEqual(await repair(fs(folder), { namespace: "state" }), report);
    assert.equal(await within(folder, load), 61);
    for (let i = 0; i < 3; i++) await fill(folder, 1);
    assert.equal(existsSync(path), false);
  }));

Deno.test("files beside ours that no name of ours has are not looked at", () =>
  inFolder(async (folder) => {
    await fill(folder);
    const names = ["7", "00007", "9".repeat(16), "9".repeat(17), "zzz", "0".repeat(15) + "x", "00000000000000-1", ".tmp-00", "notes.txt"];
    for (const name of names) for (const part of ["ckpt", "seg", "run"]) writeFileSync(`${folder}/state/${part}/${name}`, "mine");
    for (let i = 0; i < 100; i++) writeFileSync(`${folder}/state/ckpt/zz${i}`, "mine");
    await fill(folder, 300);
    assert.equal(await within(folder, load), 241);
    for (const name of names) for (const part of ["ckpt", "seg", "run"]) assert.ok(existsSync(`${folder}/state/${part}/${name}`));
  }));

Deno.test("a path that is a file, or under one, is STATE_DRIVER, and leaves it alone", () =>
  inFolder(async (folder) => {
    writeFileSync(`${folder}/file`, "mine");
    for (const path of ["file", "file/state"]) {
      for (const readOnly of [true, false]) {
        await assertRefuses("STATE_DRIVER", /a file stands where a folder should/, () =>
          within(`${folder}/${path}`, readOnly ? load : save, readOnly));
      }
      await assertRefuses("STATE_DRIVER", /a file stands/, () =>
        Array.fromAsync(listNamespaces(fs(`${folder}/${path}`))));
    }
    assert.deepEqual(snapshot(folder), { [`${folder}/file`]: "mine" });
  }));

Deno.test("a path that is a link is followed; one that leads nowhere is STATE_DRIVER on writing, and nothing is made there", () =>
  inFolder(async (folder) => {
    symlinkSync(`${folder}/nowhere`, `${folder}/dangling`);
    symlinkSync(`${folder}/circle`, `${folder}/circle`);
    assert.equal(await within(`${folder}/dangling`, load, true), undefined);
    await assertRefuses("STATE_DRIVER", /a link to it leads nowhere/, () => within(`${folder}/dangling`, save));
    await assertRefuses("STATE_DRIVER", /a link to it leads nowhere/, () => within(`${folder}/dangling/below`, save));
    await assertRefuses("STATE_DRIVER", /a link leads in a circle/, () => within(`${folder}/circle`, save));
    assert.ok(!existsSync(`${folder}/nowhere`));
    mkdirSync(`${folder}/real`);
    symlinkSync("real", `${folder}/link`);
    await fill(`${folder}/link`);
    assert.equal(await within(`${folder}/real`, load), 61);
  }));

Deno.test("names of 512 bytes, of ASCII and of none, have a namespace each, are listed, kept and dropped", () =>
  inFolder(async (folder) => {
    const names = [
      "a".repeat(512),
      "a".repeat(511) + "b",
      "ä".repeat(256),
      "日".repeat(170),
      "🎉".repeat(128),
      "Z".repeat(512),
      "~".repeat(512),
      "!".repeat(512),
    ];
    for (const [i, namespace] of names.entries()) {
      await using state = await openState({ driver: fs(folder), namespace });
      for (let k = 0; k < 60; k++) await state.save(global, "a", i * 1000 + k);
    }
    assert.deepEqual(new Set(await Array.fromAsync(listNamespaces(fs(folder)))), new Set(names));
    for (const [i, namespace] of names.entries()) {
      await using state = await openState({ driver: fs(folder), namespace });
      assert.equal(await state.load(global, "a"), i * 1000 + 59);
    }
    await dropNamespace(fs(folder), names[0]!);
    assert.deepEqual(new Set(await Array.fromAsync(listNamespaces(fs(folder)))), new Set(names.slice(1)));
  }));

Deno.test("a namespace's folder under another name is STATE_CORRUPT, and both are left as they are", () =>
  inFolder(async (folder) => {
    await fill(folder);
    cpSync(`${folder}/state`, `${folder}/copy`, { recursive: true });
    const before = snapshot(folder);
    for (const readOnly of [true, false]) {
      const open = () => openState({ driver: fs(folder), namespace: "copy", readOnly });
      await assertRefuses("STATE_CORRUPT", /its "segment" is none of this namespace$/, open);
    }
    assert.deepEqual(snapshot(folder), before);
    assert.equal(await within(folder, load), 61);
  }));

/** Writes all checkpoints anew, with other fields and digests that fit. */
async function forge(state: string, told: Record<string, unknown>): Promise<void> {
  const seal = createSeal(createDigester());
  for (const name of readdirSync(`${state}/ckpt`)) {
    const [mark, , json] = readFileSync(`${state}/ckpt/${name}`, "utf8").split("\n") as [string, string, string];
    const forged = JSON.stringify({ ...JSON.parse(json), ...told });
    writeFileSync(`${state}/ckpt/${name}`, `${mark}\n${(await seal([forged]))[0]}\n${forged}`);
  }
}

Deno.test("a checkpoint that was made to remove what others need, or to be another namespace's, is STATE_CORRUPT, and nothing goes", () =>
  inFolder(async (folder) => {
    await fill(folder);
    mkdirSync(`${folder}/victim/seg`, { recursive: true });
    for (const path of ["victim/seg/0000000000000001-0011", "precious"]) writeFileSync(`${folder}/${path}`, "mine");
    const victims = ["../../victim", "victim!seg!0000000000000001-0011", "state!ckpt!0000000000000001"];
    const forgeries = [...victims.map((name) => ({ removing: [name], dropped: [name] })), {
      root: "other!",
      runs: [],
      hot: [],
      removing: [],
      dropped: [],
    }];
    for (const told of forgeries) {
      await forge(`${folder}/state`, told);
      const before = snapshot(folder);
      for (const use of [save, load]) {
        await assertRefuses(
          "STATE_CORRUPT",
          /its "(dropped|removing)" is none of this|another namespace/,
          () => within(folder, use, use === load),
        );
      }
      assert.deepEqual(snapshot(folder), before);
    }
  }));

Deno.test("a folder that is moved under an open state is STATE_CLOSED, whatever stands in its place, and goes on once it is back", () =>
  inFolder(async (folder) => {
    const [here, there] = [`${folder}/here`, `${folder}/there`];
    await using state = await openState({ driver: fs(here) });
    await state.save(global, "k1", "ours");
    const assertClosed = async () => {
      await assertRefuses("STATE_CLOSED", /since it was opened/, () => load(state));
      await assertRefuses("STATE_CLOSED", /since it was opened/, () => save(state));
    };
    renameSync(here, there);
    await assertClosed();
    assert.ok(!existsSync(here), "nothing is made in its place");
    await within(here, (other) => other.save(global, "k1", "theirs"));
    await assertClosed();
    renameSync(here, `${folder}/theirs`);
    renameSync(there, here);
    assert.equal(await load(state), "ours");
    await save(state);
    assert.deepEqual(await within(here, (again) => again.keys(global).toArray()), ["a", "k1"]);
    assert.equal(await within(`${folder}/theirs`, load), "theirs");
  }));

Deno.test("a copy that stands in the place of a folder that was moved is what an open state goes on with", () =>
  inFolder(async (folder) => {
    const [here, there] = [`${folder}/here`, `${folder}/there`];
    await using state = await openState({ driver: fs(here) });
    await state.save(global, "k1", "ours");
    renameSync(here, there);
    cpSync(there, here, { recursive: true });
    const moved = snapshot(there);
    await save(state);
    assert.deepEqual(snapshot(there), moved);
    assert.deepEqual(await within(here, (again) => again.keys(global).toArray()), ["a", "k1"]);
  }));

Deno.test("a segment that is cut under an open state is STATE_CORRUPT, is not written to, and keeps what a repair finds before the cut", () =>
  inFolder(async (folder) => {
    for (const part of [0, 0.3, 0.7, 0.999]) {
      const here = `${folder}/${part}`;
      const kept = { isPrefix: true, last: -1 };
      {
        await using state = await openState({ driver: fs(here) });
        for (let i = 0; i < 20; i++) await state.save(global, `k${i}`, "acknowledged");
        const [segment = ""] = Object.keys(snapshot(here)).filter((path) => /\/seg\/0{15}1-/.test(path));
        truncateSync(segment, Math.floor(part * statSync(segment).size));
        const cut = snapshot(here);
        for (let i = 0; i < 2; i++) {
          // One whose entry is known, and one whose entry is looked at first.
          for (const key of ["k0", "new"]) await assertRefuses("STATE_CORRUPT", /./, () => state.save(global, key, "refused"));
          await assertRefuses("STATE_CORRUPT", /./, () => state.load(global, "k0"));
        }
        assert.deepEqual(snapshot(here), cut);
      }
      await repair(fs(here), { namespace: "state" });
      await within(here, async (state) => {
        assert.equal(await state.load(global, "new"), undefined);
        for (let i = 0; i < 20; i++) {
          const value = await state.load(global, `k${i}`);
          assert.notEqual(value, "refused");
          const isThere = value !== undefined;
          if (isThere && kept.last !== i - 1) kept.isPrefix = false;
          if (isThere) kept.last = i;
        }
      });
      assert.ok(kept.isPrefix && kept.last >= Math.floor(part * 19) - 1, `${kept.last} of 20 at ${part}`);
    }
  }));

Deno.test("a segment that is set back in its place under an open state is STATE_CORRUPT for it, and what others wrote to that since stays", () =>
  inFolder(async (folder) => {
    for (const length of [1, 100, 3000]) {
      const here = `${folder}/${length}`;
      await using late = await openState({ driver: fs(here) });
      await late.save(global, "k0", 0);
      const [segment = ""] = Object.keys(snapshot(here)).filter((path) => /\/seg\/0{15}1-/.test(path));
      const { size } = statSync(segment);
      await late.save(global, "k1", "x".repeat(length));
      truncateSync(segment, size);
      const written: string[] = [];
      await within(here, async (other) => {
        // One that has the number of the one that is gone, and reaches beyond it; or several.
        for (let i = 0; i === 0 || length > 100 && i < 5; i++) {
          await other.save(global, `b${i}`, "y".repeat(length + 500));
          written.push(`b${i}`);
        }
        await assertRefuses("STATE_CORRUPT", /./, () => late.save(global, "k0", "lost"));
        await assertRefuses("STATE_CORRUPT", /./, () => late.load(global, "k0"));
        await other.save(global, "more", 1);
      });
      await late.close();
      const keys = await within(here, (state) => state.keys(global).toArray());
      assert.deepEqual(new Set(keys), new Set(["k0", "more", ...written]), `${length}`);
    }
  }));
