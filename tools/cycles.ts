/**
 * Finds import cycles in all that the doors lead to, types and `import()` included.
 *
 * @module
 */
import { doors, root } from "./doors.ts";

/** Which module imports which, by URL. */
export type ImportGraph = ReadonlyMap<string, ReadonlySet<string>>;

/** What `deno info --json` says of a module, as far as it is read here. */
interface ModuleInfo {
  readonly specifier: string;
  readonly error?: string;
  readonly dependencies?: readonly {
    readonly code?: { readonly specifier?: string; readonly error?: string };
    readonly type?: { readonly specifier?: string; readonly error?: string };
  }[];
}

/** The imports of local modules that are reached from these entries (paths or URLs). */
export async function importGraph(entries: readonly string[], cwd: URL): Promise<ImportGraph> {
  const graph = new Map<string, Set<string>>();
  for (const modules of await Promise.all(entries.map((entry) => modulesFrom(entry, cwd)))) {
    for (const { specifier, error, dependencies = [] } of modules) {
      if (error !== undefined) throw new Error(`Cannot read the imports of ${specifier}: ${error}`);
      if (!specifier.startsWith("file:")) continue;
      const targets = graph.get(specifier) ?? new Set();
      graph.set(specifier, targets);
      for (const target of dependencies.flatMap(({ code, type }) => [code, type])) {
        if (target?.error !== undefined) throw new Error(`Cannot read the imports of ${specifier}: ${target.error}`);
        if (target?.specifier?.startsWith("file:")) targets.add(target.specifier);
      }
    }
  }
  return graph;
}

async function modulesFrom(entry: string, cwd: URL): Promise<readonly ModuleInfo[]> {
  const command = new Deno.Command(Deno.execPath(), { args: ["info", "--json", entry], cwd, stdin: "null", stderr: "inherit" });
  const { success, stdout } = await command.output();
  if (!success) throw new Error(`Cannot read the imports of ${entry}: deno info failed`);
  return JSON.parse(new TextDecoder().decode(stdout)).modules;
}

/** One cycle for each group of modules that lead back to themselves, as a path whose end is its beginning. */
export function findCycles(graph: ImportGraph): readonly (readonly string[])[] {
  const cycles: string[][] = [];
  const done = new Set<string>();
  for (const start of graph.keys()) {
    if (done.has(start)) continue;
    const cycle = shortestWayBack(graph, start);
    if (cycle === undefined) continue;
    for (const module of cycle) done.add(module);
    cycles.push(cycle);
  }
  return cycles;
}

/** Breadth first from a module until one of its importers is itself reached. */
function shortestWayBack(graph: ImportGraph, start: string): string[] | undefined {
  const cameFrom = new Map<string, string>();
  const queue = [start];
  for (const module of queue) {
    for (const target of graph.get(module) ?? []) {
      if (target === start) {
        const path = [module];
        while (path[0] !== start) path.unshift(cameFrom.get(path[0]!)!);
        return [...path, start];
      }
      if (cameFrom.has(target)) continue;
      cameFrom.set(target, module);
      queue.push(target);
    }
  }
  return undefined;
}

if (import.meta.main) {
  const graph = await importGraph(doors().map(([, file]) => file), root);
  const cycles = findCycles(graph);
  for (const cycle of cycles) console.error(`Cycle: ${cycle.map((module) => module.replace(root.href, "")).join(" → ")}`);
  if (cycles.length === 0) console.log(`No import cycle in ${graph.size} modules`);
  Deno.exit(cycles.length === 0 ? 0 : 1);
}
