/**
 * What a random test may do, as plain data that can be printed, shrunk and replayed.
 *
 * @module
 */
import fc from "fast-check";

/** Scopes of the tests, in the order of a listing; among them two that differ by more than a separator. */
export const scopes = ["agent:a", "agent:a:b", "global", "step:w:s", "user:é"] as const;
/** Keys of the tests: their order is by code point, by UTF-16 unit it would be another. */
export const keys = ["a", "a/b", "ab", "archive:x", "b", "\u{ff5e}", "\u{1f600}"] as const;

/** An entry, by number. */
export interface At {
  readonly scope: number;
  readonly key: number;
}
/** A precondition that holds, that does not, or that asks for absence. */
export type Revision = "right" | "wrong" | "absent" | undefined;
interface Writing {
  readonly operationId?: string | undefined;
  readonly ifRevision?: Revision;
}
interface Kind {
  readonly class?: string | undefined;
  readonly expiresInMs?: number | undefined;
}
/** What an update's function does. */
export type Updating = "value" | "later" | "delete" | "throw" | "nothing";

/** A step of a transaction. */
export type Step =
  | { readonly do: "save"; readonly at: At; readonly value: unknown; readonly ifRevision?: Revision } & Kind
  | { readonly do: "delete"; readonly at: At; readonly ifRevision?: Revision }
  | { readonly do: "load" | "has" | "entry"; readonly at: At }
  | { readonly do: "update"; readonly at: At; readonly how: Updating; readonly value: unknown }
  | { readonly do: "increment"; readonly at: At; readonly by: number }
  | { readonly do: "keys" | "entries"; readonly scope: number; readonly listing: Listing }
  | { readonly do: "clear"; readonly scope: number };

/** Which part of a listing. */
export interface Listing {
  readonly prefix?: string | undefined;
  readonly after?: string | undefined;
  readonly limit?: number | undefined;
  readonly reverse?: boolean | undefined;
}

/** One call, or one thing that happens. `who`: which of the open states. */
export type Verb = { readonly who: number } & VerbOnly;
type VerbOnly =
  | { readonly do: "save"; readonly at: At; readonly value: unknown } & Kind & Writing
  | { readonly do: "delete"; readonly at: At } & Writing
  | { readonly do: "update"; readonly at: At; readonly how: Updating; readonly value: unknown; readonly isInitial: boolean }
    & Kind
    & Writing
  | { readonly do: "increment"; readonly at: At; readonly by: number } & Writing
  | {
    readonly do: "once";
    readonly at: At;
    readonly value: unknown;
    readonly isFailing: boolean;
    readonly operationId?: string | undefined;
  }
  | { readonly do: "transaction"; readonly steps: readonly Step[]; readonly isFailing: boolean; readonly operationId?: string | undefined }
  | { readonly do: "clear"; readonly scope: number; readonly prefix?: string | undefined; readonly operationId?: string | undefined }
  | { readonly do: "copy" | "move"; readonly from: number; readonly to: number; readonly operationId?: string | undefined }
  | { readonly do: "burst"; readonly at: At; readonly times: number; readonly values: readonly unknown[] }
  | { readonly do: "invalid"; readonly at: At; readonly what: "undefined" | "function" | "cycle" | "large" | "key" | "critical" | "secret" }
  | { readonly do: "read"; readonly at: At }
  | { readonly do: "loadMany"; readonly scope: number }
  | { readonly do: "keys" | "entries"; readonly scope: number; readonly listing: Listing }
  | {
    readonly do: "scopes";
    readonly type?: string | undefined;
    readonly after?: number | undefined;
    readonly limit?: number | undefined;
    readonly reverse: boolean;
  }
  | { readonly do: "flush" | "restart" | "inspect" }
  | { readonly do: "advance"; readonly ms: number };

const at: fc.Arbitrary<At> = fc.record({ scope: fc.nat(scopes.length - 1), key: fc.nat(keys.length - 1) });
/** Mostly few entries, so that what is written is read, replaced and deleted. */
const near: fc.Arbitrary<At> = fc.oneof({ weight: 2, arbitrary: fc.record({ scope: fc.nat(1), key: fc.nat(2) }) }, {
  weight: 1,
  arbitrary: at,
});
const scope = fc.oneof(fc.nat(1), fc.nat(scopes.length - 1));

/** Stands for a long text, so that a failing program can be printed. */
export class Text {
  constructor(readonly length: number, readonly seed: number) {}

  /** What is saved. Seed 0 compresses well, others do not. */
  get text(): string {
    return this.seed === 0 ? "ab ".repeat(this.length).slice(0, this.length) : noise(this.length, this.seed);
  }
}

/** Text that no compressor makes much smaller. */
function noise(length: number, seed: number): string {
  let state = seed;
  let text = "";
  while (text.length < length) {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9 | 0;
    text += (state >>> 0).toString(36);
  }
  return text.slice(0, length);
}

