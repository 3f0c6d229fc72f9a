/**
 * Browsers killed while a page writes to IndexedDB, again and again on one profile: what the page said is there, what is there is
 * whole. Where Chromium throws its own damaged database away, the page is told so. `KILLS` sets how often.
 *
 * @module
 */
import assert from "node:assert/strict";
import { browsers } from "../../tools/browsers.ts";
import { bundle } from "../../tools/bundle.ts";
import { createConsumer } from "../../tools/consumer.ts";
import { type PageServer, servePage } from "../../tools/pages.ts";

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

/** A browser that is killed again and again, with the profile that it goes on in. */
class Victim implements AsyncDisposable {
  acknowledged = 0;
  /** What the browser said of each database that it threw away. */
  readonly lost: string[] = [];
  browser = "";
  #said = { pair: 0, count: 0, last: 0 };
  #heard: (path: string, body: unknown) => void = () => {};

  private constructor(readonly name: string, readonly profile: string, readonly site: string, readonly server: PageServer) {}

  static async create(name: string): Promise<Victim> {
    const profile = await Deno.makeTempDir();
    const site = await Deno.makeTempDir();
    await using consumer = await createConsumer();
    assert.ok(await bundle([`${consumer.folder}/runtime/browser/kill.js`], site, consumer.folder));
    // One for all kills, as a database belongs to an origin.
    const victim: Victim = new Victim(name, profile, site, servePage(site, "kill.js", (path, body) => victim.#heard(path, body)));
    return victim;
  }

  /** Opens the page, and kills the browser when it has told of so many commits. */
  async killAfter(commits: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    let left = commits;
    this.#heard = (path, body) => {
      try {
        if (path === "/failed") throw new Error(String(body));
        if (path === "/lost") this.#lose(String(body));
        else if (path === "/found") this.#judge(body as Found);
        else {
          const { what, n } = body as { readonly what: "pair" | "count" | "last"; readonly n: number };
          this.#said[what] = Math.max(this.#said[what], n);
          this.acknowledged++;
          if (--left === 0) resolve();
        }
      } catch (error) {
        reject(error);
      }
    };
    const late = setTimeout(() => reject(new Error(`nothing more was heard of ${this.name} for ${PATIENCE_MS / 1000} s`)), PATIENCE_MS);
    const running = await browsers[this.name]!.open(this.server.url, this.profile);
    try {
      await promise;
    } finally {
      clearTimeout(late);
      await running.kill();
    }
  }

  /** Begins anew: nothing of what was acknowledged is expected any more. */
  #lose(why: string): void {
    this.lost.push(why);
    this.#said = { pair: 0, count: 0, last: 0 };
  }

  #judge(found: Found): void {
    this.browser = found.browser;
    assert.equal(found.right, found.left, "the pair is torn");
    assert.equal(found.padding, found.left > 0 && found.left % 7 === 0 ? 20_000 : 10);
    // Of each kind one may have been saved that nobody heard of any more.
    for (const [what, value] of [["pair", found.left], ["count", found.count], ["last", found.last]] as const) {
      assert.ok(
        value === this.#said[what] || value === this.#said[what] + 1,
        `${what}: of ${JSON.stringify(this.#said)}, which was acknowledged, there is ${JSON.stringify(found)}`,
      );
      this.#said[what] = value;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.shutdown();
    for (const folder of [this.site, this.profile]) await Deno.remove(folder, { recursive: true }).catch(() => {});
  }
}

for (const name of ["chromium", "firefox"]) {
  Deno.test(`${name}, killed at any moment, loses nothing that a page was told to be saved, and leaves nothing torn`, async () => {
    await using victim = await Victim.create(name);
    for (let kill = 0; kill <= kills; kill++) await victim.killAfter(5 + kill * 7919 % 60);
    for (const why of victim.lost) console.log(`${name} threw a database away, and said so: ${why}`);
    assert.ok(name === "chromium" || victim.lost.length === 0);
    console.log(
      `${victim.browser}: ${kills} kills, ${victim.acknowledged} acknowledged, 0 lost unsaid, ${victim.lost.length} thrown away, 0 torn`,
    );
  });
}

Deno.test("chromium, whose own log a kill has torn, throws the database away, and whoever opens it is told so once", async () => {
  await using victim = await Victim.create("chromium");
  await victim.killAfter(20);
  await tearLevelDb(`${victim.profile}/Default/IndexedDB`);
  // It goes on behind the torn record, which is in the way when the log is read again.
  await victim.killAfter(20);
  assert.deepEqual(victim.lost, []);
  await victim.killAfter(20);
  assert.equal(victim.lost.length, 1);
  assert.match(victim.lost[0]!, /found the database "killed" damaged.*checksum mismatch/);
  await victim.killAfter(20);
  assert.equal(victim.lost.length, 1);
});

/** Puts half a record at the end of LevelDB's log, as a process leaves it that dies between two of its writes. */
async function tearLevelDb(databases: string): Promise<void> {
  const [origin] = await Array.fromAsync(Deno.readDir(databases));
  const files = await Array.fromAsync(Deno.readDir(`${databases}/${origin!.name}`));
  const log = `${databases}/${origin!.name}/${files.map(({ name }) => name).filter((name) => name.endsWith(".log")).sort().at(-1)}`;
  // A header: four bytes of a checksum, 1,024 bytes in length, a whole record. Blocks of 32 KiB do not begin within one.
  const { size } = await Deno.stat(log);
  const rest = 32_768 - size % 32_768;
  await Deno.writeFile(log, Uint8Array.from([...new Array(rest < 7 ? rest : 0).fill(0), 1, 2, 3, 4, 0, 4, 1]), { append: true });
}
