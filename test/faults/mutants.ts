/**
 * The mutants: each breaks one rule of the core, and names the test that must notice. `deno task mutants [name…]` breaks a copy
 * of the tree, one at a time, and fails if a test passes all the same.
 *
 * @module
 */

/** One rule broken. */
export interface Mutant {
  readonly name: string;
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly search: string;
  readonly replace: string;
  /** The test file, and which of its tests. */
  readonly test: readonly [file: string, filter?: string];
}

const conformance = "test/conformance_test.ts";
const found = "test/faults/found_test.ts";
const faults = "test/faults/faults_test.ts";
const flips = "test/faults/flips_test.ts";
const repairing = "test/store/repair/native_test.ts";
const repairingLogs = "test/store/repair/log_repair_test.ts";
const records = "test/faults/records_processes_test.ts";
const behind = "test/state/write_behind_test.ts";
const crash = "test/faults/log_crash_test.ts";

export const mutants: readonly Mutant[] = [
  {
    name: "what a schema gives is taken for a result",
    file: "src/schema/rules.ts",
    search: "if (!isResult(result)) throw faulty(",
    replace: "if (!isResult(result) && false) throw faulty(",
    test: [conformance, "/^memory › .*a schema that throws, or gives no result/"],
  },
  {
    name: "an option is taken whatever it is",
    file: "src/options.ts",
    search: "if (value === undefined || holds(value)) return;",
    replace: "return;",
    test: [conformance, "/^memory › .*(says of each option|an option of a call)/"],
  },
  {
    name: "random bytes are taken whatever they are",
    file: "src/open.ts",
    search: "if (isBytes && (bytes as Uint8Array).length === count) return",
    replace: "return",
    test: [conformance, "/^memory › .*says of each option/"],
  },
  {
    name: "a hidden toJSON is not looked for",
    file: "src/codec/plain.ts",
    search: 'if (typeof (node as { readonly toJSON?: unknown }).toJSON === "function") return undefined;',
    replace: "",
    test: [conformance, "B12 a toJSON that is not enumerable"],
  },
  {
    name: "what a property answers is asked for a second time",
    file: "src/codec/encode.ts",
    search: "text: JSON.stringify(plain) };",
    replace: "text: JSON.stringify(value) };",
    test: [conformance, "B12 an accessor that answers otherwise"],
  },
  {
    name: "an entry may have undefined as its value",
    file: "src/state/payload.ts",
    search: "if (!isUndefined(encoded)) return encoded;",
    replace: "return encoded;",
    test: [conformance, "B12 a value whose toJSON gives undefined"],
  },
  {
    name: "a lease is stored with the fraction that it was given",
    file: "src/limits.ts",
    search: "return Math.min(now + Math.ceil(ms), LAST_DATE);",
    replace: "return Math.min(now + ms, LAST_DATE);",
    test: [conformance, "B9a a lease of a fraction"],
  },
  {
    name: "an operation id is remembered until no date",
    file: "src/limits.ts",
    search: "return Math.min(now + Math.ceil(ms), LAST_DATE);",
    replace: "return now + Math.ceil(ms);",
    test: [conformance, "B9 an operation id that is remembered for longer"],
  },
  {
    name: "a number that cannot be read back is written",
    file: "src/store/compose.ts",
    search: "put: (change) => changes.push(checkChange(change)),",
    replace: "put: (change) => changes.push(change),",
    test: ["test/store/change_test.ts"],
  },
  {
    name: "a number that cannot be read back is written in pieces",
    file: "src/store/wide.ts",
    search: "change = this.#named(checkChange(change));",
    replace: "change = this.#named(change);",
    test: ["test/store/change_test.ts"],
  },
  {
    name: "the batch does not check the head",
    file: "src/store/compose.ts",
    search: "checks: [{ key: paths.head, is: parts.headText }],",
    replace: "checks: [],",
    test: [conformance, "/B6|B7|B8/"],
  },
  {
    name: "a lost race counts as landed",
    file: "src/store/committer.ts",
    search: "return holder === txid;",
    replace: "return true;",
    test: [conformance, "/B6|B7|B8/"],
  },
  {
    name: "a writer does not look for its own commit",
    file: "src/store/committer.ts",
    search: "if (written || await this.#landedBefore(composed, failure)) break;",
    replace: "if (written) break;",
    test: [faults],
  },
  {
    name: "what failed once is not tried again",
    file: "src/store/committer.ts",
    search: 'if (attempt >= TRIES || isStateError(error, "STATE_CORRUPT")) throw uncertain(failure);',
    replace: "throw uncertain(failure);",
    test: [faults],
  },
  {
    name: "critical is not read back",
    file: "src/store/committer.ts",
    search: "if (composed.batch.durable) await this.#readBack(composed);",
    replace: "",
    test: ["test/faults/critical_test.ts"],
  },
  {
    name: "answers are not checked against the newest head",
    file: "src/store/committer.ts",
    search: "if (!contended && !isLocal && (await view.look()).commit !== head.commit) return 0;",
    replace: "",
    test: [conformance, "/B7|B20|B9/"],
  },
  {
    name: "a row's own digest is not compared",
    file: "src/store/row.ts",
    search: "if (ofRow !== rowDigest || ofPayload !== digest)",
    replace: "if (ofPayload !== digest)",
    test: [flips],
  },
  {
    name: "a payload's digest is not compared",
    file: "src/store/row.ts",
    search: "if (ofRow !== rowDigest || ofPayload !== digest)",
    replace: "if (ofRow !== rowDigest)",
    test: [flips],
  },
  {
    name: "a row may stand in another's place",
    file: "src/store/row.ts",
    search: 'if (row.path !== path || row.op !== "s" ||',
    replace: 'if (row.op !== "s" ||',
    test: [flips, "/swapped/"],
  },
  {
    name: "the head's digest is not compared",
    file: "src/store/head.ts",
    search: "if (cut < 0 || body.slice(0, cut) !== digest)",
    replace: "if (cut < 0)",
    test: [flips],
  },
  {
    name: "an object's digest is not compared",
    file: "src/store/objects.ts",
    search: 'if (bytes.length !== ref.bytes || toHex(await digester.digest(bytes)) !== ref.name.slice(ref.name.indexOf("-") + 1)) {',
    replace: "if (bytes.length !== ref.bytes) {",
    test: [flips],
  },
  {
    name: "records need not chain",
    file: "src/store/view.ts",
    search: "if (commit === to.commit && digest === to.digest) return records;",
    replace: "if (commit === to.commit) return records;",
    test: [flips, "/catches up/"],
  },
  {
    name: "the newest record need not be the head's",
    file: "src/store/opening.ts",
    search: "if (record.digest !== head.digest ||",
    replace: "if (",
    test: [flips],
  },
  {
    name: "opening does not complete a torn commit",
    file: "src/store/opening.ts",
    search: "if (missing.size === 0) return 0;",
    replace: "return 0;",
    test: [faults, "/whichever call was the last/"],
  },
  {
    name: "another writer's changes leave the cache as it is",
    file: "src/store/view.ts",
    search: "else for (const path of paths) this.cache.delete(path);",
    replace: "",
    test: [conformance, "/B20/"],
  },
  {
    name: "a head that went back is taken",
    file: "src/store/view.ts",
    search: "if (head.commit < since) {",
    replace: "if (head.commit < 0) {",
    test: ["test/store/view_test.ts"],
  },
  {
    name: "nothing is left of deleted entries",
    file: "src/store/compose.ts",
    search: "set.push([paths.gone(path), formatGone(slot, digests[i]!)]);",
    replace: "",
    test: [conformance, "/B14a/"],
  },
  {
    name: "a step does not check the head",
    file: "src/store/steps.ts",
    search: "const checks = [{ key: paths.head, is: text }];",
    replace: "const checks: { key: string; is: string }[] = [];",
    test: ["test/store/steps_test.ts"],
  },
  {
    name: "readers do not see what is pending",
    file: "src/store/view.ts",
    search: "const overlaid = head.applied < head.commit ? await this.#parts.overlay(head, path) : undefined;",
    replace: "const overlaid = undefined as Slot | undefined;",
    test: [conformance, "/small limits/"],
  },
  {
    name: "transactions are not validated",
    file: "src/state/snapshot.ts",
    search: "if (since === undefined) return true;",
    replace: "return true;",
    test: [conformance, "/B8/"],
  },
  {
    name: "ranges are not validated",
    file: "src/state/snapshot.ts",
    search: "!this.#ranges.some((range) => draft.rangeChangedSince(range, since));",
    replace: "true;",
    test: [conformance, "/B8/"],
  },
  {
    name: "an operation id stands for any call",
    file: "src/state/operation_ids.ts",
    search: "if (was !== print) {",
    replace: "if (false) {",
    test: [conformance, "/B9/"],
  },
  {
    name: "an operation id is not remembered",
    file: "src/state/operation_ids.ts",
    search: "if (repeat !== undefined) return last = new Repeat(repeat);",
    replace: "",
    test: [conformance, "/B9/"],
  },
  {
    name: "two flushes write the same bulk entry",
    file: "src/state/write_behind.ts",
    search: "if (this.#taken.entries.has(entry)) continue;",
    replace: "",
    test: [found, "/bulk/"],
  },
  {
    name: "a flush that was awaited and failed is not tried again",
    file: "src/state/write_behind.ts",
    search: "this.#wait(RETRY_MS);",
    replace: "",
    test: [behind],
  },
  {
    name: "a bulk entry is accepted although the flush that makes room failed",
    file: "src/state/writes.ts",
    search: "[draft] = await Promise.all([saving.draft, room]);",
    replace: "[draft] = await Promise.all([saving.draft, room?.catch(() => {})]);",
    test: [behind],
  },
  {
    name: "a bulk entry fails with the record that it shares",
    file: "src/state/writes.ts",
    search: "if (receipt === undefined) throw error;",
    replace: "throw error;",
    test: [behind],
  },
  {
    name: "what onWarning throws is thrown on",
    file: "src/open.ts",
    search: "onWarning: (warning) => void tell(onWarning, warning),",
    replace: "onWarning,",
    test: [behind],
  },
  {
    name: "a call of a transaction that nobody awaits may fail",
    file: "src/state/transaction.ts",
    search: "for (const [, failure] of this.#untold) throw failure;",
    replace: "",
    test: [conformance, "a transaction's function does not await, fails"],
  },
  {
    name: "a failure that a transaction's function caught fails the transaction",
    file: "src/state/transaction.ts",
    search: "this.#untold.delete(call);",
    replace: "",
    test: [conformance, "takes up, sooner or later"],
  },
  {
    name: "ephemeral changes are not seen by what shares the record",
    file: "src/state/writes.ts",
    search: "const pending = core.unsettled.get(draft.attempt)?.get(path);",
    replace: "const pending = undefined as LocalEntry | null | undefined;",
    test: [found, "/ephemeral/"],
  },
  {
    name: "what has expired is still there",
    file: "src/state/live.ts",
    search: "return row !== undefined && (row.expiresAt === 0 || row.expiresAt > now);",
    replace: "return row !== undefined;",
    test: [conformance, "/B14/"],
  },
  {
    name: "preconditions are not judged",
    file: "src/state/writes.ts",
    search: "if (expected !== undefined && expected !== found.visible) throw conflict(target, expected, found.visible);",
    replace: "",
    test: [conformance, "/B7/"],
  },
  {
    name: "a lease may be taken from whoever holds it",
    file: "src/state/once.ts",
    search: "if (held !== undefined && held.until > now) return { lease: held };",
    replace: "",
    test: [conformance, "/B9a/"],
  },
  {
    name: "secrets are stored",
    file: "src/state/core.ts",
    search: 'if (rule === undefined) return "plain";',
    replace: 'return "plain";',
    test: [conformance, "/STATE_SECRET/"],
  },
  {
    name: "close() does not write what was accepted",
    file: "src/state/state.ts",
    search: "        await behind.flush();\n        await store.expire();",
    replace: "        await store.expire();",
    test: [conformance, "/B17/"],
  },
  {
    name: "a line is taken for another that ends like it",
    file: "src/store/log/frame.ts",
    search: "if (place !== undefined && lines[place] !== line) {",
    replace: "if (place === -1) {",
    test: ["test/store/log/frame_test.ts"],
  },
  {
    name: "records that others wrote in between are taken for none",
    file: "src/store/recent.ts",
    search: "if (this.#records.at(-1)?.last !== record.first - 1) this.#records = [];",
    replace: "",
    test: ["test/store/maintain_test.ts"],
  },
  {
    name: "the oldest records are never looked for",
    file: "src/store/recent.ts",
    search: "this.#removed !== horizon || ",
    replace: "",
    test: ["test/store/maintain_test.ts"],
  },
  {
    name: "a record whose changes stand in pieces is removed without them",
    file: "src/store/view.ts",
    search: "const drops = isWide ? undefined : commits",
    replace: "const drops = commits",
    test: ["test/store/maintain_test.ts"],
  },
  {
    name: "pieces go before it is known whether their record does",
    file: "src/store/maintain.ts",
    search: "if (remove.length > 0 && remove.length + keys.length + 3 > port.supports.batchOps) break;",
    replace: `for (const set of sets) await dropPieces(set, parts);
    if (remove.length > 0 && remove.length + keys.length + 3 > port.supports.batchOps) break;`,
    test: ["test/store/maintain_test.ts"],
  },
  {
    name: "the log is cut without its horizon",
    file: "src/store/maintain.ts",
    search: "const next: Head = { ...head, horizon, logBytes, objectBytes };",
    replace: "const next: Head = { ...head, logBytes, objectBytes };",
    test: [conformance, "/log is cut/"],
  },
  {
    name: "the answer comes before the commit",
    file: "src/store/committer.ts",
    search: "if (!await this.land(composed)) return 0;",
    replace: "this.land(composed).catch(() => {});",
    test: [faults],
  },
  {
    name: "revisions begin anew after a deletion",
    file: "src/state/writes.ts",
    search: "const revision = Math.max(slot.revision, local?.revision ?? 0, core.ephemeral.lastRevision(path));",
    replace: "const revision = slot.row === undefined ? 0 : slot.revision;",
    test: [conformance, "/B14a/"],
  },
  {
    name: "ephemeral values are stored",
    file: "src/state/writes.ts",
    search: 'if (saving.class !== "ephemeral") {',
    replace: 'if (saving.class as string !== "") {',
    test: [conformance, "/phemeral/"],
  },
  {
    name: "a namespace is dropped without a mark",
    file: "src/store/namespaces.ts",
    search: "epoch: head.epoch + 1, dropping: true }",
    replace: "epoch: head.epoch + 1, dropping: false }",
    test: ["test/store/namespaces_test.ts"],
  },
  {
    name: "a commit lands without its stage",
    file: "src/store/wide.ts",
    search: 'checks: [...batch.checks, { key: this.#stage, is: "S1" }]',
    replace: "checks: batch.checks",
    test: ["test/store/wide_test.ts"],
  },
  {
    name: "two updates share one object",
    file: "src/state/payload.ts",
    search: "  return reviveValue(codec, value);\n}",
    replace: "  const held = row as { value?: unknown };\n  return held.value ??= reviveValue(codec, value);\n}",
    test: [conformance, "/B9b/"],
  },
  {
    name: "a segment goes before what was quicker than its seal is durable",
    file: "src/store/log/checkpointer.ts",
    search: "await log.catchUp();\n    if (log.known !== undefined && !isNamed(name, log.known)) await segments.remove(name);",
    replace: "await segments.remove(name);\n    await log.catchUp();",
    test: ["test/faults/log_faults_test.ts"],
  },
  {
    name: "a segment goes whose seal nobody can see any more",
    file: "src/store/log/checkpointer.ts",
    search: "if (log.known !== undefined && !isNamed(name, log.known)) await segments.remove(name);",
    replace: "await segments.remove(name);",
    test: ["test/faults/log_crash_test.ts", "/segment stays/"],
  },
  {
    name: "a frame that is missing is the end of the log, whatever the horizon",
    file: "src/store/log/record_journal.ts",
    search: "if (horizon > this.#at.number) throw",
    replace: "if (horizon < 0) throw",
    test: [records],
  },
  {
    name: "the horizon is asked for before the frames are read",
    file: "src/store/log/record_journal.ts",
    search: "    await this.#checkHorizon();\n    // On a store that tears",
    replace: "    // On a store that tears",
    test: [records],
  },
  {
    name: "a frame that was created again counts",
    file: "src/store/log/record_journal.ts",
    search: "await this.#horizon().catch(unknown) >= frame.number",
    replace: "await this.#horizon().catch(unknown) < 0",
    test: [records],
  },
  {
    name: "a try that failed did not land",
    file: "src/store/log/record_journal.ts",
    search: "if (isStateError(error) && !mayStand) throw error;",
    replace: 'if (!mayStand && await this.#store.getItem(key) === null) throw new StateError("STATE_DRIVER", "absent", { details: {} });',
    test: [records],
  },
  {
    name: "objects are created over what is there",
    file: "src/store/log/log_store.ts",
    search: "create: (key, text) => driver.create!(key, text),",
    replace: "create: async (key, text) => (await driver.removeItem!(key), await driver.create!(key, text)),",
    test: [records],
  },
  {
    name: "nobody looks whether a checkpoint is the newest one",
    file: "src/store/log/checkpointer.ts",
    search: 'if (await log.checkpoints.newest(next.generation) !== next.generation) return "overtaken";',
    replace: "",
    test: [records],
  },
  {
    name: "a checkpoint that was overtaken takes what it made with it",
    file: "src/store/log/checkpointer.ts",
    search: '!== next.generation) return "overtaken";',
    replace: "!== next.generation) return undefined;",
    test: [records],
  },
  {
    name: "the horizon stays where it was when runs are merged",
    file: "src/store/log/checkpointer.ts",
    search: "        horizon: base.frame,\n        ...changes,",
    replace: "        ...changes,\n        horizon: changes.frame === undefined ? base.horizon : base.frame,",
    test: [records],
  },
  {
    name: "what is merged goes by the token of what is named",
    file: "src/store/log/checkpointer.ts",
    search: "const merging = toHex(random(12));",
    replace: "const merging = token;",
    test: [records],
  },
  {
    name: "frames go before the checkpoint that holds them stands",
    file: "src/store/log/checkpointer.ts",
    search: "      if (!await log.checkpoints.create(next)) return undefined;",
    replace: "      await this.#remove(next.removing);\n      if (!await log.checkpoints.create(next)) return undefined;",
    test: [records],
  },
  {
    name: "what the newest checkpoint alone does without goes at once",
    file: "src/store/log/checkpointer.ts",
    search: "removing: isClean ? base.dropped : [...base.removing, ...base.dropped],",
    replace: "removing: [...base.removing, ...base.dropped, ...changes.dropped ?? []],",
    test: [records],
  },
  {
    name: "only one checkpoint is kept",
    file: "src/store/log/checkpointer.ts",
    search: "removeBelow(Math.min(generation - 1, ",
    replace: "removeBelow(Math.min(generation, ",
    test: ["test/faults/records_damage_test.ts"],
  },
  {
    name: "a checkpoint that a list may still show goes",
    file: "src/store/log/checkpointer.ts",
    search: "if (tuning.lagMs === 0) return [];",
    replace: "if (tuning.lagMs >= 0) return [];",
    test: [records, "/lag/"],
  },
  {
    name: "a list is gone on from however long ago it was",
    file: "src/store/log/checkpoints.ts",
    search: "isOld: () => lagMs > 0 && now() - begun > lagMs / 2",
    replace: "isOld: () => lagMs > 0 && now() - begun > Infinity",
    test: ["test/store/log/checkpoints_test.ts"],
  },
  {
    name: "a checkpoint stood from when it was made",
    file: "src/store/log/checkpointer.ts",
    search: "const all = [...base.staying, [base.generation, now] as const];",
    replace: "const all = [...base.staying, [base.generation, base.at] as const];",
    test: ["test/store/log/checkpoints_test.ts"],
  },
  {
    name: "pins hold nothing",
    file: "src/store/log/checkpointer.ts",
    search: "if (await isPinned(log)) return;",
    replace: "",
    test: ["test/store/log/pins_test.ts"],
  },
  {
    name: "newer checkpoints than the listed one are not looked for",
    file: "src/store/log/checkpoints.ts",
    search: "const newest = least + (await this.#from(least + 1)).size;",
    replace: "const newest = least;",
    test: [records, "/lag/"],
  },
  {
    name: "its own checkpoint is another's after a transport tried twice",
    file: "src/store/log/checkpoints.ts",
    search: "return await this.#get(generation) === text;",
    replace: "return attempt > 1 && await this.#get(generation) === text;",
    test: [records, "/bad/"],
  },
  {
    name: "a horizon that cannot be read means that nothing was written",
    file: "src/store/log/record_journal.ts",
    search: "await this.#horizon().catch(unknown) >= frame.number",
    replace: "await this.#horizon() >= frame.number",
    test: [records, "/bad/"],
  },
  {
    name: "a log that cannot be read after a lost frame means that nothing was written",
    file: "src/store/log/log_port.ts",
    search: "tried.mayStand = true;",
    replace: "",
    test: [records, "/bad/"],
  },
  {
    name: "listings do not see what is pending",
    file: "src/store/steps.ts",
    search: "if (covers(range, change.path)) slots.set(change.path, slotAfter(change, commit, at));",
    replace: "void change;",
    test: [conformance, "/small limits/"],
  },
  {
    name: "a file is closed under whoever uses it",
    file: "adapters/fs/segments.ts",
    search: "if (kept.users === 0) await kept.file.close();",
    replace: "await kept.file.close();",
    test: ["test/adapters/fs/segments_test.ts"],
  },
  {
    name: "a file that was forgotten while it was opened is kept",
    file: "adapters/fs/segments.ts",
    search: "if (this.#kept.get(name) !== opening) return;",
    replace: "",
    test: ["test/adapters/fs/segments_test.ts", "/never used once/"],
  },
  {
    name: "what was closed before it was synced counts as written",
    file: "adapters/fs/segments.ts",
    search: "if (kept.isUnsynced) this.#doubtful.set(name, Infinity);",
    replace: "",
    test: ["test/adapters/fs/segments_test.ts"],
  },
  {
    name: "an object that was there is not made durable",
    file: "adapters/fs/objects.ts",
    search: "      await folders.sync(folder);\n      return result;",
    replace: "      if (result) await folders.sync(folder);\n      return result;",
    test: ["test/adapters/fs/objects_test.ts"],
  },
  {
    name: "a checkpoint may say anything",
    file: "src/store/log/checkpoint.ts",
    search: "if (wrong !== undefined) throw",
    replace: "if (wrong === undefined) void 0; else if (false) throw",
    test: ["test/store/log/checkpoint_test.ts"],
  },
  {
    name: "a checkpoint may remove what it needs",
    file: "src/store/log/checkpoint.ts",
    search: "({ name }) => gone.has(name)",
    replace: "() => gone === undefined",
    test: ["test/store/log/checkpoint_test.ts"],
  },
  {
    name: "names may lead anywhere",
    file: "src/store/log/shape.ts",
    search: "value.startsWith(prefix) && /^[0-9a-z-]{1,80}$/.test(value.slice(prefix.length))",
    replace: "value !== prefix",
    test: ["test/store/log/checkpoint_test.ts"],
  },
  {
    name: "a page need not be sorted",
    file: "src/store/log/table.ts",
    search: "if (!isSorted || keys[0] !== ref.first ||",
    replace: "if (keys[0] !== ref.first ||",
    test: ["test/store/log/table_test.ts"],
  },
  {
    name: "an index may name anything",
    file: "src/store/log/table.ts",
    search: "isPageRef(page, folder) && (i === 0",
    replace: "(i === 0",
    test: ["test/store/log/table_test.ts"],
  },
  {
    name: "a frame may stand for any number of bytes",
    file: "src/store/log/frame.ts",
    search: "length += line.length + 1;",
    replace: "",
    test: ["test/store/log/frame_test.ts", "/gigabytes/"],
  },
  {
    name: "a frame of a newer format is passed over",
    file: "src/store/log/frame.ts",
    search: "if (Number(version) > FORMAT)",
    replace: "if (Number(version) < 0)",
    test: ["test/store/log/segment_journal_test.ts", "/newer one/"],
  },
  {
    name: "a log may go on anywhere",
    file: "src/store/log/segment_journal.ts",
    search: "this.#checkNext(frame.next);",
    replace: "",
    test: ["test/store/log/segment_journal_test.ts"],
  },
  {
    name: "who may only read writes a newline",
    file: "src/store/log/segment_journal.ts",
    search: "      if (this.#readOnly) {",
    replace: "      if (this.#readOnly && bytes.length === 0) {",
    test: ["test/store/log/segment_journal_test.ts"],
  },
  {
    name: "what is new in a file is believed without a look at the last frame",
    file: "src/store/log/segment_journal.ts",
    search: "const bytes = await this.#anchoredBytes();",
    replace: "const bytes = this.#isAnchored ? await this.#bytesFrom(from) : await this.#anchoredBytes();",
    test: ["test/adapters/fs_test.ts", "set back in its place"],
  },
  {
    name: "a write that met damage has failed",
    file: "src/store/log/segment_journal.ts",
    search: 'if (isStateError(error) && error.code !== "STATE_DRIVER" && error.code !== "STATE_CORRUPT") throw error;',
    replace: 'if (isStateError(error) && error.code !== "STATE_DRIVER") throw error;',
    test: ["test/store/log/segment_journal_test.ts", "finds the log damaged"],
  },
  {
    name: "a file that was cut is appended to",
    file: "adapters/fs/segments.ts",
    search: "if (before === undefined || before !== (at ?? before)) return undefined;",
    replace: "if (before === undefined) return undefined;",
    test: ["test/adapters/fs_test.ts", "/segment that is cut/"],
  },
  {
    name: "a file that was cut reads as one that ends",
    file: "adapters/fs/segments.ts",
    search: "if (size === undefined || size < from) return undefined;",
    replace: "if (size === undefined) return undefined;\n      if (size < from) return new Uint8Array();",
    test: ["test/adapters/fs_test.ts", "/segment that is cut/"],
  },
  {
    name: "another namespace's checkpoint is taken",
    file: "src/store/log/log.ts",
    search: "if (base.root !== root) throw",
    replace: "if (root === undefined) throw",
    test: ["test/adapters/fs_test.ts", "/made to remove/"],
  },
  {
    name: "a repair that was cut off is opened as if nothing were",
    file: "src/store/opening.ts",
    search: 'if (head.repairing) throw corrupt("the namespace", "a repair of it was not finished; run it again");',
    replace: "",
    test: [repairing, "/a repair that was cut off/"],
  },
  {
    name: "a repaired namespace keeps its id",
    file: "src/store/repair/epoch.ts",
    search: "    id: toHex(random(12)),\n    epoch: Math.max(",
    replace: "    epoch: Math.max(",
    test: [repairing, "/closes the state/"],
  },
  {
    name: "a repair does not check its mark",
    file: "src/store/repair/batches.ts",
    search: "checks: [{ key: paths.head, is: mark }], set",
    replace: "checks: [], set",
    test: [repairing, "/comes late/"],
  },
  {
    name: "what a repair replaces is lost",
    file: "src/store/repair/entries.ts",
    search: "if (found.stands && worthless.includes(found)) await sink.aside(key, found.value);",
    replace: "void found;",
    test: ["test/faults/repair_test.ts", "/any one object/"],
  },
  {
    name: "objects that nothing names are deleted by a repair",
    file: "src/store/repair/survey.ts",
    search: "      for (const { value, stands } of found) if (stands) await sink.aside(key, value);\n      await sink.remove(key);",
    replace: "      void found;\n      await sink.remove(key);",
    test: ["test/faults/repair_test.ts", "/any one object/"],
  },
  {
    name: "revisions that a repair lost come back",
    file: "src/store/head.ts",
    search: "return head.repaired !== undefined && commit < head.repaired ?",
    replace: "return head.repaired === -1 && commit < head.repaired ?",
    test: [repairing, "/revisions do not come back/"],
  },
  {
    name: "clear() counts revisions from what is left",
    file: "src/state/scope_verbs.ts",
    search: "countedFrom(leastRevision(page.head, row.commit), slotOf(row))",
    replace: "countedFrom(0 * leastRevision(page.head, row.commit), slotOf(row))",
    test: [repairing, "/revisions do not come back/"],
  },
  {
    name: "a record that lost something stays in the log",
    file: "src/store/repair/survey.ts",
    search: "!commits.some(({ number }) => lost.has(number) || versions.unread.has(number));",
    replace: "commits.length > 0;",
    test: [repairing, "/fell back to stays/"],
  },
  {
    name: "a repair leaves the horizon below what is lost",
    file: "src/store/repair/survey.ts",
    search: "nextHorizon: highest([history.horizon, ...missing, ...gone]),",
    replace: "nextHorizon: history.horizon,",
    test: [repairing, "/log is cut after a repair/"],
  },
  {
    name: "a row is made from a record that nothing proves",
    file: "src/store/repair/entries.ts",
    search: "const isProven = version?.record.isCovered === true || version?.piece !== undefined;",
    replace: "const isProven = version !== undefined;",
    test: [repairing, "/a row is not made/"],
  },
  {
    name: "a record is believed its number",
    file: "src/store/repair/history.ts",
    search: "const atHome = parsed.filter(({ isAtHome }) => isAtHome);",
    replace: "const atHome = parsed;",
    test: [repairing, "/whose number is damaged/"],
  },
  {
    name: "a repair does not look whether records chain",
    file: "src/store/repair/history.ts",
    search: "const fitting = candidates.find((record) => wanted(record) === record.digest);",
    replace: "const fitting = candidates.find((record) => wanted(record) !== undefined);",
    test: ["test/faults/repair_test.ts", "/on memory in which any one object/"],
  },
  {
    name: "what is half brought in counts as damage",
    file: "src/store/repair/entries.ts",
    search: "if (isPending && broken.length === 0) this.#pending.add(path);",
    replace: "if (isPending && broken.length < 0) this.#pending.add(path);",
    test: ["test/faults/repair_test.ts", "/in which nothing is wrong/"],
  },
  {
    name: "what was half brought in is taken for whole",
    file: "src/store/repair/entries.ts",
    search: "(picked.version?.step ?? 0) >= pending.step;",
    replace: "(picked.version?.step ?? 0) >= 0;",
    test: ["test/faults/repair_test.ts", "/in small pieces in which any one object/"],
  },
  {
    name: "a repair does not look at objects",
    file: "src/store/repair/objects.ts",
    search: "const verdict = await this.#look(ref);",
    replace: 'const verdict: Verdict = "whole";',
    test: ["test/faults/repair_test.ts", "/on memory in which any one object/"],
  },
  {
    name: "a row in another's place is set aside with it",
    file: "src/store/repair/entries.ts",
    search: "this.#displaced.set(other, [...this.#displaced.get(other) ?? [], { ...found, stands: false }]);",
    replace: "",
    test: ["test/faults/repair_test.ts", "/put back/"],
  },
  {
    name: "a cut off repair forgets what it has set aside",
    file: "src/store/repair/native_source.ts",
    search: "if (!key.startsWith(objects)) aside.set(`${paths.root}${key.slice(prefix.length)}`, value!);",
    replace: "void [objects, key, value];",
    test: ["test/faults/repair_test.ts", "/cut off/"],
  },
  {
    name: "a commit before a repair is refused where it may stand",
    file: "src/store/committer.ts",
    search: 'failure !== undefined && isStateError(error, "STATE_CLOSED") ? uncertain(failure) : error;',
    replace: "error;",
    test: [repairing, "/uncertain/"],
  },
  {
    name: "who has read further than a repair of a log can is not stopped",
    file: "src/store/repair/log_fence.ts",
    search: "const far = await formatFrame({ ...of, number: FAR, ops: [] }, seal);",
    replace: "const far = await formatFrame({ ...of, number, ops: [] }, seal);\n  void FAR;",
    test: [repairingLogs, "/whose last frame is lost/"],
  },
  {
    name: "an open log does not look for what was repaired",
    file: "src/store/log/log_port.ts",
    search: 'if (isStateError(error, "STATE_CORRUPT") && await inTurn(() => this.#log.reload()).catch(() => false)) continue;',
    replace: "",
    test: [repairingLogs, "/whose last frame is lost|closes the state/"],
  },
  {
    name: "a repaired log keeps its id",
    file: "src/store/repair/log_rebuild.ts",
    search: "id: toHex(random(12)),\n    generation:",
    replace: 'id: remains.base?.id ?? "",\n    generation:',
    test: [repairingLogs, "/whose last frame is lost|closes the state/"],
  },
  {
    name: "repair() takes a frame for whole that nobody else can read",
    file: "src/store/repair/log_remains.ts",
    search: ".some(({ isBare }) => !isBare)",
    replace: ".some(() => false)",
    test: ["test/faults/repair_log_test.ts", "/stands around any one/"],
  },
  {
    name: "repair() takes a checkpoint's last frame for whole that nobody else can read",
    file: "src/store/repair/log_remains.ts",
    search: "end === segment.from && isBare &&",
    replace: "end === segment.from &&",
    test: ["test/faults/repair_log_test.ts", "/stands around any one/"],
  },
  {
    name: "a frame with something before it is STATE_CORRUPT at the end of a log, too",
    file: "src/store/log/frame.ts",
    search: "const [head, digest] = /^F[1-9]\\d{0,5}\\t([^\\t]*)\\t/.exec(line) ?? [];",
    replace:
      'const [head, digest] = /^[^\\t]*F[1-9]\\d{0,5}\\t([^\\t]*)\\t/.exec(line) ?? [];\n  if (head !== undefined && !head.startsWith("F")) throw corrupt(WHAT, "it does not begin as one");',
    test: ["test/faults/repair_log_test.ts", "/stands around any one/"],
  },
  {
    name: "a repair of a log leaves out what only older pages hold",
    file: "src/store/repair/log_source.ts",
    search: "if (remains.isShort) {",
    replace: "if (remains.isShort && remains.olderRuns.length > 0) {",
    test: ["test/faults/repair_log_test.ts", "/large segments in which any one object/"],
  },
  {
    name: "a frame that lost its number to a damaged one counts",
    file: "src/store/repair/log_frames.ts",
    search: "return isDamagedBefore && !isLast ? undefined : unit;",
    replace: "return unit;",
    test: ["test/store/repair/log_frames_test.ts"],
  },
  {
    name: "a frame counts that the next one does not name",
    file: "src/store/repair/log_frames.ts",
    search: "if (successors.length > 0) return successors.some(({ frame }) => frame!.prev === unit.frame!.digest) ? unit : undefined;",
    replace: "void successors;",
    test: ["test/store/repair/log_frames_test.ts"],
  },
  {
    name: "a mark counts that nothing leads to",
    file: "src/store/repair/log_frames.ts",
    search: "unit.frame!.writer !== REPAIRER && (unit.name",
    replace: "(unit.name",
    test: ["test/store/repair/log_frames_test.ts"],
  },
  {
    name: "what damaged frames still say is left out",
    file: "src/store/repair/log_source.ts",
    search: "for (const value of salvaged.get(key) ?? []) add(value, false);",
    replace: "void salvaged;",
    test: [repairingLogs, "/still gives/"],
  },
  {
    name: "appended bytes are not synced",
    file: "adapters/fs/segments.ts",
    search: "await kept.file.sync();",
    replace: "",
    test: [crash, "long workloads"],
  },
  {
    name: "a new segment is not synced",
    file: "adapters/fs/segments.ts",
    search: `header.subarray(at));
        await file.sync();`,
    replace: "header.subarray(at));",
    test: [crash, "some workloads"],
  },
  {
    name: "a new segment's folder is not synced",
    file: "adapters/fs/segments.ts",
    search: "await this.#folders.sync(folder);",
    replace: "",
    test: [crash, "some workloads"],
  },
  {
    name: "a folder's sync that is under way is shared",
    file: "adapters/fs/folders.ts",
    search: "const shared = this.#next.get(path);",
    replace: "const shared = this.#next.get(path) ?? this.#syncing.get(path);",
    test: ["test/adapters/fs/folders_test.ts"],
  },
  {
    name: "an object's file is not synced",
    file: "adapters/fs/objects.ts",
    search: "await file.sync();",
    replace: "",
    test: [crash, "long workloads"],
  },
  {
    name: "an object's folder is not synced",
    file: "adapters/fs/objects.ts",
    search: "await folders.sync(folder);",
    replace: "",
    test: [crash, "long workloads"],
  },
  {
    name: "a new folder is not made durable",
    file: "adapters/fs/folders.ts",
    search: "await this.#sync(parent, isOurs);",
    replace: "",
    test: [crash, "long workloads"],
  },
  {
    name: "a folder that another one made is not made durable",
    file: "adapters/fs/folders.ts",
    search: 'if (codeOf(error) === "EEXIST") break;',
    replace: 'if (codeOf(error) === "EEXIST") return void this.#known.add(path);',
    test: ["test/adapters/fs/folders_test.ts"],
  },
  {
    name: "what the runtime refuses is no refusal",
    file: "adapters/fs/errors.ts",
    search: 'return denied.has(name) || denied.has(code) ? "EACCES" : code;',
    replace: "void [denied, name];\n  return code;",
    test: ["test/adapters/fs_test.ts", "needs no permission"],
  },
  {
    name: "files in the making share a name",
    file: "adapters/fs/objects.ts",
    search: "return `.tmp-${Array.from(crypto",
    replace: 'return `.tmp-${"0".repeat(24)}`; return `.tmp-${Array.from(crypto',
    test: ["test/faults/log_processes_test.ts", "in any order of their calls"],
  },
  {
    name: "files in the making go while they are made",
    file: "adapters/fs/leftovers.ts",
    search: "if (this.#now() - changedMs > ABANDONED_MS) await",
    replace: "await",
    test: ["test/adapters/fs/leftovers_test.ts"],
  },
  {
    name: "what killed makers left stays",
    file: "adapters/fs/leftovers.ts",
    search: "if (!isFolder && TEMPORARY.test(name)) await",
    replace: "if (isFolder) await",
    test: ["test/faults/log_leftovers_test.ts"],
  },
  {
    name: "segments that were made for nothing stay",
    file: "src/store/log/checkpointer.ts",
    search: "if (!this.#isSwept) await this.#sweepSegments(frame);",
    replace: "",
    test: ["test/faults/log_leftovers_test.ts"],
  },
  {
    name: "a segment goes that may still be named",
    file: "src/store/log/checkpointer.ts",
    search: "firstIn(name) <= frame && !isNamed",
    replace: "!isNamed",
    test: ["test/faults/log_processes_test.ts"],
  },
  {
    name: "an appended frame is acknowledged before it is durable",
    file: "src/store/log/segment_journal.ts",
    search: "if (next !== undefined) await this.#keep(from, look.bytes.subarray(0, next.end - from));",
    replace: "",
    test: [crash, "long workloads"],
  },
  {
    name: "a log is sealed before the segment that it goes on in is there",
    file: "src/store/log/checkpointer.ts",
    search: "if (!await segments.create(name, headerOf(first))) return;",
    replace: "setTimeout(() => void segments.create(name, headerOf(first)).catch(() => {}), 1);",
    test: [crash],
  },
  {
    name: "a frame of another one counts before it is durable",
    file: "src/store/log/segment_journal.ts",
    search: "if (frames.length > 0) await this.#keep(from, bytes.subarray(0, frames.at(-1)!.end - from));",
    replace: "",
    test: ["test/faults/log_processes_test.ts", "every workload"],
  },
  {
    name: "frames need not chain",
    file: "src/store/log/segment_journal.ts",
    search: "seen?.number === number + 1 && seen.prev === digest ? await",
    replace: "seen?.number === number + 1 ? await",
    test: ["test/store/log/segment_journal_test.ts"],
  },
  {
    name: "a frame may be missing",
    file: "src/store/log/segment_journal.ts",
    search: "else if (frame.number > number) {",
    replace: "else if (frame.number < 0) {",
    test: ["test/faults/files_damage_test.ts"],
  },
  {
    name: "a frame does not begin a line",
    file: "src/store/log/segment_journal.ts",
    search: "encoder.encode(`\\n${line}\\n`)",
    replace: "encoder.encode(`${line}\\n`)",
    test: [crash, "long workloads"],
  },
  {
    name: "a segment may begin as anything",
    file: "src/store/log/segment_journal.ts",
    search: "if (from === 0) checkHeader(bytes, name);",
    replace: "",
    test: ["test/faults/files_damage_test.ts"],
  },
  {
    name: "another file may stand in a segment's place",
    file: "src/store/log/segment_journal.ts",
    search: "if (from > 0 && !isLast) throw",
    replace: "if (from < 0) throw",
    test: ["test/store/log/segment_journal_test.ts"],
  },
  {
    name: "a frame's digest is not compared",
    file: "src/store/log/frame.ts",
    search: "if (!text.isWellFormed() || digest !== (await seal([text]))[0]) return undefined;",
    replace: "await seal([text]);",
    test: ["test/store/log/frame_test.ts"],
  },
  {
    name: "a checkpoint's digest is not compared",
    file: "src/store/log/checkpoint.ts",
    search: " || body.slice(0, cut) !== (await seal([json]))[0]) throw",
    replace: " || (await seal([json])).length === 0) throw",
    test: ["test/store/log/checkpoint_test.ts"],
  },
  {
    name: "a page's digest is not compared",
    file: "src/store/log/table.ts",
    search: "if (ref.digest !== (await seal([text]))[0]) throw",
    replace: "if ((await seal([text])).length === 0) throw",
    test: ["test/store/log/table_test.ts"],
  },
  {
    name: "a checkpoint does not wait for its pages",
    file: "src/store/log/builder.ts",
    search: "if (!await store.create(name, text) && await store.getItem(name) !== text) {",
    replace: `const made = store.create(name, text);
    if (this.#parts.count < 0 && !await made) {`,
    test: ["test/faults/log_faults_test.ts"],
  },
  {
    name: "a number of a checkpoint is left out",
    file: "src/store/log/checkpointer.ts",
    search: "Math.max(base.generation, newest) + 1",
    replace: "Math.max(base.generation, newest) + 2",
    test: ["test/store/log/checkpoints_test.ts"],
  },
  {
    name: "what was written counts, whoever holds the lock by now",
    file: "src/store/log/one_writer.ts",
    search: "await Promise.all([get(key), checkLease({ isSuspect: true })])",
    replace: "await Promise.all([get(key)])",
    test: ["test/adapters/unstorage_test.ts", "a writer whose lease"],
  },
  {
    name: "what a plain driver wrote is not read back",
    file: "src/store/log/one_writer.ts",
    search: "if (found === text) return;",
    replace: "return;",
    test: ["test/faults/plain_processes_test.ts"],
  },
  {
    name: "a frame that was written and is missing ends the log",
    file: "src/store/log/record_journal.ts",
    search: "if (this.#store.wasWritten?.(nameOf(name, place))) {",
    replace: "if (this.#store.wasWritten === undefined) {",
    test: ["test/adapters/unstorage_test.ts", "drops what it holds"],
  },
  {
    name: "a frame is put where one was written",
    file: "src/store/log/one_writer.ts",
    search: "if (found === undefined && wasWritten(key)) return false;",
    replace: "",
    test: ["test/adapters/unstorage_test.ts", "drops what it holds"],
  },
  {
    name: "a lock is not renewed by a clock that was set back",
    file: "src/store/log/one_writer.ts",
    search: "lease.check({ renew: true })",
    replace: "lease.check()",
    test: ["test/store/log/one_writer_test.ts", "is renewed"],
  },
  {
    name: "a maker is at work and given up at the same time",
    file: "src/store/log/checkpointer.ts",
    search: "=> now - at > tuning.makerMs;",
    replace: "=> log.options.now() - at > tuning.makerMs;",
    test: ["test/faults/log_leftovers_test.ts", "to and fro"],
  },
  {
    name: "a lock is not renewed",
    file: "src/store/log/one_writer.ts",
    search: "shared.rest = parts.every(RENEW_MS, () => void inTurn(() => lease.check({ renew: true })).catch(() => {}));",
    replace: "shared.rest = undefined;",
    test: ["test/store/log/one_writer_test.ts"],
  },
  {
    name: "a lock is taken whoever holds it",
    file: "src/store/log/lease.ts",
    search: "if (isFree || steal) {",
    replace: "if (isFree || !steal) {",
    test: ["test/adapters/unstorage_test.ts"],
  },
  {
    name: "the only whole checkpoint is written over",
    file: "src/store/log/slots.ts",
    search: "if (other?.text !== before.text && !await",
    replace: "if (other === before && !await",
    test: ["test/store/log/slots_test.ts"],
  },
  {
    name: "what is torn while it is looked at is lost",
    file: "src/store/log/record_journal.ts",
    search: "if (later > 0 && await this.#isMoving(dead)) return await this.#scan();",
    replace: "",
    test: ["test/store/log/record_journal_test.ts"],
  },
  {
    name: "both checkpoints torn while they are looked at are lost",
    file: "src/store/log/slots.ts",
    search: 'if (!isStateError(error, "STATE_CORRUPT") || !isOther || look === LOOKS) throw error;',
    replace: "throw error;",
    test: ["test/store/log/slots_test.ts"],
  },
  {
    name: "a frame of one's own that is read torn may come to life later",
    file: "src/store/log/one_writer.ts",
    search: "if (isWriter && shared.pending !== undefined && key.startsWith(paths.frames)) await inTurn(settleForReading);",
    replace: "",
    test: ["test/store/log/one_writer_test.ts"],
  },
  {
    name: "a frame is put behind one that came to life just then",
    file: "src/store/log/one_writer.ts",
    search: "if ([before, key].every((name) => name.startsWith(paths.frames))) return false;",
    replace: 'if ([before, key].includes("")) return false;',
    test: ["test/store/log/one_writer_test.ts"],
  },
  {
    name: "the last of several states on a plain driver takes what it knows for all there is",
    file: "src/store/log/one_writer.ts",
    search: "shared.hadCompany ||= shared.users > 0;",
    replace: "",
    test: ["test/adapters/unstorage_test.ts", "sees what another one wrote"],
  },
  {
    name: "denoKv() does not wait for a lock",
    file: "adapters/deno_kv/driver.ts",
    search: "if (!/database is (?:locked|busy)/.test(said)) throw error;",
    replace: "if (said !== undefined) throw error;",
    test: ["test/adapters/deno_kv_test.ts", "/another process has the file locked/"],
  },
  {
    name: "denoKv() claims longer values than Deno KV takes",
    file: "adapters/deno_kv/driver.ts",
    search: "valueBytes: 65_000,",
    replace: "valueBytes: 65_536,",
    test: ["test/adapters/deno_kv_test.ts", "/what is over a limit|at a limit/"],
  },
  {
    name: "indexedDb() waits for ever for others to let it open",
    file: "adapters/indexed_db/database.ts",
    search: "isLate = true;",
    replace: "return;",
    test: ["test/adapters/indexed_db_test.ts"],
  },
  {
    name: "indexedDb() takes a database that the browser threw away for a new one",
    file: "adapters/indexed_db/database.ts",
    search: 'if (event.dataLoss === "total") {',
    replace: 'if (event.dataLoss === "none") {',
    test: ["test/adapters/indexed_db_test.ts"],
  },
  {
    name: "indexedDb() takes a page that IndexedDB is closed to for a failure",
    file: "adapters/indexed_db/database.ts",
    search: 'if (kind === "SecurityError" || kind === "InvalidStateError") {',
    replace: 'if (kind === "SecurityErrors") {',
    test: ["test/adapters/indexed_db_test.ts"],
  },
  {
    name: "an option that is none is ignored",
    file: "src/state/call_options.ts",
    search: "if (!Object.hasOwn(rules[verb], name) || (isInside && Object.hasOwn(commit, name))) throw notAnOption(verb, name, isInside);",
    replace: "if (!Object.hasOwn(rules[verb], name)) continue;",
    test: [conformance, "/^memory › errors/"],
  },
  {
    name: "an option of the commit is ignored inside a transaction",
    file: "src/state/call_options.ts",
    search: "if (!Object.hasOwn(rules[verb], name) || (isInside && Object.hasOwn(commit, name))) throw notAnOption(verb, name, isInside);",
    replace: "if (!Object.hasOwn(rules[verb], name)) throw notAnOption(verb, name, isInside);",
    test: [conformance, "/^memory › errors/"],
  },
  {
    name: "a transaction judges expiry by the clock",
    file: "src/state/snapshot.ts",
    search: "if (!isLive(row, this.#at)) return false;",
    replace: "if (!isLive(row, this.#core.now())) return false;",
    test: [conformance, "/^memory › expiry/"],
  },
  {
    name: "a transaction moves on where what it saw has expired",
    file: "src/state/snapshot.ts",
    search: "if (isChanged || now >= this.#expires) this.fail();",
    replace: "if (isChanged) this.fail();",
    test: [conformance, "/^memory › expiry/"],
  },
  {
    name: "a runner that is cut off is not told",
    file: "src/state/once.ts",
    search: 'if (isOpen && core.now() >= until) lose("the lease ran out, and could not be renewed");',
    replace: "",
    test: [conformance, "/^memory › once/"],
  },
  {
    name: "the error of a read that failed is what stands there",
    file: "src/store/log/one_writer.ts",
    search: "answered(await driver.getItem(key)) ?? undefined",
    replace: "await driver.getItem(key) ?? undefined",
    test: ["test/adapters/unstorage_test.ts", "tells by giving its error"],
  },
  {
    name: "a database of Deno KV that was removed is written to",
    file: "adapters/deno_kv/driver.ts",
    search: "    check();\n",
    replace: "",
    test: ["test/adapters/deno_kv_test.ts", "removed or replaced"],
  },
  {
    name: "once() writes over what was saved while it ran",
    file: "src/state/once.ts",
    search: "if (isLive(run.slot(target.path).row, now)) return new NotOurs();",
    replace: "",
    test: [conformance, "/^memory › once/"],
  },
  {
    name: "close() keeps the leases of once()",
    file: "src/state/once.ts",
    search: "settled: () => own && core.leaving.add(own.leave),",
    replace: "",
    test: [conformance, "/^memory › once/"],
  },
  {
    name: "an update inside itself goes ahead",
    file: "src/state/update.ts",
    search: "if (!isAlone && caller?.isOver === false) throw insideItself(verb, target);",
    replace: "",
    test: ["test/state/update_test.ts"],
  },
  {
    name: "an onCommit that fails later is heard of by nobody",
    file: "src/state/transaction.ts",
    search: "await options.onCommit?.({ commit });",
    replace: "options.onCommit?.({ commit });",
    test: [conformance, "/^memory › transactions › B8 onCommit/"],
  },
  {
    name: "options are read late",
    file: "src/state/call_options.ts",
    search: "return taken as T;",
    replace: "return options;",
    test: [conformance, "options of a call are those"],
  },
  {
    name: "the initial value of an update is read late",
    file: "src/state/update.ts",
    search: "return () => decode(encoded);",
    replace: "return () => decode(encodeValue(initial, core.limits));",
    test: [conformance, "options of a call are those"],
  },
  {
    name: "increment() goes on where numbers are not exact",
    file: "src/state/update.ts",
    search: "if (Number.isInteger(sum) && !Number.isSafeInteger(sum)) {",
    replace: "if (Number.isNaN(sum)) {",
    test: [conformance, "/^memory › update/"],
  },
  {
    name: "a transaction's clear() takes no prefix",
    file: "src/state/transaction.ts",
    search: "return await this.#clear(listingOf(scopeOf(scope, this.#core), asked));",
    replace: "return await this.#clear(listingOf(scopeOf(scope, this.#core), {}));",
    test: [conformance, "/^memory › inside/"],
  },
  {
    name: "an ephemeral entry that has expired is here to stay",
    file: "src/state/ephemeral.ts",
    search: "return this.get(path, now) !== undefined && !this.#leaving.has(path);",
    replace: "void now;\n    return this.#entries.has(path) && !this.#leaving.has(path);",
    test: [conformance, "/^memory › classes/"],
  },
  {
    name: "a folder that was moved is still written to",
    file: "adapters/fs/node_calls.ts",
    search: "const { dev, ino, size } = node.statSync(path);",
    replace: "const { dev, ino, size } = node.fstatSync(fd);",
    test: ["test/adapters/fs_test.ts", "a folder that is moved"],
  },
  {
    name: "a checkpoint that cannot be read hides those before it",
    file: "src/store/log/checkpoints.ts",
    search: 'if (isStateError(error, "STATE_CORRUPT")) return error;',
    replace: "",
    test: ["test/store/log/checkpoints_test.ts", "cannot read"],
  },
  {
    name: "a repair removes what it could not read",
    file: "src/store/repair/log_rebuild.ts",
    search: " && !remains.unread.has(name)",
    replace: "",
    test: ["test/adapters/fs_test.ts", "gets past"],
  },
  {
    name: "a first checkpoint that cannot be read is none",
    file: "src/store/log/slots.ts",
    search: " && !isUnread;",
    replace: ";\n    void isUnread;",
    test: ["test/store/log/slots_test.ts", "never a new log"],
  },
  {
    name: "a frame that cannot be read is in nobody's way",
    file: "src/store/repair/log_remains.ts",
    search: " && !unread.has(nameOf(paths.frames, place))",
    replace: "",
    test: ["test/adapters/fs/network_test.ts", "gets past"],
  },
  {
    name: "a segment that nobody can open is whole",
    file: "src/store/repair/log_remains.ts",
    search: "(lengths.get(name) ?? Infinity) <= MOST_BYTES && (",
    replace: "(",
    test: ["test/adapters/fs_test.ts", "grown too large"],
  },
  {
    name: "what was set aside is not said by its path",
    file: "src/store/log/log.ts",
    search: "driver.placeOf?.(name) ?? name;",
    replace: "(void driver, name);",
    test: ["test/adapters/fs_test.ts", "by the path of its file"],
  },
  {
    name: "what is no file is opened as one",
    file: "adapters/fs/node_calls.ts",
    search: "if (opened.isFile()) return openFile(fd, path, opened);",
    replace: "return openFile(fd, path, opened);",
    test: ["test/adapters/fs/node_calls_test.ts", "what is no file"],
  },
  {
    name: "a folder that was moved and copied back is still written to",
    file: "adapters/fs/node_calls.ts",
    search: "return dev === opened.dev && ino === opened.ino ? size : undefined;",
    replace: "return size;",
    test: ["test/adapters/fs_test.ts", "a copy that stands"],
  },
];