const value: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: -5, max: 5 }) },
  { weight: 2, arbitrary: fc.jsonValue({ maxDepth: 2 }) },
  { weight: 1, arbitrary: fc.date({ noInvalidDate: true }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<unknown>(
      -0,
      NaN,
      12n,
      [undefined, 1],
      new Map([[{ a: 1 }, new Set(["x"])]]),
      new Uint8Array([1, 2, 255]),
      null,
    ),
  },
  // Beyond what stands in a row: an object of its own; and beyond what one batch of a small driver takes.
  { weight: 2, arbitrary: fc.tuple(fc.constantFrom(300, 1000, 5000, 30_000), fc.nat(3)).map(([length, seed]) => new Text(length, seed)) },
);
const sometimes = <T>(arbitrary: fc.Arbitrary<T>, freq = 4) => fc.option(arbitrary, { nil: undefined, freq });
/** `option` gives nil once in `freq`; this gives something once in `freq`. */
const rarely = <T>(arbitrary: fc.Arbitrary<T>, freq = 5): fc.Arbitrary<T | undefined> =>
  fc.nat(freq - 1).chain((n) => n === 0 ? arbitrary : fc.constant(undefined));
const operationId = rarely(fc.constantFrom("op1", "op2", "op3"), 6);
const ifRevision = rarely(fc.constantFrom<Exclude<Revision, undefined>>("right", "right", "wrong", "absent"), 4);
const kind = {
  class: rarely(fc.constantFrom("standard", "bulk", "bulk", "archive", "ephemeral"), 2),
  expiresInMs: rarely(fc.constantFrom(500, 5000, 100_000), 4),
};
const how = fc.constantFrom<Updating>("value", "value", "later", "delete", "throw", "nothing");
const prefix = sometimes(fc.constantFrom("a", "ab", "archive", "zz", "\u{1f600}"), 2);
const listing: fc.Arbitrary<Listing> = fc.record({
  prefix: fc.oneof(fc.constant(undefined), prefix),
  after: fc.oneof(fc.constant(undefined), fc.constantFrom<string>(...keys, "aa", "\u{ffff}")),
  limit: fc.oneof(fc.constant(undefined), fc.constantFrom(0, 1, 2, 3)),
  reverse: fc.oneof(fc.constant(undefined), fc.boolean()),
});

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant("save" as const), at: near, value, ifRevision, ...kind }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("delete" as const), at: near, ifRevision }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom("load" as const, "has" as const, "entry" as const), at: near }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("update" as const),
      at: near,
      how: fc.constantFrom<Updating>("value", "later", "delete"),
      value,
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("increment" as const), at: near, by: fc.integer({ min: -3, max: 3 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom("keys" as const, "entries" as const), scope, listing }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("clear" as const), scope }) },
);

const verb: fc.Arbitrary<VerbOnly> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ do: fc.constant("save" as const), at: near, value, operationId, ifRevision, ...kind }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("delete" as const), at: near, operationId, ifRevision }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("update" as const),
      at: near,
      how,
      value,
      isInitial: fc.boolean(),
      operationId,
      ifRevision,
      ...kind,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant("increment" as const), at: near, by: fc.integer({ min: -3, max: 3 }), operationId, ifRevision }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("once" as const), at: near, value, isFailing: fc.boolean(), operationId }) },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("transaction" as const),
      steps: fc.array(step, { maxLength: 8, size: "max" }),
      isFailing: fc.nat(5).map((n) => n === 0),
      operationId,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("clear" as const), scope, prefix: fc.oneof(fc.constant(undefined), prefix), operationId }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom("copy" as const, "move" as const), from: scope, to: scope, operationId }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("burst" as const),
      at: near,
      times: fc.integer({ min: 1, max: 9 }),
      values: fc.array(value, { maxLength: 4, size: "max" }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("invalid" as const),
      at: near,
      what: fc.constantFrom(
        "undefined" as const,
        "function" as const,
        "cycle" as const,
        "large" as const,
        "key" as const,
        "critical" as const,
        "secret" as const,
      ),
    }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant("read" as const), at: near }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("loadMany" as const), scope }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom("keys" as const, "entries" as const), scope, listing }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("scopes" as const),
      type: rarely(fc.constantFrom("agent", "user", "tool"), 3),
      after: rarely(fc.nat(scopes.length - 1), 3),
      limit: rarely(fc.constantFrom(0, 1, 2), 3),
      reverse: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constantFrom("flush" as const, "restart" as const, "restart" as const, "inspect" as const) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("advance" as const), ms: fc.constantFrom(1, 600, 6000, 200_000) }) },
);

/** Up to 50 verbs by two open states. */
export const program: fc.Arbitrary<readonly Verb[]> = fc.array(
  fc.tuple(verb, fc.nat(3).map((n) => n === 0 ? 1 : 0)).map(([one, who]) => ({ who, ...one })),
  { minLength: 1, maxLength: 50, size: "max" },
);
