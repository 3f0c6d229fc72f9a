/**
 * `deno task bench browsers [--quick]`: IndexedDB through this library and through bare idb-keyval, in Chromium and in Firefox, from the
 * packed tarball. Times are shown and never judged.
 *
 * @module
 */
import { browsers } from "../tools/browsers.ts";
import { bundle } from "../tools/bundle.ts";
import { createConsumer } from "../tools/consumer.ts";
import { showTable } from "./table.ts";

const PATIENCE_MS = 300_000;

/** What the page tells: of each operation the microseconds of each round, for this library, idb-keyval strict, and relaxed. */
interface Measured {
  readonly browser: string;
  readonly measured: Readonly<Record<string, readonly (readonly number[])[]>>;
}

/** Opens the page in a browser, and waits for what it tells. */
async function measureIn(name: string, site: string, rounds: number): Promise<Measured> {
  const { promise, resolve, reject } = Promise.withResolvers<Measured>();
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, async (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/measured") resolve(await request.json());
    const isPage = pathname === "/";
    const body = isPage
      ? '<!doctype html><meta charset="utf-8"><script type="module" src="/page.js"></script>'
      : await Deno.readTextFile(`${site}${pathname}`).catch(() => "");
    return new Response(body, { headers: { "content-type": isPage ? "text/html" : "text/javascript" } });
  });
  const profile = await Deno.makeTempDir();
  const late = setTimeout(() => reject(new Error(`Nothing was heard of ${name} for ${PATIENCE_MS / 1000} s`)), PATIENCE_MS);
  try {
    await using _browser = await browsers[name]!.open(`http://127.0.0.1:${server.addr.port}/?rounds=${rounds}`, profile);
    return await promise;
  } finally {
    clearTimeout(late);
    await server.shutdown();
    await Deno.remove(profile, { recursive: true }).catch(() => {});
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

function rate(microseconds: number): string {
  return Number((1e6 / microseconds).toPrecision(3)).toLocaleString("en-US");
}

/** Measures and shows it. */
export async function showBrowsers(isQuick: boolean): Promise<void> {
  await using consumer = await createConsumer();
  const folder = `${consumer.folder}/rates`;
  await Deno.mkdir(folder);
  await Deno.copyFile(new URL("browsers/page.js", import.meta.url), `${folder}/page.js`);
  const site = `${folder}/site`;
  if (!await bundle([`${folder}/page.js`], site, consumer.folder)) throw new Error("Cannot bundle the page");
  const promises = ["atomic, strict, chained; newest, verified", "strict", "relaxed: a crash of the system may take it"];
  for (const name of ["chromium", "firefox"]) {
    const { browser, measured } = await measureIn(name, site, isQuick ? 3 : 15);
    console.log(browser);
    const rows = Object.entries(measured).flatMap(([what, figures]) => {
      const [ours = 0, ...bare] = figures.map(median);
      return bare.map((figure, i) => [
        i === 0 ? what : "",
        i === 0 ? rate(ours) : "",
        i === 0 ? promises[0]! : "",
        ["idb-keyval, strict", "idb-keyval, relaxed"][i]!,
        rate(figure),
        promises[i + 1]!,
        (figure / ours).toFixed(2),
      ]);
    });
    showTable(["operation", "<indexedDb()/s", "promises", "peer", "<peer/s", "promises", "<ratio"], rows);
  }
}
