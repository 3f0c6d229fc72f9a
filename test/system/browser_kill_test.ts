/**
 * Browsers killed while a page writes to IndexedDB, again and again on one profile: what the page said is there, what is there is
 * whole. `KILLS` sets how often.
 *
 * @module
 */
import assert from "node:assert/strict";
import { browsers } from "../../tools/browsers.ts";
import { bundle } from "../../tools/bundle.ts";
import { createConsumer } from "../../tools/consumer.ts";
import { servePage } from "../../tools/pages.ts";

const kills = Number(Deno.env.get("KILLS") ?? 20);
const PATIENCE_MS = 60_000;

/** What the page found when it opened the database. */
interface Found {
  readonly left: number;
  readonly right: number;
  readonly padding: number;
  readonly count: number;
  readonly last: number;
  readonly browser: string;
}

/** What was heard. */
type Listener = (path: string, body: unknown) => void;

/** The page's script, bundled from the tarball into a folder. */
async function bundlePage(folder: string): Promise<void> {
  await using consumer = await createConsumer();
  assert.ok(await bundle([`${consumer.folder}/runtime/browser/kill.js`], folder, consumer.folder));
}

for (const name of ["chromium", "firefox"]) {
  Deno.test(`${name}, killed at any moment, loses nothing that a page was told to be saved, and leaves nothing torn`, async () => {
    const profile = await Deno.makeTempDir();
    const site = await Deno.makeTempDir();
    await bundlePage(site);
    // One for all kills, as a database belongs to an origin.
    let heard: Listener = () => {};
    const server = servePage(site, "kill.js", (path, body) => heard(path, body));
    const said = { pair: 0, count: 0, last: 0 };
    let acknowledged = 0;
    let browser = "";
    const judge = (found: Found) => {
      browser = found.browser;
      assert.equal(found.right, found.left, "the pair is torn");
      assert.equal(found.padding, found.left > 0 && found.left % 7 === 0 ? 20_000 : 10);
      // Of each kind one may have been saved that nobody heard of any more.
      for (const [what, value] of [["pair", found.left], ["count", found.count], ["last", found.last]] as const) {
        assert.ok(value === said[what] || value === said[what] + 1, `${what} ${said[what]} was acknowledged, and ${value} is stored`);
        said[what] = value;
      }
    };
    try {
      for (let kill = 0; kill <= kills; kill++) {
        const { promise, resolve, reject } = Promise.withResolvers<void>();
        let left = 5 + kill * 7919 % 60;
        heard = (path, body) => {
          try {
            if (path === "/failed") throw new Error(String(body));
            if (path === "/found") judge(body as Found);
            else {
              const { what, n } = body as { readonly what: keyof typeof said; readonly n: number };
              said[what] = Math.max(said[what], n);
              acknowledged++;
              if (--left === 0) resolve();
            }
          } catch (error) {
            reject(error);
          }
        };
        const late = setTimeout(() => reject(new Error(`nothing more was heard of ${name} for ${PATIENCE_MS / 1000} s`)), PATIENCE_MS);
        const running = await browsers[name]!.open(server.url, profile);
        try {
          await promise;
        } finally {
          clearTimeout(late);
          await running.kill();
        }
      }
    } finally {
      await server.shutdown();
      for (const folder of [site, profile]) await Deno.remove(folder, { recursive: true }).catch(() => {});
    }
    console.log(`${browser}: ${kills} kills, ${acknowledged} acknowledged, 0 lost, 0 torn`);
  });
}