const root = new URL("../../", import.meta.url).pathname;

/** What came of one mutant. Only `killed` is good. */
type Verdict = "killed" | "survived" | "does not parse" | "not found";

/** A copy of the tree that may be broken. */
async function copyTree(): Promise<string> {
  const copy = await Deno.makeTempDir();
  for (const name of ["src", "adapters", "test", "tools", "deno.json", "deno.lock", "mod.ts"]) {
    await copyAll(`${root}${name}`, `${copy}/${name}`);
  }
  return copy;
}

async function succeeds(copy: string, ...args: string[]): Promise<boolean> {
  const signal = AbortSignal.timeout(240_000);
  const options = { args, cwd: copy, stdin: "null", stdout: "null", stderr: "null", signal } as const;
  return (await new Deno.Command(Deno.execPath(), options).output()).success;
}

function passes(copy: string, [path, filter]: Mutant["test"]): Promise<boolean> {
  return succeeds(copy, "test", "-A", "--no-check", "--fail-fast", ...(filter === undefined ? [] : ["--filter", filter]), path);
}

/** Breaks the copy, looks whether the mutant's test notices, and mends it. */
async function judge(copy: string, { file, search, replace, test }: Mutant): Promise<Verdict> {
  const path = `${copy}/${file}`;
  const text = await Deno.readTextFile(path);
  if (text.split(search).length !== 2) return "not found";
  try {
    await Deno.writeTextFile(path, text.replace(search, () => replace));
    // A file that no longer parses fails every test, and no test would have noticed anything.
    if (!await succeeds(copy, "cache", "--no-check", file)) return "does not parse";
    return await passes(copy, test) ? "survived" : "killed";
  } finally {
    await Deno.writeTextFile(path, text);
  }
}

