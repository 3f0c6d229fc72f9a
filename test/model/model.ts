/**
 * What the state should be, said as plainly as can be: maps, no log, no driver. The measure for the property tests.
 *
 * @module
 */

/** A stored entry, or one that only one open state has. */
export interface ModelEntry {
  readonly value: unknown;
  readonly revision: number;
  /** 0: never. */
  readonly expiresAt: number;
  readonly class: string;
}

/** What a call is expected to come to. */
export type Expected = { readonly result: unknown } | { readonly error: string };

/** What is stored: shared by all who have it open. Paths are `scope\tkey`. */
export class StoredModel {
  now: number = Date.UTC(2030, 0, 1);
  /** Also what has expired and was not removed yet. */
  readonly rows: Map<string, ModelEntry> = new Map();
  /** The last revision that each path had, through deletes. */
  readonly revisions: Map<string, number> = new Map();
  readonly operations: Map<string, { readonly request: string; readonly answer: unknown }> = new Map();

  isLive(entry: ModelEntry | undefined): entry is ModelEntry {
    return entry !== undefined && (entry.expiresAt === 0 || entry.expiresAt > this.now);
  }

  put(path: string, entry: ModelEntry): void {
    this.rows.set(path, entry);
    this.revisions.set(path, entry.revision);
  }

  remove(path: string): void {
    if (this.rows.delete(path)) this.revisions.set(path, this.revisions.get(path)! + 1);
  }

  /** What housekeeping does. */
  removeExpired(): void {
    for (const [path, entry] of [...this.rows]) if (!this.isLive(entry)) this.remove(path);
  }
}

/** What one open state sees. */
export class OpenModel {
  readonly stored: StoredModel;
  readonly ephemeral: Map<string, ModelEntry> = new Map();
  readonly pending: Map<string, ModelEntry> = new Map();
  /** The last revision of ephemeral entries, through deletes. */
  readonly #lastLocal: Map<string, number> = new Map();

  constructor(stored: StoredModel) {
    this.stored = stored;
  }

  /** What a reader gets under a path. */
  visible(path: string): ModelEntry | undefined {
    const local = this.ephemeral.get(path);
    if (this.stored.isLive(local)) return local;
    const seen = this.pending.get(path) ?? this.stored.rows.get(path);
    return this.stored.isLive(seen) ? seen : undefined;
  }

  /** All that a reader sees, by path. */
  all(): Map<string, ModelEntry> {
    const paths = new Set([...this.stored.rows.keys(), ...this.ephemeral.keys(), ...this.pending.keys()]);
    return new Map([...paths].flatMap((path) => {
      const entry = this.visible(path);
      return entry === undefined ? [] : [[path, entry] as const];
    }));
  }

  /** Keys that the state has under a scope, in code-point order. */
  keys(scope: string): string[] {
    return [...this.all().keys()].filter((path) => path.startsWith(`${scope}\t`)).map((path) => path.slice(scope.length + 1)).sort(
      byCodePoint,
    );
  }

  /** What was written behind becomes durable, as it does before any other commit. */
  flush(): void {
    for (const [path, entry] of this.pending) {
      this.stored.put(path, { ...entry, revision: Math.max(entry.revision, (this.stored.revisions.get(path) ?? 0) + 1) });
    }
    this.pending.clear();
  }

  /** The number from which the next write of a path counts. */
  lastRevision(path: string): number {
    return Math.max(this.stored.revisions.get(path) ?? 0, this.#lastLocal.get(path) ?? 0, this.pending.get(path)?.revision ?? 0);
  }

  save(path: string, value: unknown, kind: Pick<ModelEntry, "expiresAt" | "class">): ModelEntry {
    const revision = this.lastRevision(path) + 1;
    const entry = { value, revision, expiresAt: kind.expiresAt, class: kind.class };
    if (kind.class === "ephemeral") {
      // A stored entry is deleted first; how much that adds to the revision is not promised.
      this.stored.remove(path);
      this.setEphemeral(path, entry);
    } else {
      this.ephemeral.delete(path);
      this.stored.put(path, entry);
    }
    return entry;
  }

  setEphemeral(path: string, entry: ModelEntry): void {
    this.ephemeral.set(path, entry);
    this.#lastLocal.set(path, entry.revision);
  }

  savePending(path: string, entry: ModelEntry): void {
    this.ephemeral.delete(path);
    this.pending.set(path, entry);
  }

  delete(path: string): boolean {
    const wasThere = this.visible(path) !== undefined;
    this.ephemeral.delete(path);
    this.stored.remove(path);
    return wasThere;
  }
}

/** The order of names: by code point, not by UTF-16 unit. */
export function byCodePoint(a: string, b: string): number {
  const [x, y] = [Array.from(a, (c) => c.codePointAt(0)!), Array.from(b, (c) => c.codePointAt(0)!)];
  for (let i = 0; i < Math.min(x.length, y.length); i++) if (x[i] !== y[i]) return x[i]! - y[i]!;
  return x.length - y.length;
}
