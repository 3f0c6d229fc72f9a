/**
 * Trajectories: what agents said and did, turn by turn, and the file that holds them.
 *
 * @module
 */

/** One turn of a conversation; `role` says whose. */
export interface Message {
  readonly role: string;
  readonly content: unknown;
  readonly tool_calls?: readonly ToolCall[];
  readonly [field: string]: unknown;
}

/** A tool that the model asks for. */
export interface ToolCall {
  readonly function: { readonly name: string; readonly arguments: unknown };
  readonly [field: string]: unknown;
}

/** One run of an agent, from its first message to its last. */
export interface Trajectory {
  /** No two have the same. */
  readonly run: number | string;
  readonly messages: readonly Message[];
}

/**
 * Reads trajectories from JSON lines, `{ "run": …, "messages": […] }` each, plain or gzipped. Resolves with `undefined` if
 * there is no such file.
 *
 * @throws {TypeError} if the file holds something else; the message says where
 */
export async function readTrajectories(path: string): Promise<readonly Trajectory[] | undefined> {
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = await Deno.readFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw new TypeError(`Cannot read the trace "${path}": ${(error as Error).message}`, { cause: error });
  }
  return parseTrajectories(await toText(bytes, path), path);
}

/** The text of a file, whether or not it is gzipped. */
async function toText(bytes: Uint8Array<ArrayBuffer>, path: string): Promise<string> {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return new TextDecoder().decode(bytes);
  try {
    return await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
  } catch (cause) {
    throw new TypeError(`Cannot read the trace "${path}": it is a damaged gzip file`, { cause });
  }
}

function parseTrajectories(text: string, path: string): readonly Trajectory[] {
  const lines = text.split("\n").map((line, i) => ({ line: line.trim(), number: i + 1 })).filter(({ line }) => line !== "");
  const runs = new Set<string>();
  const trajectories = lines.map(({ line, number }) => {
    const trajectory = parseTrajectory(line);
    const fault = typeof trajectory === "string"
      ? trajectory
      : runs.has(String(trajectory.run))
      ? `it is run ${trajectory.run} again`
      : undefined;
    if (fault !== undefined) throw new TypeError(`Cannot read line ${number} of the trace "${path}": ${fault}`);
    runs.add(String((trajectory as Trajectory).run));
    return trajectory as Trajectory;
  });
  if (trajectories.reduce((sum, { messages }) => sum + messages.length, 0) < 2) {
    throw new TypeError(`Cannot replay the trace "${path}": it has no two turns, so that none lies half-way`);
  }
  return trajectories;
}

/** A trajectory, or what is wrong with it. */
function parseTrajectory(line: string): Trajectory | string {
  let found: unknown;
  try {
    found = JSON.parse(line);
  } catch (error) {
    return (error as Error).message;
  }
  const { run, messages } = (found ?? {}) as Partial<Trajectory>;
  if (typeof run !== "number" && typeof run !== "string") return 'it has no "run"';
  if (!Array.isArray(messages)) return 'it has no array "messages"';
  if (messages.some((message) => typeof message?.role !== "string")) return 'a message in it has no "role"';
  if (
    messages.some(({ tool_calls: calls = [] }) => !Array.isArray(calls) || calls.some((call) => typeof call?.function?.name !== "string"))
  ) {
    return 'a tool call in it has no "function" with a "name"';
  }
  return { run, messages };
}