async function copyAll(from: string, to: string): Promise<void> {
  if (!(await Deno.stat(from)).isDirectory) return await Deno.copyFile(from, to);
  await Deno.mkdir(to);
  for await (const { name } of Deno.readDir(from)) await copyAll(`${from}/${name}`, `${to}/${name}`);
}

if (import.meta.main) {
  const chosen = mutants.filter(({ name }) => Deno.args.length === 0 || Deno.args.some((word) => name.includes(word)));
  if (chosen.length === 0) throw new RangeError(`Cannot choose mutants: none is named like ${JSON.stringify(Deno.args)}`);
  const copy = await copyTree();
  let killed = 0;
  try {
    // A test that fails by itself notices everything.
    for (const key of new Set(chosen.map(({ test }) => JSON.stringify(test)))) {
      if (!await passes(copy, JSON.parse(key))) throw new Error(`Cannot judge by ${key}: it fails where nothing is broken`);
    }
    for (const mutant of chosen) {
      const verdict = await judge(copy, mutant);
      if (verdict === "killed") killed++;
      console.log(`${verdict.padEnd(14)}  ${mutant.name}`);
    }
  } finally {
    await Deno.remove(copy, { recursive: true });
  }
  console.log(`${killed} of ${chosen.length} killed`);
  Deno.exit(killed === chosen.length ? 0 : 1);
}
