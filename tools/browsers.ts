/**
 * Runs a page in a real browser, headless, and takes down what its tests say: `deno run -A tools/browsers.ts NAME FOLDER REPORT`.
 *
 * The page, and the example of one, are bundled from the installed tarball in FOLDER, served on loopback, and tells the server what came of each test. No
 * driver package is needed: a browser that is given a URL opens it; WebKit is asked by plain WebDriver.
 *
 * `TEST_FILTER` chooses the tests whose names hold it.
 *
 * @module
 */
import { bundle } from "./bundle.ts";
import { type CaseResult, formatJunit } from "./junit.ts";
import { pageOf } from "./pages.ts";

/** A browser on this machine. */
interface Browser {
  /** The program, and the Debian package that has it. */
  readonly program: string;
  readonly package: string;
  /** Opens the URL; whoever calls disposes the browser. `profile` is a folder, empty unless the browser is to go on in it. */
  open(url: string, profile: string): Promise<Running>;
}

/** A browser at work. */
interface Running extends AsyncDisposable {
  /** Ends all its processes by SIGKILL. */
  kill(): Promise<void>;
  /** Calls a method of the DevTools protocol on the tab of this URL. Only Chromium has it. */
  command?(url: string, method: string, params: unknown): Promise<unknown>;
}

/** Without these Chromium asks its makers' servers for this and that. */
const quiet = [
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  // Tests open tabs by themselves.
  "--disable-popup-blocking",
];

/**
 * Tests open tabs by themselves. After it was killed Firefox opens the page that it is given, and none of those that were open. And it
 * makes no picture of it: for that it would load the page once more, in a jar of its own.
 */
const preferences: readonly (readonly [name: string, value: string])[] = [
  ["browser.sessionstore.resume_from_crash", "false"],
  ["browser.startup.page", "0"],
  ["dom.disable_open_during_load", "false"],
  ["dom.popup_maximum", "1000"],
  ["browser.pagethumbnails.capturing_disabled", "true"],
  ["browser.aboutwelcome.enabled", "false"],
  ["browser.shell.checkDefaultBrowser", "false"],
  ["toolkit.startup.max_resumed_crashes", "-1"],
  ["datareporting.policy.dataSubmissionEnabled", "false"],
  ["app.normandy.enabled", "false"],
];

/** The browsers that are tested: each stands for an engine. */
export const browsers: Readonly<Record<string, Browser>> = {
  chromium: {
    program: "chromium",
    package: "chromium",
    open: async (url, profile) => {
      const port = freePort();
      const args = ["--headless=new", "--no-sandbox", ...quiet, `--remote-debugging-port=${port}`, `--user-data-dir=${profile}`, url];
      return { ...await start("chromium", args), command: (url, method, params) => command(port, url, method, params) };
    },
  },
  firefox: {
    program: "firefox-esr",
    package: "firefox-esr",
    open: async (url, profile) => {
      await Deno.writeTextFile(`${profile}/user.js`, preferences.map(([name, value]) => `user_pref("${name}", ${value});\n`).join(""));
      return await start("firefox-esr", ["--headless", "--no-remote", "--profile", profile, url], { HOME: profile });
    },
  },
  webkit: {
    program: "WebKitWebDriver",
    package: "webkit2gtk-driver xvfb",
    open: async (url) => {
      const port = freePort();
      const driver = start("xvfb-run", ["-a", "WebKitWebDriver", `--port=${port}`]);
      const ask = async (path: string, body: unknown): Promise<{ readonly value: { readonly sessionId: string } }> => {
        const response = await fetch(`http://127.0.0.1:${port}${path}`, { method: "POST", body: JSON.stringify(body) });
        if (!response.ok) throw new Error(`WebKitWebDriver answered ${response.status}: ${await response.text()}`);
        return await response.json();
      };
      const { value } = await persistently(() => ask("/session", { capabilities: {} }));
      await ask(`/session/${value.sessionId}/url`, { url });
      return await driver;
    },
  },
};

/** How long a browser may say nothing. */
const PATIENCE_MS = 120_000;

