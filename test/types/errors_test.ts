/** How errors narrow: by code in a `switch`, and by the codes that `isStateError` is asked for. */
import { isStateError, type Issue, type StateError, type StateErrorCode, type StateErrorOf } from "../../mod.ts";
import assert from "node:assert/strict";
import { type Equal, expectType } from "./expect.ts";

/** What a caller may make of an error. */
function describe(error: unknown): string {
  if (isStateError(error, "STATE_LOCKED")) {
    expectType<Equal<typeof error.details, { readonly holder?: string; readonly since?: Date }>>();
    return `held by ${error.details.holder}`;
  }
  if (isStateError(error, "STATE_DRIVER", "STATE_CORRUPT")) {
    expectType<Equal<typeof error.code, "STATE_DRIVER" | "STATE_CORRUPT">>();
    return error.code;
  }
  if (isStateError(error)) {
    expectType<Equal<typeof error, StateErrorOf<StateErrorCode>>>();
    switch (error.code) {
      case "STATE_CONFLICT": {
        const actual: number | null | undefined = error.details.actual;
        return `at ${actual}`;
      }
      case "SCHEMA_INVALID":
        expectType<Equal<typeof error.details.issues, readonly Issue[]>>();
        return error.details.issues[0]?.path ?? "";
      case "STATE_CLOSED":
        // @ts-expect-error: it says all by itself
        return String(error.details.holder);
      default:
        return error.message;
    }
  }
  throw error;
}

Deno.test("isStateError() and a switch over the code narrow the details", () => {
  assert.throws(() => describe(new TypeError("no")), TypeError);
});

Deno.test("a code that is none does not compile", () => {
  const refused = (error: StateError) => {
    // @ts-expect-error: misspelt
    isStateError(error, "STATE_LOKED");
    // @ts-expect-error: never equal
    return error.code === "STATE_LOKED";
  };
  assert.equal(typeof refused, "function");
});
