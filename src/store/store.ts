/**
 * One namespace on one driver: verified entries of one moment, pages of them, and atomic changes. Nothing above this knows a
 * driver.
 *
 * @module
 */
import { createDigester, type DigestCrypto, toBase64url, toHex } from "../digest.ts";
import { StateError } from "../errors.ts";
import type { ObjectRef } from "./change.ts";
import { type BoundedCache, createTextCache } from "./cache.ts";
import { Committer } from "./committer.ts";
import type { Driver, DriverSupports } from "./driver.ts";
import type { Head } from "./head.ts";
import { loadPage, type Page, type PageOptions } from "./page.ts";
import { draftObject, loadObject, type ObjectDraft } from "./objects.ts";
import { openNamespace } from "./opening.ts";
import type { Operation, WideOperation } from "./operation.ts";
import { createPaths, type Paths } from "./paths.ts";
import { openPort } from "./open_port.ts";
import { type LockOptions, type Port, reasonOf } from "./port.ts";
import { createSeal } from "./seal.ts";
import type { Reading, ReadingOptions, View } from "./view.ts";
import type { Steps } from "./steps.ts";

/** How a namespace is opened. */
export interface OpenStoreOptions {
  readonly driver: Driver;
  readonly namespace: string;
  readonly readOnly: boolean;
  readonly lock: LockOptions;
  readonly crypto: DigestCrypto | undefined;
  readonly now: () => number;
  readonly random: (bytes: number) => Uint8Array;
  readonly cacheBytes: number;
  readonly onWarning: (warning: { readonly code: string; readonly message: string; readonly commit?: number }) => void;
}

/** One open namespace. */
export interface Store {
  readonly supports: DriverSupports;
  /** Random; part of every transaction id. */
  readonly writer: string;
  /** Pieces of an interrupted commit that opening brought in, and commits that it completed. */
  readonly replayed: number;
  /** What opening found damaged or torn, and went on without. */
  readonly setAside: readonly string[];
  /** Who makes a batch atomic: the driver, or a log on it. */
  readonly atomicCommit: "native" | "log";
  readonly view: View;
  /** Texts of objects that were read or written lately. */
  readonly texts: BoundedCache<string>;
  /** Entries by path, all as of one head. */
  read(paths: readonly string[], options?: ReadingOptions): Promise<Reading>;
  /** Entries of a range in order of their paths, all as of one commit. */
  page(options: PageOptions): Promise<Page>;
  /** The bytes of an object; `undefined` where it is gone. */
  object(ref: ObjectRef): Promise<Uint8Array | undefined>;
  /** Bytes made ready to be written with the change that names them. */
  draftObject(bytes: Uint8Array): Promise<ObjectDraft>;
  random(bytes: number): Uint8Array;
  /** Sixteen random bytes, as text. */
  salt(): string;
  /** SHA-256 of a text, as text. */
  fingerprint(text: string): Promise<string>;
  commit<R>(operation: Operation<R> | WideOperation<R>): Promise<R>;
  /** Resolves once all that was handed in so far is settled. */
  drain(): Promise<void>;
  /** Lets what is at work end; from then on every call is STATE_CLOSED, so that nothing wakes the driver again. */
  close(): Promise<void>;
  /** Removes entries that have expired, a bounded number. */
  expire(): Promise<void>;
}

/** Random bytes fetched at a time. */
const RANDOM_BYTES = 512;

/** Opens a namespace: makes it if it is missing, completes what was interrupted. */
export async function openStore(options: OpenStoreOptions): Promise<Store> {
  const opening: { port?: Port } = {};
  try {
    return await openOn(options, opening);
  } catch (error) {
    // It is the failure that is to be told.
    await opening.port?.abandon?.().catch(() => {});
    throw error;
  }
}

