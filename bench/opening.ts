/**
 * How many calls on the driver it takes to open a large store, and to load the first value from it.
 *
 * @module
 */
import { type Driver, openState, type StateManager, StateScope } from "@llmspell/state-persistence";

/** Calls on the driver. */
export interface OpeningCalls {
  readonly open: number;
  readonly load: number;
  /** To list 100 keys of a scope. */
  readonly list: number;
}

/** Entries a scope holds, and a transaction saves. */
const perScope = 250;

/** Fills a store with so many keys and opens it anew: after a clean close, and after none. */
export async function countOpening(
  makeDriver: () => Driver,
  keys: number,
): Promise<{ readonly closed: OpeningCalls; readonly crashed: OpeningCalls }> {
  const first = makeDriver();
  const state = await openState({ driver: first });
  await fill(state, keys);
  const crashed = await countCalls(makeDriver(), keys);
  await state.close();
  return { closed: await countCalls(makeDriver(), keys), crashed };
}

async function fill(state: StateManager, keys: number): Promise<void> {
  for (let done = 0; done < keys; done += perScope) {
    await state.transaction(async (tx) => {
      const scope = tx.in(scopeAt(done));
      for (let i = 0; i < perScope; i++) await scope.save(`key-${i}`, { number: done + i });
    });
  }
}

function scopeAt(key: number): StateScope {
  return StateScope.session(`session-${Math.floor(key / perScope)}`);
}

async function countCalls(driver: Driver, keys: number): Promise<OpeningCalls> {
  const counted = counting(driver);
  await using state = await openState({ driver: counted.driver });
  const open = counted.calls();
  const found = await state.load<{ readonly number: number }>(scopeAt(keys / 2), "key-7");
  if (found?.number !== keys / 2 + 7) throw new Error(`The store of ${keys} keys does not hold what was saved: ${JSON.stringify(found)}`);
  const load = counted.calls() - open;
  const listed = await state.keys(scopeAt(0), { limit: 100 }).toArray();
  if (listed.length !== 100) throw new Error(`The store of ${keys} keys lists ${listed.length} of 100`);
  return { open, load, list: counted.calls() - open - load };
}

/** The same driver; every call of a method counts, `dispose` too. */
function counting(driver: Driver): { readonly driver: Driver; readonly calls: () => number } {
  let calls = 0;
  const segments = (inner: object) =>
    Object.fromEntries(
      Object.entries(inner).map(([name, call]) => [name, (...args: unknown[]) => {
        calls++;
        return call(...args);
      }]),
    );
  const members = Object.entries(driver).map(([name, member]) => {
    if (name === "segments") return [name, segments(member)];
    if (typeof member !== "function") return [name, member];
    return [name, (...args: unknown[]) => {
      calls++;
      return member.apply(driver, args);
    }];
  });
  return { driver: Object.fromEntries(members) as Driver, calls: () => calls };
}
