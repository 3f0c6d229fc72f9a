/// <reference lib="deno.unstable" />
/**
 * The house rules that a machine can keep: which file may import which, and what the core may name.
 *
 * `deno lint` loads this plugin (deno.json). A rule sees one file at a time; what only the whole graph shows is in
 * `cycles.ts`.
 *
 * @module
 */

/** Lowest first. A file imports its own layer or a lower one; of two entries that match, the longer one counts. */
const layers: readonly (readonly string[])[] = [
  ["src/errors.ts", "src/limits.ts", "src/scope.ts", "src/shown.ts", "src/options.ts"],
  ["src/keys/", "src/codec/", "src/digest.ts", "src/compress.ts", "src/deflate.ts"],
  ["src/store/"],
  ["src/state/"],
  ["src/history/", "src/schema/", "src/migration/", "src/backup/", "src/hooks/", "src/access/", "src/redaction/", "src/agents/"],
  ["src/engine.ts", "src/open.ts"],
  ["adapters/", "test/conformance/"],
  ["mod.ts"],
];

/** The packages that the core stands on, each with the only places that may know it. */
const packageOwners: Readonly<Record<string, readonly string[]>> = {
  "@noble/hashes": ["src/digest.ts"],
  fflate: ["src/deflate.ts"],
  "idb-keyval": ["adapters/indexed_db/"],
  semver: ["src/schema/"],
  valibot: ["src/schema/"],
};

/** What only some runtimes have, or have under these names. */
const runtimeGlobals: ReadonlySet<string> = new Set([
  "Deno",
  "Bun",
  "NodeJS",
  "process",
  "Buffer",
  "window",
  "global",
  "require",
  "__dirname",
  "__filename",
  "setImmediate",
  "clearImmediate",
]);

const self = "@llmspell/state-persistence";
const root = new URL("../", import.meta.url).pathname;

/** The path inside the project, with forward slashes: `src/keys/segment.ts`. */
function projectPath(filename: string): string {
  const path = filename.replaceAll("\\", "/").replace(/^([A-Za-z]:)/, "/$1");
  return path.startsWith(root) ? path.slice(root.length) : path;
}

function isIn(path: string, places: readonly string[]): boolean {
  return places.some((place) => place.endsWith("/") ? path.startsWith(place) : path === place);
}

function layerOf(path: string): number {
  return layers.findIndex((places) => isIn(path, places));
}

/** Files whose imports and names are bound: what is shipped. */
function isShipped(path: string): boolean {
  return path === "mod.ts" || isIn(path, ["src/", "adapters/", "test/conformance/"]);
}

/** Files that run on every runtime, browsers included. */
function isPortable(path: string): boolean {
  return isShipped(path) && !isIn(path, ["adapters/"]);
}

