/**
 * `deno task bench browsers [--quick]`: IndexedDB through this library and through bare idb-keyval, in Chromium and in Firefox, from the
 * packed tarball. Times are shown and never judged.
 *
 * @module
 */
import { browsers } from "../tools/browsers.ts";
import { bundle } from "../tools/bundle.ts";
import { createConsumer } from "../tools/consumer.ts";
import { servePage } from "../tools/pages.ts";
import { median } from "./quantile.ts";
import { rate, showTable } from "./table.ts";

const PATIENCE_MS = 300_000;

/** What the page tells: of each operation the microseconds of each round, for this library, idb-keyval strict, and relaxed. */
interface Measured {
  readonly browser: string;
  readonly measured: Readonly<Record<string, readonly (readonly number[])[]>>;
}

/** Opens the page in a browser, and waits for what it tells. */
async function measureIn(name: string, site: string, rounds: number): Promise<Measured> {
  const { promise, resolve, reject } = Promise.withResolvers<Measured>();
  const server = servePage(site, "page.js", (_, body) => resolve(body as Measured));
  const profile = await Deno.makeTempDir();
  const late = setTimeout(() => reject(new Error(`Nothing was heard of ${name} for ${PATIENCE_MS / 1000} s`)), PATIENCE_MS);
  try {
    await using _browser = await browsers[name]!.open(`${server.url}?rounds=${rounds}`, profile);
    return await promise;
  } finally {
    clearTimeout(late);
    await server.shutdown();
    await Deno.remove(profile, { recursive: true }).catch(() => {});
  }
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
        i === 0 ? rate(1e6 / ours) : "",
        i === 0 ? promises[0]! : "",
        ["idb-keyval, strict", "idb-keyval, relaxed"][i]!,
        rate(1e6 / figure),
        promises[i + 1]!,
        (figure / ours).toFixed(2),
      ]);
    });
    showTable(["operation", "<indexedDb()/s", "promises", "peer", "<peer/s", "promises", "<ratio"], rows);
  }
}
