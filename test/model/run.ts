/**
 * Runs a random program on real states and on the model side by side, and compares all that can be seen.
 *
 * @module
 */
import assert from "node:assert/strict";
import { encodeValue } from "../../src/codec/encode.ts";
import { reviveValue } from "../../src/codec/revive.ts";
import { DELETE, isStateError, openState, type Receipt, type StateManager, StateScope, type Transaction } from "../../mod.ts";
import type { Driver } from "../../src/store/driver.ts";
import { findDifference } from "../conformance/difference.ts";
import { byCodePoint, type ModelEntry, OpenModel, StoredModel } from "./model.ts";
import { type At, keys, type Listing, type Revision, scopes, type Step, Text, type Updating, type Verb } from "./verbs.ts";

/** What a program's own functions throw. */
class Thrown extends Error {}

/** An open state and what it should be. */
interface Opened {
  readonly state: StateManager;
  readonly model: OpenModel;
}

/** Runs a program; rejects where the states and the model differ. */
export async function runProgram(verbs: readonly Verb[], driver: Driver): Promise<void> {
  const run = new ModelRun(driver);
  try {
    for (const [i, verb] of verbs.entries()) {
      try {
        await run.do(verb);
      } catch (error) {
        throw new Error(`verb ${i}, ${verb.do}: ${(error as Error).message}`, { cause: error });
      }
    }
    await run.compareAll();
  } finally {
    await run.close();
  }
}

class ModelRun {
  readonly #driver: Driver;
  readonly #stored: StoredModel = new StoredModel();
  readonly #opened: (Opened | undefined)[] = [undefined, undefined];
  /** The highest revision that each open state has seen, by path: none may be seen below. */
  readonly #seen: Map<string, number>[] = [new Map(), new Map()];
  #lastCommit = 0;

  constructor(driver: Driver) {
    this.#driver = driver;
  }

  async do(given: Verb): Promise<void> {
    const verb = spelledOut(given);
    if (verb.do === "advance") {
      this.#stored.now += verb.ms;
      return;
    }
    const opened = await this.#openedBy(verb.who);
    if (verb.do === "restart") return await this.#restart(verb.who, opened);
    await this.#perform(verb, opened);
  }

  /** What the other one wrote behind is not promised to be there yet, nor not to be: it is brought in first. */
  async #openedBy(who: number): Promise<Opened> {
    const other = this.#opened[1 - who];
    await other?.state.flush();
    other?.model.flush();
    return this.#opened[who] ??= {
      state: await openState({ driver: this.#driver, now: () => this.#stored.now }),
      model: new OpenModel(this.#stored),
    };
  }

  async #restart(who: number, { state, model }: Opened): Promise<void> {
    await state.close();
    model.flush();
    this.#stored.removeExpired();
    this.#opened[who] = undefined;
    this.#seen[who] = new Map();
    await assert.rejects(async () => await state.load(StateScope.global, "a"), (error) => isStateError(error, "STATE_CLOSED"));
  }