/** `./a.ts` as seen from `src/b.ts`: `src/a.ts`. Undefined for what is no relative path. */
function resolveRelative(specifier: string, from: string): string | undefined {
  if (!/^\.{0,2}\//.test(specifier)) return undefined;
  return new URL(specifier, `file:///${from}`).pathname.slice(1);
}

/** `@noble/hashes/sha2.js` → `@noble/hashes`. */
function packageName(specifier: string): string {
  return specifier.split("/").slice(0, specifier.startsWith("@") ? 2 : 1).join("/");
}

/** Calls `visit` for everything that a file imports or re-exports, types and `import()` included. */
function onImports(
  visit: (specifier: string, node: Deno.lint.Node) => void,
  unknown?: (node: Deno.lint.Node) => void,
): Deno.lint.LintVisitor {
  const literal = (source: unknown, node: Deno.lint.Node): void => {
    const { type, value } = (source ?? {}) as { readonly type?: string; readonly value?: unknown };
    if (type === "Literal" && typeof value === "string") visit(value, node);
    else if (source) unknown?.(node);
  };
  return {
    ImportDeclaration: (node) => literal(node.source, node),
    ExportNamedDeclaration: (node) => literal(node.source, node),
    ExportAllDeclaration: (node) => literal(node.source, node),
    ImportExpression: (node) => literal(node.source, node),
    TSImportType: (node) => literal(node.argument.type === "TSLiteralType" ? node.argument.literal : node.argument, node),
    TSExternalModuleReference: (node) => literal(node.expression, node),
  };
}

/** A shipped file imports its own layer or a lower one, types included, and nothing that is not shipped. */
const layersRule: Deno.lint.Rule = {
  create(context) {
    const path = projectPath(context.filename);
    if (!isShipped(path)) return {};
    const own = layerOf(path);
    if (own < 0) {
      return {
        Program: (node) => context.report({ node, message: `${path} is in no layer: give its folder a place in tools/lint_plugin.ts` }),
      };
    }
    return onImports((specifier, node) => {
      const target = resolveRelative(specifier, path);
      if (target === undefined) return;
      const layer = layerOf(target);
      if (layer < 0) context.report({ node, message: `${path} imports ${target}, which is in no layer` });
      else if (layer > own) context.report({ node, message: `${path} imports ${target}, which is in a higher layer` });
    }, (node) => context.report({ node, message: `${path} imports what only running it would tell: write the path as a literal` }));
  },
};

/** Nothing imports mod.ts but tests of it; outside the shipped files the package goes by its name. */
const frontDoorRule: Deno.lint.Rule = {
  create(context) {
    const path = projectPath(context.filename);
    if (path.startsWith("test/") && !isShipped(path)) return {};
    return onImports((specifier, node) => {
      if (resolveRelative(specifier, path) === "mod.ts") {
        context.report({ node, message: `${path} imports mod.ts: import the file that owns the name, or "${self}" from outside` });
      }
      if (isShipped(path) && packageName(specifier) === self) {
        context.report({ node, message: `${path} imports the package that it is part of: import the file that owns the name` });
      }
    });
  },
};

/** The core names no runtime: no global of Deno, Node or Bun, and no module that only they have. */
const portableRule: Deno.lint.Rule = {
  create(context) {
    const path = projectPath(context.filename);
    if (!isPortable(path)) return {};
    const report = (node: Deno.lint.Node, name: string): void =>
      context.report({ node, message: `${path} names ${name}: the core uses the web platform only, runtimes are named in adapters/` });
    return {
      ...onImports((specifier, node) => {
        if (/^[a-z][a-z0-9+.-]*:/i.test(specifier)) report(node, `"${specifier}"`);
      }),
      Identifier(node) {
        if (runtimeGlobals.has(node.name) && !isPropertyName(node)) report(node, node.name);
      },
      MemberExpression(node) {
        if (node.object.type !== "Identifier" || !["globalThis", "self"].includes(node.object.name)) return;
        const { property } = node;
        const name = property.type === "Literal"
          ? property.value
          : property.type === "Identifier" && !node.computed
          ? property.name
          : undefined;
        if (typeof name === "string" && runtimeGlobals.has(name)) report(node, `${node.object.name}.${name}`);
      },
    };
  },
};

/** Whether an identifier is only the name of a member (`job.process`, `{ global: 1 }`, `readonly module: string`), so that no global is meant. */
function isPropertyName(node: Deno.lint.Identifier): boolean {
  const parent = node.parent as unknown as { readonly type: string; readonly [field: string]: unknown };
  if (parent.computed === true) return false;
  switch (parent.type) {
    case "MemberExpression":
      return parent.property === node;
    case "TSQualifiedName":
      return parent.right === node;
    case "Property":
    case "MethodDefinition":
    case "PropertyDefinition":
    case "TSPropertySignature":
    case "TSMethodSignature":
    case "TSAbstractMethodDefinition":
    case "TSAbstractPropertyDefinition":
      return parent.key === node;
    default:
      return false;
  }
}

/** Each package has its owners; the core stands on no other. */
const packagesRule: Deno.lint.Rule = {
  create(context) {
    const path = projectPath(context.filename);
    if (!isPortable(path)) return {};
    return onImports((specifier, node) => {
      if (/^(\.{0,2}\/|[a-z][a-z0-9+.-]*:)/i.test(specifier)) return;
      const name = packageName(specifier);
      const owners = packageOwners[name];
      if (name !== self && !(owners && isIn(path, owners))) {
        context.report({
          node,
          message: owners
            ? `${path} imports ${name}, which only ${owners.join(" and ")} may`
            : `${path} imports ${name}: the core stands on no such package`,
        });
      }
    });
  },
};

/** `deno lint`'s view of this file. */
const plugin: Deno.lint.Plugin = {
  name: "house",
  rules: { layers: layersRule, "front-door": frontDoorRule, portable: portableRule, packages: packagesRule },
};

export default plugin;
