/**
 * Operation ids: what a call came to, kept in the same commit as its changes, under a scope of its own that no caller can
 * name. Seen again, nothing is written and the first result is returned.
 *
 * @module
 */
import { encodeValue } from "../codec/encode.ts";
import { reviveValue } from "../codec/revive.ts";
import { StateError } from "../errors.ts";
import { checkName } from "../keys/key.ts";
import { encodeSegment } from "../keys/segment.ts";
import { momentAfter } from "../limits.ts";
import { draftSave } from "../store/draft_change.ts";
import type { ChangeDraft, Operation } from "../store/operation.ts";
import type { Row, Slot } from "../store/row.ts";
import { checkCommit, type Core } from "./core.ts";
import type { Encoded } from "./encoded.ts";
import type { CommitOptions } from "./entry.ts";
import { isLive } from "./live.ts";
import { draftValue, GONE, valueOf } from "./payload.ts";

/** No type of scope has this name. */
const SCOPE = "op";

/** What an operation answers when it is not over: nothing is remembered yet. */
export class Unfinished {
  /** Told apart by class, not by shape. */
  readonly isUnfinished = true;
}

/** The call was made before; its row says what it came to. */
class Repeat {
  constructor(readonly row: Row) {}
}

/** A call that is remembered. */
export interface Remembered {
  /** Where. */
  readonly path: string;
  /** Digest of what was asked for. */
  readonly print: string;
}

/** How a call with an operation id is remembered. `request`: what was asked for; asked again otherwise, it conflicts. */
export async function rememberedAs(operationId: string, request: string, core: Core): Promise<Remembered> {
  const path = pathOf(operationId, core);
  return { path, print: await core.store.fingerprint(request) };
}

function pathOf(operationId: string, core: Core): string {
  return `${SCOPE}!${encodeSegment(checkName(operationId, "id", core.limits.keyBytes))}`;
}

/** What a call came to, as it is stored. */
export function formatResult(result: unknown, print: string, core: Core): Encoded {
  const { codec, text } = encodeValue(result, { depth: core.limits.depth });
  return { codec: "j", text: `[${JSON.stringify(print)},"${codec}",${text}]` };
}

/** The change that remembers a call. */
export async function draftMemory(slot: Slot, { path, print }: Remembered, result: unknown, at: number, core: Core): Promise<ChangeDraft> {
  return memory(path, slot, await draftValue(formatResult(result, print, core), "standard", core), at, core);
}

function memory(path: string, slot: Slot, value: Awaited<ReturnType<typeof draftValue>>, at: number, core: Core): ChangeDraft {
  const save = { ...value, class: "standard", content: "plain", expiresAt: momentAfter(at, core.limits.operationIdMs), schema: "" };
  return draftSave(path, slot, save, core.store.salt(), [], true);
}

/** The row of a call that was made before. */
export function rowOfRepeat(slot: Slot, core: Core): Row | undefined {
  return isLive(slot.row, core.now()) ? slot.row : undefined;
}

/**
 * What a call came to when it was made first.
 *
 * @throws {StateError} STATE_CONFLICT if something else was asked for then
 */
export async function resultOf(row: Row, print: string, operationId: string, core: Core): Promise<unknown> {
  const value = await valueOf(row, core);
  const [was, codec, result] = (value === GONE ? [] : value) as readonly [string, string, unknown];
  if (was !== print) {
    throw new StateError("STATE_CONFLICT", `Cannot use operation id "${operationId}": it stands for another operation`, {
      details: { operationId },
    });
  }
  return reviveValue(codec, result);
}

/** What an operation came to. */
export interface Done<R> {
  readonly answer: R;
  /** What is to be done in memory once the commit stands. */
  readonly effect?: () => void;
}

/**
 * Commits an operation, once for all calls with its operation id. `prepared`: what it will answer, if that is known already
 * and may be large.
 */
export async function commitOnce<R, U extends Unfinished = never>(
  core: Core,
  options: CommitOptions,
  request: string,
  operation: Operation<Done<R> | U>,
  prepared?: { readonly answer: R },
): Promise<R | U> {
  checkCommit(options);
  const { operationId, signal } = options;
  let last: Done<R> | U | Repeat | undefined;
  const settled = () => {
    operation.settled?.();
    if (last !== undefined && !(last instanceof Unfinished) && !(last instanceof Repeat)) last.effect?.();
  };
  const isRemembered = operationId !== undefined;
  const path = isRemembered ? pathOf(operationId, core) : "";
  let print = "";
  let value: Awaited<ReturnType<typeof draftValue>> | undefined;
  const prepare = async () => {
    print = await core.store.fingerprint(request);
    if (prepared !== undefined) value = await draftValue(formatResult(prepared.answer, print, core), "standard", core);
    await operation.ready;
  };
  const outcome = await core.commit<Done<R> | U | Repeat>({
    ...operation,
    settled,
    ...(isRemembered ? { operationId, paths: [...operation.paths, path], ready: prepare() } : {}),
    run(draft) {
      const slot = isRemembered ? draft.slot(path) : undefined;
      const repeat = slot === undefined ? undefined : rowOfRepeat(slot, core);
      if (repeat !== undefined) return last = new Repeat(repeat);
      const result = last = operation.run(draft);
      if (result instanceof Unfinished || slot === undefined) return result;
      const stored = value ?? asPayload(formatResult(result.answer, print, core));
      draft.put(memory(path, slot, stored, draft.at, core));
      return result;
    },
  }, signal);
  if (outcome instanceof Repeat) return await resultOf(outcome.row, print, operationId!, core) as R;
  return outcome instanceof Unfinished ? outcome : outcome.answer;
}

function asPayload({ codec, text }: Encoded): { codec: string; value: string } {
  return { codec, value: text };
}