async function openOn(options: OpenStoreOptions, opening: { port?: Port }): Promise<Store> {
  const paths = createPaths(options.namespace);
  const digester = createDigester(options.crypto);
  const seal = createSeal(digester);
  const random = pooled(options.random);
  // On a log the values that were read stand in pages, which are a cache of their own.
  const port = await openPort({ ...options, root: paths.root, seal, random, cacheBytes: options.cacheBytes / 2 });
  opening.port = port;
  const parts = { port, paths, seal, digester };
  const writer = toBase64url(random(9));
  const steps = lazySteps(parts);
  const { view, replayed: completed } = await openNamespace({
    ...options,
    ...parts,
    cacheBytes: options.cacheBytes / 2,
    random,
    overlay: steps.overlay,
  });
  const applied = options.readOnly ? 0 : await steps.complete(view) + await steps.apply(view);
  const applySteps = async () => {
    if (view.head.applied < view.head.commit) await steps.apply(view);
  };
  let isClosed = false;
  const open = () => {
    if (isClosed) throw new StateError("STATE_CLOSED", "Cannot use the state: it was closed", { details: {} });
  };
  let transactions = 0;
  const txid = () => `${writer}.${(++transactions).toString(36)}`;
  const salt = () => toBase64url(random(16));
  const committer: Committer = new Committer({
    port,
    paths,
    seal,
    view,
    now: options.now,
    random,
    txid,
    applySteps,
    commitWide: async (operation, { land, pause }) => {
      const { commitWide } = await import("./wide.ts");
      const page = (wanted: PageOptions) => loadPage({ ...wanted, exact: true }, view, parts, steps.overlayRange);
      const committing = { land, applySteps, pause: (attempt: number) => pause.call(committer, attempt) };
      return await commitWide(operation, committing, { ...parts, view, now: options.now, random, txid, page });
    },
    maintain: createMaintenance(view, parts, options, (operation) => committer.submit(operation), salt),
  });
  return {
    supports: port.supports,
    writer,
    replayed: completed + applied + (port.replayed ?? 0),
    setAside: port.setAside ?? [],
    atomicCommit: options.driver.supports?.commit ? "native" : "log",
    view,
    texts: createTextCache(options.cacheBytes / 2),
    read: async (wanted, how) => {
      open();
      return await view.read(wanted, how);
    },
    page: async (wanted) => {
      open();
      return await loadPage(wanted, view, parts, steps.overlayRange);
    },
    object: async (ref) => {
      open();
      return await loadObject(ref, port, paths, digester);
    },
    draftObject: (bytes) => draftObject(bytes, toHex(random(8)), port, digester),
    random,
    salt,
    fingerprint: async (text) => (await seal([text]))[0]!,
    commit: async (operation) => {
      open();
      if (options.readOnly) throw new StateError("STATE_READ_ONLY", "Cannot write: the state was opened with readOnly", { details: {} });
      return await committer.submit(operation);
    },
    drain: () => committer.drain(),
    close: async () => {
      await committer.drain().catch(() => {/* Whoever handed it in is told. */});
      isClosed = true;
      await committer.idle();
      await port.close?.();
    },
    expire: async () => {
      // What was just committed in pieces is in the expiry index only once it was brought in.
      await committer.drain();
      try {
        const { expireDue } = await import("./maintain.ts");
        const operation = await expireDue(options.now(), parts, salt);
        if (operation !== undefined) await committer.submit(operation);
      } catch (error) {
        // Nothing is lost by it: what has expired is absent either way.
        options.onWarning({ code: "maintenance", message: `Housekeeping was put off: ${reasonOf(error)}`, commit: view.head.commit });
      }
    },
  };
}

/** Steps load their code when a commit needs them. */
function lazySteps(parts: { port: Port; paths: Paths } & ConstructorParameters<typeof Steps>[0]): {
  overlay: Steps["overlay"];
  overlayRange: Steps["overlayRange"];
  apply: (view: View) => Promise<number>;
  complete: (view: View) => Promise<number>;
} {
  let steps: Promise<Steps> | undefined;
  const open = () => steps ??= import("./steps.ts").then((module) => new module.Steps(parts));
  return {
    overlay: async (head, path) => await (await open()).overlay(head, path),
    overlayRange: async (head, range) => await (await open()).overlayRange(head, range),
    apply: async (view) => view.head.applied < view.head.commit ? await (await open()).apply(view) : 0,
    complete: async (view) => {
      const { stepped, commit } = view.head;
      return !parts.port.isWhole && commit > 0 && stepped === commit ? await (await open()).complete(view) : 0;
    },
  };
}

/** What is done between two records: cutting the log when it is long enough, and then also what has expired. */
function createMaintenance(
  view: View,
  parts: { port: Port; paths: Paths } & ConstructorParameters<typeof Steps>[0],
  options: OpenStoreOptions,
  submit: (operation: Operation<unknown>) => Promise<unknown>,
  salt: () => string,
): () => Promise<void> {
  /** `commit − horizon` from which the log may be long enough; asked for exactly where the code is loaded. */
  const isDue = (head: Head) => head.commit - head.horizon > 1280;
  return async () => {
    if (!isDue(view.head)) return;
    try {
      const { isTrimDue, trim, sweepStages, expireDue } = await import("./maintain.ts");
      if (!isTrimDue(view.head)) return;
      await trim(view, parts);
      await sweepStages(options.now(), parts);
      const operation = await expireDue(options.now(), parts, salt);
      if (operation !== undefined) submit(operation).catch(() => {});
    } catch (error) {
      options.onWarning({ code: "maintenance", message: `Housekeeping was put off: ${reasonOf(error)}`, commit: view.head.commit });
    }
  };
}

/** Asking for random bytes is slow; many small wishes share one call. */
function pooled(random: (bytes: number) => Uint8Array): (bytes: number) => Uint8Array {
  let pool: Uint8Array = new Uint8Array(0);
  let at = 0;
  return (bytes) => {
    if (at + bytes > pool.length) {
      pool = random(Math.max(RANDOM_BYTES, bytes));
      at = 0;
    }
    return pool.subarray(at, at += bytes);
  };
}
