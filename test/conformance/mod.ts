/**
 * The conformance suite: what every driver must do, and what every state on it must do, tested through a runner of the
 * caller's. It uses nothing but the web platform, so that it runs wherever the library does.
 *
 * @example With Node's test runner, on a driver of one's own
 * ```ts ignore
 * import { conformance } from "@llmspell/state-persistence/testing";
 * import { describe, it } from "node:test";
 *
 * conformance({ describe, it }, {
 *   name: "mine",
 *   async create() {
 *     const place = await makeAnEmptyPlace();
 *     return { open: async () => mine(place), destroy: () => place.remove() };
 *   },
 * });
 * ```
 *
 * @module
 */
import { testAborting } from "./aborting.ts";
import { testClasses } from "./classes.ts";
import { testDriverCommit } from "./driver_commit.ts";
import { testDriverList } from "./driver_list.ts";
import { testDriverValues } from "./driver_values.ts";
import { testErrorsAndClosing } from "./errors_and_closing.ts";
import { testExpiry } from "./expiry.ts";
import { testListing } from "./listing.ts";
import { testNamespaces } from "./namespaces.ts";
import { testOnce } from "./once.ts";
import { testOpening } from "./opening.ts";
import { testOperationIds } from "./operation_ids.ts";
import { testPreconditions } from "./preconditions.ts";
import { testReading } from "./reading.ts";
import { testRepair } from "./repair.ts";
import { testSaveAndLoad } from "./save_and_load.ts";
import { testSchemas } from "./schemas.ts";
import { testScopesAndKeys } from "./scopes_and_keys.ts";
import { testScopeVerbs } from "./scope_verbs.ts";
import { createTest, type Place, type Runner, type Subject, type Test } from "./suite.ts";
import { testTransactions } from "./transactions.ts";
import { testTransactionUse } from "./transaction_use.ts";
import { testUpdateAndIncrement } from "./update_and_increment.ts";
import { testValues } from "./values.ts";

export type { Place, Runner, Subject };

/** The themes of the suite, in the order in which a new driver wants them green. */
const themes: readonly (readonly [name: string, register: (test: Test) => void])[] = [
  ["driver: values", testDriverValues],
  ["driver: commit and create", testDriverCommit],
  ["driver: list", testDriverList],
  ["opening", testOpening],
  ["scopes and keys", testScopesAndKeys],
  ["save and load", testSaveAndLoad],
  ["values", testValues],
  ["listing", testListing],
  ["clear, copy, move", testScopeVerbs],
  ["update and increment", testUpdateAndIncrement],
  ["preconditions", testPreconditions],
  ["transactions", testTransactions],
  ["inside a transaction", testTransactionUse],
  ["operation ids", testOperationIds],
  ["once", testOnce],
  ["expiry", testExpiry],
  ["classes", testClasses],
  ["reading", testReading],
  ["schemas", testSchemas],
  ["aborting", testAborting],
  ["namespaces", testNamespaces],
  ["repair", testRepair],
  ["errors and closing", testErrorsAndClosing],
];

/**
 * Registers the suite for one driver: what its `supports` declares is what is tested. Every test asks `subject.create()` for
 * an empty store of its own, and opens it once or several times; several drivers on one store stand for several processes.
 *
 * @param runner registers tests; `describe` runs its body at once, `it` may run its own whenever it likes, one after another
 * or side by side
 * @param subject makes stores
 */
export function conformance(runner: Runner, subject: Subject): void {
  runner.describe(subject.name, () => {
    for (const [name, register] of themes) runner.describe(name, () => register(createTest(runner, subject)));
  });
}