  async #perform(verb: Exclude<Verb, { readonly do: "advance" }>, opened: Opened): Promise<void> {
    const { state, model } = opened;
    switch (verb.do) {
      case "save":
        return await this.#save(verb, opened);
      case "delete": {
        const options = { ...operationOf(verb), ...revisionOf(verb.ifRevision, model.visible(pathOf(verb.at))) };
        return await this.#expect(
          () => state.delete(...of(verb.at), options),
          () =>
            this.#remembered(verb.operationId, `delete ${pathOf(verb.at)}`, undefined, model, () => {
              this.#check(verb.at, options, model);
              return model.delete(pathOf(verb.at));
            }),
        );
      }
      case "update":
        return await this.#update(verb, opened);
      case "increment": {
        const options = { ...operationOf(verb), ...revisionOf(verb.ifRevision, model.visible(pathOf(verb.at))) };
        await this.#expect(
          () => state.increment(...of(verb.at), verb.by, options),
          () =>
            this.#remembered(verb.operationId, `increment ${pathOf(verb.at)}`, verb.by, model, () => {
              this.#check(verb.at, options, model);
              return this.#increment(verb.at, verb.by, model);
            }),
        );
        return await this.#adopt(verb.who, pathOf(verb.at), opened);
      }
      case "once":
        return await this.#once(verb, opened);
      case "transaction":
        return await this.#transaction(verb, opened);
      case "clear": {
        const { prefix } = verb;
        return await this.#expect(
          () => state.clear(scopeOf(verb.scope), { ...(prefix === undefined ? {} : { prefix }), ...operationOf(verb) }),
          () =>
            this.#remembered(verb.operationId, `clear ${verb.scope} ${prefix ?? ""}`, undefined, model, () => {
              const cleared = model.keys(scopes[verb.scope]!).filter((key) => key.startsWith(prefix ?? ""));
              const paths = [...model.ephemeral.keys(), ...this.#stored.rows.keys()];
              for (const path of paths) if (path.startsWith(`${scopes[verb.scope]}\t${prefix ?? ""}`)) model.delete(path);
              return cleared.length;
            }),
        );
      }
      case "copy":
      case "move":
        return await this.#copy(verb, opened);
      case "burst":
        return await this.#burst(verb, opened);
      case "invalid":
        return await this.#invalid(verb, opened);
      case "read": {
        const path = pathOf(verb.at);
        await this.#compareEntry(verb.who, path, opened);
        same(await state.load(...of(verb.at)), model.visible(path)?.value);
        assert.equal(await state.has(...of(verb.at)), model.visible(path) !== undefined);
        return;
      }
      case "loadMany": {
        const names = [...keys].reverse();
        const found = await state.loadMany(scopeOf(verb.scope), names);
        const expected = names.filter((key) => model.visible(`${scopes[verb.scope]}\t${key}`) !== undefined);
        same([...found.keys()], expected);
        for (const key of expected) same(found.get(key), model.visible(`${scopes[verb.scope]}\t${key}`)!.value);
        return;
      }
      case "keys":
        return same(
          await state.keys(scopeOf(verb.scope), defined(verb.listing)).toArray(),
          listed(model.keys(scopes[verb.scope]!), verb.listing),
        );
      case "entries": {
        const found = await state.entries(scopeOf(verb.scope), defined(verb.listing)).toArray();
        const expected = listed(model.keys(scopes[verb.scope]!), verb.listing);
        same(found.map(({ key }) => key), expected);
        for (const entry of found) this.#compare(entry, model.visible(`${scopes[verb.scope]}\t${entry.key}`), verb.who);
        return;
      }
      case "scopes": {
        const { type, after, limit, reverse } = verb;
        const options = { ...defined({ type, limit, reverse }), ...(after === undefined ? {} : { after: scopeOf(after) }) };
        const found = await state.scopes(options as never).toArray();
        let expected = scopes.filter((scope) => model.keys(scope).length > 0 && (type === undefined || scope.split(":")[0] === type));
        if (reverse) expected = expected.toReversed();
        if (after !== undefined) {
          expected = expected.filter((scope) => reverse ? scopes.indexOf(scope) < after : scopes.indexOf(scope) > after);
        }
        return same(found.map((scope) => StateScope.format(scope)), expected.slice(0, limit));
      }
      case "flush":
        await state.flush();
        return model.flush();
      case "inspect":
        return this.#observe((await state.inspect()).commit, true);
    }
  }

  async #save(verb: Extract<Verb, { do: "save" }>, { state, model }: Opened): Promise<void> {
    const path = pathOf(verb.at);
    const name = verb.class ?? (keyOf(verb.at).startsWith("archive:") ? "archive" : "standard");
    const visible = model.visible(path);
    const options = {
      ...operationOf(verb),
      ...revisionOf(verb.ifRevision, visible),
      ...defined({ class: verb.class, expiresInMs: verb.expiresInMs }),
    };
    const call = () => state.save(...of(verb.at), verb.value, options as never);
    const kind = { class: name, expiresAt: verb.expiresInMs === undefined ? 0 : this.#stored.now + verb.expiresInMs };
    const isPlain = verb.operationId === undefined && verb.ifRevision === undefined;
    // An ephemeral entry that takes another value does not ask whether somebody else has stored one meanwhile.
    if (isPlain && name === "ephemeral" && this.#stored.isLive(model.ephemeral.get(path)) && this.#stored.rows.has(path)) return;
    let receipt: Receipt | undefined;
    await this.#expect(async () => receipt = await call(), () => {
      if (isPlain && name === "bulk") {
        // Its number is provisional: what others wrote since this state looked last is not asked for.
        this.#isNewer(verb.who, path, receipt!.revision);
        model.savePending(path, { value: verb.value, revision: receipt!.revision, ...kind });
        return receipt;
      }
      return this.#remembered(verb.operationId, `save ${path}`, verb.value, model, () => {
        this.#check(verb.at, options, model);
        const saved = model.save(path, verb.value, kind);
        if (receipt === undefined) return undefined;
        if (name !== "ephemeral") this.#observe(receipt.commit);
        else {
          this.#isNewer(verb.who, path, receipt.revision);
          model.setEphemeral(path, { ...saved, revision: receipt.revision });
        }
        return { revision: model.visible(path)!.revision, commit: name === "ephemeral" ? 0 : receipt.commit };
      });
    });
    this.#note(verb.who, path, model.visible(path)?.revision);
  }

  async #update(verb: Extract<Verb, { do: "update" }>, { state, model }: Opened): Promise<void> {
    const path = pathOf(verb.at);
    const given = { class: verb.class === "bulk" ? undefined : verb.class, expiresInMs: verb.expiresInMs };
    const options = { ...operationOf(verb), ...revisionOf(verb.ifRevision, model.visible(path)), ...defined(given) };
    const got: unknown[] = [];
    const fn = updating(verb.how, verb.value, (current) => got.push(current));
    await this.#expect(
      () => state.update(...of(verb.at), fn as never, verb.isInitial ? { ...options, initial: "initial" } as never : options as never),
      () =>
        this.#remembered(verb.operationId, `update ${path}`, undefined, model, () => {
          this.#check(verb.at, options, model);
          const was = model.visible(path);
          assert.ok(got.length > 0, "the function did not run");
          // It may have run before, on what was not the newest any more.
          same(got.at(-1), was === undefined ? (verb.isInitial ? "initial" : undefined) : was.value);
          return this.#updated(verb.at, verb.how, verb.value, given, verb.who, model);
        }),
    );
    await this.#adopt(verb.who, path, { state, model });
  }

  /** What an update does, here and in a transaction. */
  #updated(
    at: At,
    how: Updating,
    value: unknown,
    given: { class?: string | undefined; expiresInMs?: number | undefined },
    who: number,
    model: OpenModel,
  ): unknown {
    const path = pathOf(at);
    const was = model.visible(path);
    if (how === "throw") throw new Thrown();
    if (how === "nothing") throw new TypeError();
    if (how === "delete") {
      model.delete(path);
      return undefined;
    }
    model.save(path, value, {
      class: given.class ?? was?.class ?? (keyOf(at).startsWith("archive:") ? "archive" : "standard"),
      expiresAt: given.expiresInMs === undefined ? was?.expiresAt ?? 0 : this.#stored.now + given.expiresInMs,
    });
    this.#note(who, path, model.visible(path)?.revision);
    return value;
  }

  #increment(at: At, by: number, model: OpenModel): number {
    const was = model.visible(pathOf(at));
    const sum = sumOf(was?.value, by);
    const name = was?.class ?? (keyOf(at).startsWith("archive:") ? "archive" : "standard");
    model.save(pathOf(at), sum, { class: name, expiresAt: was?.expiresAt ?? 0 });
    return sum;
  }

  async #once(verb: Extract<Verb, { do: "once" }>, { state, model }: Opened): Promise<void> {
    const path = pathOf(verb.at);
    let runs = 0;
    const fn = () => {
      runs++;
      if (verb.isFailing) throw new Thrown();
      return verb.value;
    };
    await this.#expect(() => state.once(...of(verb.at), fn, operationOf(verb)), () => {
      const known = verb.operationId === undefined ? undefined : this.#stored.operations.get(verb.operationId);
      const was = model.visible(path);
      assert.equal(runs, known === undefined && was === undefined ? 1 : 0, "runs of the function");
      if (known === undefined && was !== undefined) return was.value;
      return this.#remembered(verb.operationId, `once ${path}`, undefined, model, () => {
        if (verb.isFailing) throw new Thrown();
        model.save(path, verb.value, { class: keyOf(verb.at).startsWith("archive:") ? "archive" : "standard", expiresAt: 0 });
        return verb.value;
      }, true);
    });
  }

  async #copy(verb: Extract<Verb, { do: "copy" | "move" }>, { state, model }: Opened): Promise<void> {
    const [from, to] = [scopes[verb.from]!, scopes[verb.to]!];
    const landed: string[] = [];
    await this.#expect(
      () => state[verb.do](scopeOf(verb.from), scopeOf(verb.to), operationOf(verb)),
      () =>
        this.#remembered(verb.operationId, `${verb.do} ${from} ${to}`, undefined, model, () => {
          const names = model.keys(from);
          if (from === to) return names.length;
          const copied = names.map((key) => [key, model.visible(`${from}\t${key}`)!] as const);
          for (const [key, { value, ...kind }] of copied) {
            model.save(`${to}\t${key}`, value, kind);
            landed.push(`${to}\t${key}`);
          }
          if (verb.do === "move") {
            for (const path of [...model.ephemeral.keys(), ...this.#stored.rows.keys()]) {
              if (path.startsWith(`${from}\t`)) model.delete(path);
            }
          }
          return names.length;
        }),
    );
    for (const path of landed) await this.#adopt(verb.who, path, { state, model });
  }

  async #burst(verb: Extract<Verb, { do: "burst" }>, { state, model }: Opened): Promise<void> {
    const path = pathOf(verb.at);
    const scope = scopes[verb.at.scope]!;
    const adds = Array.from({ length: verb.times }, () => state.increment(...of(verb.at), 1));
    const saves = verb.values.map((value, i) => state.save(scopeOf(verb.at.scope), `burst${i}`, value));
    await Promise.allSettled(adds);
    const receipts = await Promise.all(saves);
    model.flush();
    for (const sum of adds) await this.#expect(() => sum, () => this.#increment(verb.at, 1, model));
    receipts.forEach(({ revision }, i) => {
      const saved = model.save(`${scope}\tburst${i}`, verb.values[i], { class: "standard", expiresAt: 0 });
      assert.equal(revision, saved.revision, "revision of a save in a burst");
    });
    await this.#adopt(verb.who, path, { state, model });
    for (const { commit } of receipts) this.#lastCommit = Math.max(this.#lastCommit, commit);
  }

  async #invalid(verb: Extract<Verb, { do: "invalid" }>, { state }: Opened): Promise<void> {
    const cycle: unknown[] = [];
    cycle.push({ cycle });
    const calls: Record<typeof verb.what, readonly [() => Promise<unknown>, string]> = {
      undefined: [() => state.save(...of(verb.at), undefined), "TypeError"],
      function: [() => state.save(...of(verb.at), { f: () => 1 }), "STATE_INVALID_VALUE"],
      cycle: [() => state.save(...of(verb.at), cycle), "STATE_CIRCULAR"],
      large: [() => state.save(...of(verb.at), "x".repeat(17 * 1024 * 1024)), "STATE_TOO_LARGE"],
      key: [() => state.save(scopeOf(verb.at.scope), "a\u0000", 1), "STATE_INVALID_KEY"],
      critical: [() => state.save(...of(verb.at), 1, { class: "critical" }), "STATE_UNSUPPORTED"],
      secret: [() => state.save(...of(verb.at), 1, { content: "sensitive" }), "STATE_SECRET"],
    };
    const [call, code] = calls[verb.what];
    const outcome = await outcomeOf(call);
    assert.equal("error" in outcome ? codeOf(outcome.error) : "nothing", code);
  }

  async #transaction(verb: Extract<Verb, { do: "transaction" }>, opened: Opened): Promise<void> {
    const { state, model } = opened;
    const runs: unknown[][] = [];
    const answers = verb.steps.map((_, i) => i);
    // Preconditions are computed from what the caller sees, whose writes behind have provisional numbers.
    const seen = new Map(verb.steps.flatMap((step) => "at" in step ? [[pathOf(step.at), model.visible(pathOf(step.at))]] : []));
    await this.#expect(
      () =>
        state.transaction(async (tx) => {
          const results: unknown[] = [];
          runs.push(results);
          for (const step of verb.steps) results.push(await stepOf(tx, step, seen));
          if (verb.isFailing) throw new Thrown();
          return answers;
        }, operationOf(verb)),
      () =>
        this.#remembered(verb.operationId, "transaction", undefined, model, () => {
          const results = runs.at(-1)!;
          const trial = new TransactionModel(model, seen);
          for (const [i, step] of verb.steps.entries()) {
            const expected = trial.step(step);
            const found = results[i];
            if (step.do === "entry") this.#compare(found as never, expected as ModelEntry | undefined, verb.who, true);
            else same(found, expected);
          }
          if (verb.isFailing) throw new Thrown();
          trial.commit();
          return answers;
        }, true),
    );
    for (const path of new Set(verb.steps.flatMap((step) => "at" in step ? [pathOf(step.at)] : []))) {
      await this.#adopt(verb.who, path, opened);
    }
  }

  /** Both must come to the same: the call first, so that the model can look at what it answered. */
  async #expect(call: () => Promise<unknown>, model: () => unknown): Promise<void> {
    const found = await outcomeOf(call);
    const expected = await outcomeOf(() => Promise.resolve().then(model));
    if ("error" in expected && expected.error instanceof assert.AssertionError) throw expected.error;
    if ("error" in found && codeOf(found.error) === "unexpected") throw found.error;
    const [a, b] = [found, expected].map((outcome) => "error" in outcome ? codeOf(outcome.error) : "success");
    if (a !== b) throw new assert.AssertionError({ message: `came to ${a}, and should to ${b}: ${"error" in found ? found.error : ""}` });
    if ("result" in found && "result" in expected) same(found.result, expected.result);
  }

  /** `isAskedFirst`: a call that was made before is known by a read, and nothing that was written behind goes in front of that. */
  #remembered(
    operationId: string | undefined,
    request: string,
    value: unknown,
    model: OpenModel,
    run: () => unknown,
    isAskedFirst = false,
  ): unknown {
    const known = operationId === undefined ? undefined : this.#stored.operations.get(operationId);
    if (known === undefined || !isAskedFirst) model.flush();
    if (known !== undefined) {
      const isSame = known.request === request && findDifference((known as { value?: unknown }).value, value) === undefined;
      if (!isSame) throw new ModelError("STATE_CONFLICT");
      return known.answer;
    }
    const answer = run();
    if (operationId !== undefined) this.#stored.operations.set(operationId, { request, answer, value } as never);
    return answer;
  }

  #check(at: At, { ifRevision }: { readonly ifRevision?: number | null }, model: OpenModel): void {
    const visible = model.visible(pathOf(at))?.revision ?? null;
    if (ifRevision !== undefined && ifRevision !== visible) throw new ModelError("STATE_CONFLICT");
  }

  #observe(commit: number, isLook = false): void {
    assert.ok(isLook ? commit >= this.#lastCommit : commit > this.#lastCommit, `commit ${commit} after ${this.#lastCommit} was seen`);
    this.#lastCommit = commit;
  }

  #isNewer(who: number, path: string, revision: number): void {
    const last = this.#seen[who]!.get(path) ?? 0;
    assert.ok(revision > last, `revision ${revision} of "${path}" after ${last} was seen`);
  }

  #note(who: number, path: string, revision: number | undefined): void {
    if (revision !== undefined) this.#seen[who]!.set(path, Math.max(this.#seen[who]!.get(path) ?? 0, revision));
  }

  /** The numbers of ephemeral entries are their own: they are taken over, if they do not go back. */
  async #adopt(who: number, path: string, { state, model }: Opened): Promise<void> {
    const local = model.ephemeral.get(path);
    if (model.stored.isLive(local)) {
      const entry = await state.entry(...locate(path));
      assert.ok(entry?.class === "ephemeral", `"${path}" is ${entry?.class}, and should be ephemeral`);
      assert.ok(entry.revision >= (this.#seen[who]!.get(path) ?? 0), `revision ${entry.revision} of "${path}" went back`);
      model.setEphemeral(path, { ...local, revision: entry.revision });
    }
    this.#note(who, path, model.visible(path)?.revision);
  }

  async #compareEntry(who: number, path: string, { state, model }: Opened): Promise<void> {
    this.#compare(await state.entry(...locate(path)), model.visible(path), who);
  }

  #compare(
    found: Awaited<ReturnType<StateManager["entry"]>>,
    expected: ModelEntry | undefined,
    who: number,
    isOwn = false,
  ): void {
    same(
      found && { value: found.value, revision: found.revision, expiresAt: found.expiresAt?.getTime() ?? 0, class: found.class },
      expected && { ...expected },
    );
    if (found === undefined || isOwn) return;
    assert.ok(found.createdAt <= found.updatedAt && found.updatedAt.getTime() <= this.#stored.now, `times of "${found.key}"`);
    this.#note(who, `${StateScope.format(found.scope)}\t${found.key}`, found.revision);
  }

  /** Everything, as each of the open states sees it, and as one that opens it afresh. */
  async compareAll(): Promise<void> {
    for (const [who, opened] of this.#opened.entries()) {
      if (opened === undefined) continue;
      await this.#openedBy(who);
      await this.#compareAllOf(who, opened);
      await opened.state.flush();
      opened.model.flush();
    }
    const fresh = { state: await openState({ driver: this.#driver, now: () => this.#stored.now }), model: new OpenModel(this.#stored) };
    this.#seen.push(new Map());
    try {
      await this.#compareAllOf(this.#seen.length - 1, fresh);
      this.#observe((await fresh.state.inspect()).commit, true);
      assert.equal((await fresh.state.inspect()).entries, this.#stored.rows.size, "entries in the head");
    } finally {
      await fresh.state.close();
    }
  }

  async #compareAllOf(who: number, opened: Opened): Promise<void> {
    const found: string[] = [];
    for await (const scope of opened.state.scopes()) {
      for await (const entry of opened.state.entries(scope)) {
        const path = `${StateScope.format(scope)}\t${entry.key}`;
        found.push(path);
        this.#compare(entry, opened.model.visible(path), who);
      }
    }
    const order = (a: string, b: string) => byCodePoint(a.split("\t")[0]!, b.split("\t")[0]!) || byCodePoint(a, b);
    same(found, [...opened.model.all().keys()].sort(order));
  }

  async close(): Promise<void> {
    await Promise.all(this.#opened.map((opened) => opened?.state.close()));
  }
}

/** What the caller of a transaction sees before it, by path. */
type Seen = ReadonlyMap<string, ModelEntry | undefined>;

/** A transaction on the model: nothing stands until it commits. */
class TransactionModel {
  readonly #model: OpenModel;
  readonly #seen: Seen;
  /** `undefined`: deleted. */
  readonly #writes: Map<string, ModelEntry | undefined> = new Map();

  constructor(model: OpenModel, seen: Seen) {
    this.#model = model;
    this.#seen = seen;
    model.flush();
  }

  #visible(path: string): ModelEntry | undefined {
    return this.#writes.has(path) ? this.#writes.get(path) : this.#model.visible(path);
  }

  #write(path: string, entry: Omit<ModelEntry, "revision"> | undefined): void {
    const revision = this.#model.lastRevision(path) + 1;
    this.#writes.set(path, entry && { ...entry, revision });
  }

  #keys(scope: string): string[] {
    const names = new Set(this.#model.keys(scope));
    for (const [path, entry] of this.#writes) {
      if (!path.startsWith(`${scope}\t`)) continue;
      if (entry === undefined) names.delete(path.slice(scope.length + 1));
      else names.add(path.slice(scope.length + 1));
    }
    return [...names].sort(byCodePoint);
  }

  step(step: Step): unknown {
    const { now } = this.#model.stored;
    switch (step.do) {
      case "save": {
        this.#check(step.at, step.ifRevision);
        const name = step.class ?? (keyOf(step.at).startsWith("archive:") ? "archive" : "standard");
        const expiresAt = step.expiresInMs === undefined ? 0 : now + step.expiresInMs;
        this.#write(pathOf(step.at), { value: step.value, class: name === "bulk" ? "bulk" : name, expiresAt });
        return undefined;
      }
      case "delete": {
        this.#check(step.at, step.ifRevision);
        const wasThere = this.#visible(pathOf(step.at)) !== undefined;
        this.#write(pathOf(step.at), undefined);
        return wasThere;
      }
      case "load":
        return this.#visible(pathOf(step.at))?.value;
      case "has":
        return this.#visible(pathOf(step.at)) !== undefined;
      case "entry":
        return this.#visible(pathOf(step.at));
      case "increment": {
        const was = this.#visible(pathOf(step.at));
        const sum = sumOf(was?.value, step.by);
        this.#write(pathOf(step.at), { value: sum, ...this.#kept(step.at, was) });
        return sum;
      }
      case "update": {
        const was = this.#visible(pathOf(step.at));
        this.#write(pathOf(step.at), step.how === "delete" ? undefined : { value: step.value, ...this.#kept(step.at, was) });
        return step.how === "delete" ? undefined : step.value;
      }
      case "keys":
        return listed(this.#keys(scopes[step.scope]!), step.listing);
      case "entries":
        return listed(this.#keys(scopes[step.scope]!), step.listing).map((
          key,
        ) => [key, ownCopy(this.#visible(`${scopes[step.scope]}\t${key}`)!.value)]);
      case "clear": {
        const names = this.#keys(scopes[step.scope]!);
        for (const key of names) this.#write(`${scopes[step.scope]}\t${key}`, undefined);
        return names.length;
      }
    }
  }

  #kept(at: At, was: ModelEntry | undefined): Pick<ModelEntry, "class" | "expiresAt"> {
    return { class: was?.class ?? (keyOf(at).startsWith("archive:") ? "archive" : "standard"), expiresAt: was?.expiresAt ?? 0 };
  }

  #check(at: At, ifRevision: Revision): void {
    const visible = this.#visible(pathOf(at))?.revision ?? null;
    const { ifRevision: expected } = revisionOf(ifRevision, this.#seen.get(pathOf(at)));
    if (expected !== undefined && expected !== visible) throw new ModelError("STATE_CONFLICT");
  }

  commit(): void {
    for (const [path, entry] of this.#writes) {
      if (entry === undefined) this.#model.delete(path);
      else this.#model.save(path, entry.value, entry);
    }
  }
}

async function stepOf(tx: Transaction, step: Step, seen: Seen): Promise<unknown> {
  switch (step.do) {
    case "save": {
      const options = {
        ...revisionOf(step.ifRevision, seen.get(pathOf(step.at))),
        ...defined({ class: step.class, expiresInMs: step.expiresInMs }),
      };
      return await tx.save(...of(step.at), step.value, options as never);
    }
    case "delete":
      return await tx.delete(...of(step.at), revisionOf(step.ifRevision, seen.get(pathOf(step.at))));
    case "load":
      return await tx.load(...of(step.at));
    case "has":
      return await tx.has(...of(step.at));
    case "entry":
      return await tx.entry(...of(step.at));
    case "increment":
      return await tx.in(scopeOf(step.at.scope)).increment(keyOf(step.at), step.by);
    case "update":
      return await tx.update(...of(step.at), updating(step.how, step.value, () => {}) as never);
    case "keys":
      return await tx.keys(scopeOf(step.scope), defined(step.listing)).toArray();
    case "entries":
      return (await tx.entries(scopeOf(step.scope), defined(step.listing)).toArray()).map(({ key, value }) => [key, value]);
    case "clear":
      return await tx.clear(scopeOf(step.scope));
  }
}

/** A failure that the model foresees. */
class ModelError extends Error {
  constructor(readonly code: string) {
    super(code);
  }
}

function codeOf(error: unknown): string {
  if (error instanceof ModelError) return error.code;
  if (error instanceof Thrown) return "thrown";
  if (isStateError(error)) return error.code;
  return error instanceof TypeError && !(error instanceof assert.AssertionError) && isOurs(error) ? "TypeError" : "unexpected";
}

/** A TypeError that the library, or the model, throws on purpose, and not one of the engine. */
function isOurs(error: TypeError): boolean {
  return error.message === "" || error.message.startsWith("Cannot save") || error.message.startsWith("Cannot update");
}

/** What counting comes to: whole numbers stay exact. */
function sumOf(value: unknown = 0, by: number): number {
  const sum = typeof value === "number" ? value + by : NaN;
  if (!Number.isFinite(sum) || (Number.isInteger(sum) && Math.abs(sum) > 2 ** 53 - 1)) throw new ModelError("STATE_INVALID_VALUE");
  return sum;
}

async function outcomeOf(call: () => Promise<unknown>): Promise<{ readonly result: unknown } | { readonly error: unknown }> {
  try {
    return { result: await call() };
  } catch (error) {
    return { error };
  }
}

/** Two entries share nothing, also where the same object was saved in both. */
function ownCopy(value: unknown): unknown {
  const { codec, text } = encodeValue(value, { depth: 1000 });
  return reviveValue(codec, JSON.parse(text));
}

function same(found: unknown, expected: unknown): void {
  const difference = findDifference(found, expected);
  if (difference !== undefined) throw new assert.AssertionError({ message: difference });
}

function updating(how: Updating, value: unknown, saw: (current: unknown) => void): (current: unknown) => unknown {
  return (current) => {
    saw(current);
    if (how === "throw") throw new Thrown();
    if (how === "nothing") return undefined;
    if (how === "delete") return DELETE;
    return how === "later" ? Promise.resolve(value) : value;
  };
}

function listed(names: readonly string[], { prefix = "", after, limit, reverse = false }: Listing): string[] {
  const ordered = reverse ? names.toReversed() : names;
  return ordered
    .filter((key) =>
      key.startsWith(prefix) && (after === undefined || (reverse ? byCodePoint(key, after) < 0 : byCodePoint(key, after) > 0))
    )
    .slice(0, limit);
}

function revisionOf(ifRevision: Revision, visible: ModelEntry | undefined): { readonly ifRevision?: number | null } {
  if (ifRevision === undefined) return {};
  if (ifRevision === "absent") return { ifRevision: null };
  return { ifRevision: ifRevision === "right" ? visible?.revision ?? null : (visible?.revision ?? 0) + 1 };
}

function operationOf({ operationId }: { readonly operationId?: string | undefined }): { readonly operationId?: string } {
  return operationId === undefined ? {} : { operationId };
}

/** Without what is undefined: an option that is not given. */
function defined<T extends object>(options: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as never;
}

function scopeOf(scope: number): StateScope {
  return StateScope.parse(scopes[scope]!);
}

function keyOf({ key }: At): string {
  return keys[key]!;
}

function of(at: At): [StateScope, string] {
  return [scopeOf(at.scope), keyOf(at)];
}

function pathOf(at: At): string {
  return `${scopes[at.scope]}\t${keyOf(at)}`;
}

function locate(path: string): [StateScope, string] {
  const [scope, key] = path.split("\t") as [string, string];
  return [StateScope.parse(scope), key];
}

/** With the long texts that a program only names. */
function spelledOut(verb: Verb): Verb {
  const spell = (value: unknown) => value instanceof Text ? value.text : value;
  return {
    ...verb,
    ...("value" in verb ? { value: spell(verb.value) } : {}),
    ...("values" in verb ? { values: verb.values.map(spell) } : {}),
    ...("steps" in verb ? { steps: verb.steps.map((step) => "value" in step ? { ...step, value: spell(step.value) } : step) } : {}),
  } as Verb;
}
