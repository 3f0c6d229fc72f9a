/**
 * The calls of which the golden bytes of a log are kept: enough for checkpoints, indexes above each other, merged runs, a sealed
 * segment, and frames that no checkpoint holds yet.
 *
 * @module
 */
import { openState, StateScope } from "../../mod.ts";
import type { Driver, DriverSupports } from "../../src/store/driver.ts";
import { createLogDriver } from "../faults/log_driver.ts";
import { fixed, tell } from "./story.ts";

/** Everything that stands in a store: objects as text, and append-only files as text. */
export interface LogDump {
  readonly items: Readonly<Record<string, string>>;
  readonly files: Readonly<Record<string, string>>;
}

/** So small that a short story fills pages and segments. */
const small: Partial<DriverSupports> = { valueBytes: 4096, batchOps: 24, batchBytes: 4096 };

/** What a log can stand in, each on maps that a test fills and looks at. */
export const kinds: Readonly<Record<string, (items: Map<string, string>, files: Map<string, Uint8Array>) => Driver>> = {
  segments: (items, files) => {
    const driver = createLogDriver(items, files);
    return { ...driver, supports: { ...driver.supports!, ...small } };
  },
  objects: (items, files) => {
    const { segments: _, ...driver } = createLogDriver(items, files);
    return { ...driver, supports: { ...driver.supports!, ...small } };
  },
  plain: (items) => ({
    name: "memory",
    supports: { ...createLogDriver().supports!, create: false, list: "scan", writers: "one", ...small },
    hasItem: (key) => items.has(key),
    getItem: (key) => items.get(key) ?? null,
    getKeys: () => [...items.keys()],
    setItem: (key, value) => void items.set(key, value),
    removeItem: (key) => void items.delete(key),
  }),
};

/** A clock as in the other story, and bytes of which no few are the same twice (Lehmer's generator, its high bits). */
function unrepeated(): ReturnType<typeof fixed> {
  let state = 1;
  return { now: fixed().now, random: (bytes) => Uint8Array.from({ length: bytes }, () => (state = state * 48_271 % 2_147_483_647) >> 16) };
}

/** Tells the story on a kind of store; its last process ends without closing anything. */
export async function tellOnLog(kind: string): Promise<LogDump> {
  const items = new Map<string, string>();
  const files = new Map<string, Uint8Array>();
  const options = unrepeated();
  const open = () => openState({ driver: kinds[kind]!(items, files), ...options });
  await tell(kinds[kind]!(items, files), options);
  const session = StateScope.session("many");
  const closed = await open();
  for (let i = 0; i < 90; i++) await closed.save(session, `key ${i * 7 % 60}`, { i, text: "abc ".repeat(i % 20) });
  for (let i = 0; i < 60; i += 9) await closed.delete(session, `key ${i}`);
  await closed.close();
  const left = await open();
  await left.save(session, "behind", "the checkpoint");
  await left.delete(session, "key 5");
  const decoder = new TextDecoder();
  const dump = {
    items: Object.fromEntries([...items].sort(([a], [b]) => a < b ? -1 : 1)),
    files: Object.fromEntries([...files].map(([name, bytes]) => [name, decoder.decode(bytes)])),
  };
  await left.close();
  return dump;
}

/** The maps that a dump was made of. */
export function undump({ items, files }: LogDump): readonly [Map<string, string>, Map<string, Uint8Array>] {
  const encoder = new TextEncoder();
  return [new Map(Object.entries(items)), new Map(Object.entries(files).map(([name, text]) => [name, encoder.encode(text)]))];
}