/** Starts a program in a process group of its own. */
function start(program: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Running> {
  const quietly = { stdin: "null", stdout: "null", stderr: "null" } as const;
  const child = new Deno.Command("setsid", { args: [program, ...args], env, ...quietly }).spawn();
  const killGroup = () => new Deno.Command("kill", { args: ["-KILL", "--", `-${child.pid}`], ...quietly }).output();
  return Promise.resolve({
    kill: async () => {
      await killGroup();
      await child.status;
    },
    [Symbol.asyncDispose]: async () => {
      try {
        child.kill("SIGTERM");
      } catch { /* it has ended by itself */ }
      await child.status;
      // xvfb-run ends alone: its display, the driver and the browser would run on.
      await killGroup();
    },
  });
}

/** Calls a method of the DevTools protocol. The connection stays, as what was overridden goes with it; it ends with the browser. */
async function command(port: number, url: string, method: string, params: unknown): Promise<unknown> {
  const tabs: readonly { readonly url: string; readonly webSocketDebuggerUrl: string }[] = await (await fetch(
    `http://127.0.0.1:${port}/json/list`,
  )).json();
  const tab = tabs.find((tab) => tab.url === url);
  if (tab === undefined) throw new Error(`there is no tab of ${url}`);
  const socket = new WebSocket(tab.webSocketDebuggerUrl);
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  socket.onopen = () => socket.send(JSON.stringify({ id: 1, method, params }));
  socket.onerror = () => reject(new Error("the DevTools are gone"));
  socket.onmessage = ({ data }) => {
    const { error, result } = JSON.parse(data);
    if (error !== undefined) reject(new Error(`${method}: ${error.message}`));
    else resolve(result);
  };
  return await promise;
}

function freePort(): number {
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  return port;
}

async function persistently<T>(act: () => Promise<T>): Promise<T> {
  for (let attempt = 1;; attempt++) {
    try {
      return await act();
    } catch (error) {
      if (attempt === 50) throw error;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}

/** What came of a test. */
interface Result extends CaseResult {
  readonly left: number;
  readonly browser: string;
}

/** Serves the page, and the example, until it has told the last of its results. */
async function collect(folder: string, open: (url: string) => Promise<Running>): Promise<readonly Result[]> {
  const results: Result[] = [];
  let before: string | null = null;
  let running: Running | undefined;
  let lastHeard = Date.now();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, async (request) => {
    lastHeard = Date.now();
    const { pathname } = new URL(request.url);
    if (pathname === "/reload") {
      if (request.method === "POST") before = await request.text();
      return Response.json({ before });
    }
    if (pathname === "/devtools") {
      const { method, params } = await request.json();
      return Response.json(await running!.command!(request.headers.get("referer")!, method, params) ?? null);
    }
    // What a person does who clears this site's data.
    if (pathname === "/clear") return new Response("", { headers: { "clear-site-data": '"storage"' } });
    if (pathname === "/result") {
      const result: Result = await request.json();
      results.push(result);
      if (result.failure !== null) console.error(`${result.name}: ${result.failure}`);
      if (result.left === 0) resolve();
      return new Response("");
    }
    const [, script] = /^\/((?:example\/)?[\w.-]+\.js)$/.exec(pathname) ?? [];
    if (script !== undefined) {
      return new Response(await Deno.readTextFile(`${folder}/${script}`), {
        // A page without an origin loads them, too.
        headers: { "content-type": "text/javascript", "access-control-allow-origin": "*" },
      });
    }
    const page = pathname === "/"
      ? pageOf("/page.js")
      : pathname === "/tab"
      ? pageOf("/worker.js")
      : pathname === "/closed"
      ? pageOf("/closed.js")
      : pathname === "/example/"
      ? await Deno.readTextFile(`${folder}/example/index.html`)
      : undefined;
    return new Response(page ?? "", { status: page === undefined ? 404 : 200, headers: { "content-type": "text/html" } });
  });
  const watchdog = setInterval(() => {
    if (Date.now() - lastHeard > PATIENCE_MS) {
      reject(new Error(`nothing was heard for ${PATIENCE_MS / 1000} s, after ${results.length} tests`));
    }
  }, 1000);
  const { port } = server.addr;
  try {
    const filter = Deno.env.get("TEST_FILTER") ?? "";
    await using browser = await open(`http://127.0.0.1:${port}/${filter === "" ? "" : `?${new URLSearchParams({ filter })}`}`);
    running = browser;
    await promise;
  } catch (error) {
    console.error(error);
    results.push({ name: "the page runs to its end", failure: String(error), left: 0, browser: "" });
  } finally {
    clearInterval(watchdog);
    await server.shutdown();
  }
  return results;
}

async function main([name = "", consumer = "", report = ""]: readonly string[]): Promise<boolean> {
  const browser = browsers[name];
  if (browser === undefined) throw new TypeError(`Cannot run "${name}": there are ${Object.keys(browsers).join(", ")}`);
  const found = await new Deno.Command("sh", { args: ["-c", `command -v ${browser.program}`] }).output();
  if (!found.success) {
    console.error(`Cannot test ${name}: ${browser.program} is not installed; apt-get install -y ${browser.package}`);
    return false;
  }
  const folder = await Deno.makeTempDir();
  try {
    const entries = ["page.js", "worker.js", "closed.js"].map((file) => `${consumer}/runtime/browser/${file}`);
    if (!await bundle(entries, `${folder}/site`, consumer)) return false;
    if (!await bundle([`${consumer}/examples/browser/draft.js`], `${folder}/site/example`, consumer)) return false;
    await Deno.copyFile(`${consumer}/examples/browser/index.html`, `${folder}/site/example/index.html`);
    const profile = `${folder}/profile`;
    await Deno.mkdir(profile);
    const results = await collect(`${folder}/site`, (url) => browser.open(url, profile));
    await Deno.writeTextFile(report, formatJunit(results));
    console.log(`${name}: ${results.length} tests in ${results.at(-1)?.browser}`);
    return results.every(({ failure }) => failure === null);
  } finally {
    await Deno.remove(folder, { recursive: true }).catch(() => {});
  }
}

if (import.meta.main) Deno.exit(await main(Deno.args) ? 0 : 1);
