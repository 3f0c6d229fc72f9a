/**
 * What the packed package still lacks: fields of its package.json, and one line in its declarations.
 *
 * @module
 */

/** The part of a package.json that is read here. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly type: string;
  readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly [field: string]: unknown;
}

/**
 * The packed manifest with the fields of ours that packing dropped, and a door to itself: tools ask a package for its version there.
 *
 * Dependencies stay what packing made of them: from exactly the version that is tested up to the next breaking one, so that an
 * application shares one copy with us and gets fixes without waiting for us. That the lower end is the tested version is checked here.
 *
 * @throws {Error} if a dependency does not begin at the version that `imports` (of deno.json) names
 */
export function completeManifest(
  packed: Manifest,
  ours: Readonly<Record<string, unknown>>,
  imports: Readonly<Record<string, string>>,
): Manifest {
  for (const [name, range] of Object.entries(packed.dependencies ?? {})) {
    const tested = imports[name]?.replace(/^npm:.+@/, "");
    if (range !== `^${tested}`) {
      throw new Error(`Cannot ship the dependency ${name} "${range}": tested with ${tested}, so it must be "^${tested}"`);
    }
  }
  return { ...packed, ...ours, exports: { ...packed.exports, "./package.json": "./package.json" } };
}

/**
 * A declaration file that names `Disposable` or `AsyncDisposable`, with the reference that brings their types to programs whose `lib`
 * lacks them; any other as it is. The sources cannot carry it: a JSR package may not change its user's globals.
 */
export function withDisposableTypes(declarations: string): string {
  if (!/\b(Async)?Disposable\b|\bSymbol\.(asyncDispose|dispose)\b/.test(declarations)) return declarations;
  return `/// <reference lib="esnext.disposable" />\n${declarations}`;
}
