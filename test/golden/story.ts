/**
 * The calls of which the golden bytes are kept: one of each kind of object that a native commit writes, with a clock and
 * randomness that are always the same.
 *
 * @module
 */
import type { Driver } from "../../src/store/driver.ts";
import { type Entry, openState, type StateManager, StateScope } from "../../mod.ts";

const agent = StateScope.agent("gpt-4");

/** A clock that moves a second a look, and bytes that count on. */
export function fixed(): { readonly now: () => number; readonly random: (bytes: number) => Uint8Array } {
  let time = Date.UTC(2026, 0, 1);
  let byte = 0;
  return {
    now: () => time += 1000,
    random: (bytes) => Uint8Array.from({ length: bytes }, () => byte = (byte * 5 + 11) % 256),
  };
}

/** Writes one of each. */
export async function tell(driver: Driver, options: ReturnType<typeof fixed> = fixed()): Promise<void> {
  const state = await openState({ driver, ...options });
  await state.save(agent, "plain", { role: "user", text: "Hello, 世界 😀" }, { reason: "golden" });
  await state.save(agent, "tagged", new Map<unknown, unknown>([["at", new Date(0)], [1n, new Uint8Array([1, 2, 3])], ["nan", NaN]]));
  await state.save(agent, "deleted", 1);
  await state.delete(agent, "deleted");
  await state.save(agent, "expiring", "soon gone", { expiresInMs: 1e12 });
  await state.save(agent, "long", "x".repeat(10_000));
  await state.save(agent, "archive:notes", "packed ".repeat(1000));
  await state.increment(StateScope.global, "count", 5, { operationId: "op-1" });
  await state.transaction(async (tx) => {
    await tx.save(StateScope.step("w", "s"), "a", 1);
    await tx.save(StateScope.user("é:\\"), "key with spaces/../", [undefined, -0]);
  });
  await state.once(StateScope.session("s1"), "job", () => "done");
  await state.once(StateScope.session("s1"), "left", () => Promise.reject(new Error("on purpose"))).catch(() => {});
  await state.close();
}

/** All that a state shows, as text. */
export async function show(state: StateManager): Promise<string[]> {
  const lines: string[] = [];
  for await (const scope of state.scopes()) {
    for await (const entry of state.entries(scope)) lines.push(`${StateScope.format(scope)} ${JSON.stringify(entry.key)} ${describe(entry)}`);
  }
  return lines;
}

function describe({ value, revision, commit, createdAt, updatedAt, expiresAt, class: name }: Entry): string {
  const shown = value instanceof Map
    ? [...value].map(([key, item]) => `${String(key)}=${item instanceof Date ? item.toISOString() : String(item)}`).join(";")
    : Array.isArray(value)
    ? value.map((item) => Object.is(item, -0) ? "-0" : String(item)).join(";")
    : JSON.stringify(value);
  const text = shown.length > 60 ? `${shown.slice(0, 60)}… ${shown.length}` : shown;
  return `${text} r${revision} c${commit} ${createdAt.toISOString()} ${updatedAt.toISOString()} ${expiresAt?.toISOString() ?? "-"} ${name}`;
}

/** Everything in a driver, values as text or as base64url behind a colon. */
export async function dump(driver: Driver): Promise<Record<string, string>> {
  const items = await driver.list!({ prefix: "", limit: 10_000, values: true });
  return Object.fromEntries(items.map(({ key, value }) => [key, typeof value === "string" ? value : `:${toBase64(value!)}`]));
}

/** Puts a dump into a driver. */
export async function load(driver: Driver, items: Readonly<Record<string, string>>): Promise<void> {
  const set = Object.entries(items).map(([key, value]) => [key, value.startsWith(":") ? fromBase64(value.slice(1)) : value] as const);
  await driver.commit!({ checks: [], set, remove: [], durable: false });
}

function toBase64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}

function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}
