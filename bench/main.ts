/**
 * `deno task bench [cold|browsers] [--quick]`: rates beside those of peers, all in one run; calls on the driver; bytes of the log. Instead of
 * that, with `cold`: what a new process takes; with `browsers`: IndexedDB in Chromium and Firefox.
 *
 * Exit code 1 if a budget that does not depend on the machine is missed. Times are shown and never judged.
 *
 * @module
 */
import { memory } from "@llmspell/state-persistence/adapters/memory";
import { fs } from "@llmspell/state-persistence/adapters/fs";
import { sqlite } from "@llmspell/state-persistence/adapters/sqlite";
import { type Contender, openInMemory, openOnDenoKv, openOnFiles, openOnSqlite } from "./contenders.ts";
import { measureEnvelope } from "./envelope.ts";
import { measureCheckpoints } from "./checkpoints.ts";
import { countOpening, type OpeningCalls } from "./opening.ts";
import { type Case, type Effort, measure } from "./rates.ts";
import { rate, showTable } from "./table.ts";

const cases: readonly Case[] = (["1 KB", "16 KB"] as const).flatMap((size) =>
  (["save", "load"] as const).flatMap((verb) => [1, 64].map((atOnce) => ({ verb, size, atOnce })))
);

/** After a crash as many calls more as there are records behind the checkpoint. A level of runs is an index and a page. */
const budgets = { open: 8, behind: 64, load: 2, levels: 6, envelope: 200 } as const;

async function showRates(contenders: readonly [Contender, ...Contender[]], effort: Effort): Promise<void> {
  const rows: string[][] = [];
  for (const one of cases) {
    const [ours, ...peers] = await measure(one, contenders, effort);
    for (const [i, peer] of peers.entries()) {
      const [us, them] = [contenders[0], contenders[i + 1]!];
      rows.push([
        i === 0 ? `${one.verb} ${one.size}, ${one.atOnce === 1 ? "one by one" : `${one.atOnce} at once`}` : "",
        ...i === 0 ? [rate(ours!.median), `± ${percent(ours!)}`, us.guarantees[one.verb]] : ["", "", ""],
        them.name,
        rate(peer.median),
        `± ${percent(peer)}`,
        them.guarantees[one.verb],
        (ours!.median / peer.median).toFixed(2),
      ]);
    }
  }
  const [{ name }] = contenders;
  showTable(["operation", `<${name}/s`, "<", "promises", "peer", "<peer/s", "<", "promises", "<ratio"], rows);
}

function percent({ median, spread }: { readonly median: number; readonly spread: number }): string {
  return `${Math.round(100 * spread / median)} %`;
}

/** Shows what does not depend on the machine; resolves with whether it is within the budgets. */
async function showBudgets(folder: string, isQuick: boolean): Promise<boolean> {
  const rows: [what: string, measured: number, budget: number][] = [];
  const openings = async (
    name: string,
    keys: number,
    makeDriver: Parameters<typeof countOpening>[0],
    { behind, levels }: { readonly behind: number; readonly levels: number } = { behind: 0, levels: 0 },
  ): Promise<void> => {
    const { closed, crashed } = await countOpening(makeDriver, keys);
    const add = (how: string, { open, load, list }: OpeningCalls, most: number) =>
      rows.push(
        [`${name}, ${keys.toLocaleString("en-US")} keys, ${how}: calls on the driver to open`, open, most],
        ["  calls of the first load", load, budgets.load + 2 * levels],
        ["  calls to list a scope of 100", list, budgets.load + 3 * levels],
      );
    add("closed", closed, budgets.open);
    add("not closed", crashed, budgets.open + behind);
  };
  const kept = memory();
  await openings("memory()", isQuick ? 10_000 : 100_000, () => kept);
  await openings("sqlite()", isQuick ? 2_000 : 100_000, () => sqlite(`${folder}/opening.db`));
  await openings("fs()", isQuick ? 2_000 : 100_000, () => fs(`${folder}/opening`), budgets);
  const { calls, bytes } = await measureCheckpoints(fs(`${folder}/checkpoints`));
  console.log(`\nfs(): checkpoints cost ${calls.toFixed(2)} calls and ${bytes.toFixed(0)} bytes a commit of 1 KB\n`);
  const { alone, grouped } = await measureEnvelope();
  rows.push(
    ["log beyond key and value, bytes a commit, one by one", Math.round(alone), budgets.envelope],
    ["  sharing records", Math.round(grouped), budgets.envelope],
  );
  showTable(["budget", "<measured", "<at most"], rows.map(([what, measured, most]) => [what, String(measured), String(most)]));
  return rows.every(([, measured, most]) => measured <= most);
}

async function main(args: readonly string[]): Promise<number> {
  const [isCold, inBrowsers, isQuick] = [args[0] === "cold", args[0] === "browsers", args.at(-1) === "--quick"];
  if (args.length > Number(isCold || inBrowsers) + Number(isQuick)) {
    console.error(
      `Cannot run the benchmark with "${args.join(" ")}": write deno task bench, or that and cold or browsers, and --quick behind it`,
    );
    return 2;
  }
  if (isCold) {
    const { showColdStarts } = await import("./cold.ts");
    await showColdStarts(isQuick);
    return 0;
  }
  if (inBrowsers) {
    const { showBrowsers } = await import("./browsers.ts");
    await showBrowsers(isQuick);
    return 0;
  }
  const effort: Effort = isQuick ? { rounds: 2, sliceMs: 10 } : { rounds: 9, sliceMs: 150 };
  const folder = await Deno.makeTempDir({ prefix: "state-bench-" });
  try {
    console.log(
      `Deno ${Deno.version.deno}, ${Deno.build.os} ${Deno.build.arch}, ${navigator.hardwareConcurrency} cores; medians of ${effort.rounds} interleaved rounds of ${effort.sliceMs} ms, ± half the middle half\n`,
    );
    for (const open of [openInMemory, openOnSqlite, openOnFiles, openOnDenoKv]) {
      const own = await Deno.makeTempDir({ dir: folder });
      const contenders = await open(own);
      await showRates(contenders, effort);
      for (const contender of contenders) await contender.close();
    }
    return await showBudgets(folder, isQuick) ? 0 : 1;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

if (import.meta.main) Deno.exit(await main(Deno.args));
