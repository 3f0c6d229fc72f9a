/**
 * Running the worker as a process of its own, and killing it.
 *
 * @module
 */

/** What a worker process is started with, and who follows it. */
export interface WorkerOptions {
  /** The command line of the demo in it. */
  readonly args: readonly string[];
  /** Called for each turn that it has acknowledged. */
  readonly onTurn: (trajectory: number, turns: number) => void;
  /** After so many turns it is killed. @default never */
  readonly killAfter?: number;
  /** Aborting kills it too. */
  readonly signal: AbortSignal;
}

/** How a worker process ended. */
export interface Ending {
  readonly killed: boolean;
  readonly turns: number;
  readonly durationMs: number;
}

/**
 * Runs a worker until it ends or is killed.
 *
 * @throws {Error} if it ended otherwise than it should
 */
export async function runWorker({ args, onTurn, killAfter = Infinity, signal }: WorkerOptions): Promise<Ending> {
  const start = performance.now();
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "--config", pathOf("../deno.json"), pathOf("./main.ts"), ...args],
    stdin: "piped",
    stdout: "piped",
    signal,
  }).spawn();
  const reader = child.stdin.getWriter();
  let turns = 0;
  let killed = false;
  // What it acknowledged before it was killed stands in the pipe and is read to the end.
  for await (const lines of wholeLines(child.stdout)) {
    for (const line of lines) {
      const [trajectory, count] = line.split(" ").map(Number) as [number, number];
      turns++;
      onTurn(trajectory, count);
    }
    if (turns >= killAfter && !killed) {
      child.kill("SIGKILL");
      killed = true;
    }
    await reader.write(new Uint8Array(lines.length)).catch(() => {/* It has ended: its status tells how. */});
  }
  const { code, signal: how } = await child.status;
  await reader.close().catch(() => {});
  signal.throwIfAborted();
  const durationMs = performance.now() - start;
  if (killed ? how !== "SIGKILL" : code !== 0) {
    throw new Error(
      killed
        ? "The worker ended before it could be killed"
        : `The worker ended by itself ${how === null ? `with code ${code}` : `of ${how}`}`,
    );
  }
  return { killed, turns, durationMs };
}

function pathOf(relative: string): string {
  const url = new URL(relative, import.meta.url);
  const path = decodeURIComponent(url.pathname);
  return Deno.build.os === "windows" ? path.slice(1) : path;
}

/** A line without its end was never wholly said. */
async function* wholeLines(bytes: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<readonly string[]> {
  let rest = "";
  for await (const text of bytes.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    yield lines;
  }
}
