/**
 * `deno task bench cold [--quick]`: a new process, or a new isolate, from nothing to its first value: import, open, load. On each runtime, from the packed
 * tarball, beside unstorage alone, and a program that does nothing. Times are shown and never judged.
 *
 * @module
 */
import config from "../deno.json" with { type: "json" };
import { openState, StateScope } from "@llmspell/state-persistence";
import { fs } from "@llmspell/state-persistence/adapters/fs";
import { createStorage } from "unstorage";
import fsLiteDriver from "unstorage/drivers/fs-lite";
import { bundle } from "../tools/bundle.ts";
import { createConsumer } from "../tools/consumer.ts";
import { runtimeBinary, runtimes } from "../tools/runtimes.ts";
import { miniflare } from "../tools/workerd.ts";
import { median } from "./quantile.ts";
import { showTable } from "./table.ts";

/** In the order in which they take turns. */
const contenders = ["nothing", "ours", "unstorage"] as const;

/** Milliseconds of each run of nothing, this library, and unstorage. */
type Times = readonly (readonly number[])[];

async function measureProcesses(program: string, args: readonly string[], folder: string, data: string, runs: number): Promise<Times> {
  const times = contenders.map((): number[] => []);
  // The first run of each warms the disk's cache and the runtime's own, and does not count.
  for (let i = -1; i < runs; i++) {
    for (const [j, name] of contenders.entries()) {
      const begun = performance.now();
      const command = new Deno.Command(program, { args: [...args, `${folder}/${name}.js`, data], cwd: folder, stdout: "null" });
      const { success, stderr } = await command.output();
      if (!success) throw new Error(`${program} ${name} failed:\n${new TextDecoder().decode(stderr)}`);
      if (i >= 0) times[j]!.push(performance.now() - begun);
    }
  }
  return times;
}

async function measureIsolates(node: string, consumer: string, folder: string, runs: number): Promise<Times> {
  const folders = contenders.map((name) => `${folder}/${name}_worker`);
  for (const [i, name] of contenders.entries()) {
    if (!await bundle([`${consumer}/cold/${name}_worker.js`], folders[i]!, consumer)) throw new Error(`Cannot bundle ${name}_worker.js`);
  }
  const command = new Deno.Command(node, {
    args: [`${consumer}/runtime/workerd/cold_starts.js`, String(runs), ...folders],
    cwd: consumer,
    stderr: "inherit",
  });
  const { success, stdout } = await command.output();
  if (!success) throw new Error("The isolates failed");
  return JSON.parse(new TextDecoder().decode(stdout));
}

/** A value in a folder, twice. */
async function store(data: string): Promise<void> {
  await using state = await openState({ driver: fs(`${data}/ours`) });
  await state.save(StateScope.global, "k", { n: 1 });
  await createStorage({ driver: fsLiteDriver({ base: `${data}/unstorage` }) }).setItem("k", { n: 1 });
}

/** Measures and shows it. */
export async function showColdStarts(isQuick: boolean): Promise<void> {
  const runs = isQuick ? 2 : 15;
  await using consumer = await createConsumer(config.imports.unstorage.replace(/^npm:/, ""), miniflare);
  const folder = `${consumer.folder}/cold`;
  await Deno.mkdir(folder);
  for (const { name } of Deno.readDirSync(new URL("cold/", import.meta.url))) {
    await Deno.copyFile(new URL(`cold/${name}`, import.meta.url), `${folder}/${name}`);
  }
  const data = `${folder}/data`;
  await store(data);
  const rows: string[][] = [];
  const add = (runtime: string, times: Times, ours: string, theirs: string): void => {
    const [nothing, us, them] = times.map(median) as [number, number, number];
    rows.push([runtime, nothing.toFixed(0), us.toFixed(0), ours, them.toFixed(0), theirs, (us / them).toFixed(2)]);
  };
  const onFiles = ["fs(): newest, verified", "fs-lite: newest, or torn"] as const;
  const denoArgs = ["run", "-A", "--no-lock", "--no-check", "--node-modules-dir=manual"];
  add(`Deno ${Deno.version.deno}`, await measureProcesses(Deno.execPath(), denoArgs, folder, data, runs), ...onFiles);
  for (const runtime of runtimes) {
    const times = await measureProcesses(await runtimeBinary(runtime), [], folder, data, runs);
    add(`${runtime.name === "bun" ? "Bun" : "Node"} ${runtime.version}`, times, ...onFiles);
  }
  const node = await runtimeBinary(runtimes[1]!);
  add("workerd", await measureIsolates(node, consumer.folder, folder, runs), "memory(): newest, verified", "memory: newest");
  console.log(`From nothing to the first value, milliseconds: medians of ${runs} interleaved runs\n`);
  showTable(["runtime", "<nothing", "<ours", "promises", "<unstorage", "promises", "<ratio"], rows);
}
