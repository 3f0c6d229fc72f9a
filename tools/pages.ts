/**
 * Serving a page of one script to a browser, and hearing what it tells.
 *
 * @module
 */

/** A server on loopback. */
export interface PageServer {
  readonly url: string;
  shutdown(): Promise<void>;
}

/** A page that runs a script. */
export function pageOf(script: string): string {
  return `<!doctype html><meta charset="utf-8"><body><script type="module" src="${script}"></script></body>`;
}

/** Serves a page that runs a script of a folder, with the scripts beside it. `hear` gets what the page posts, as JSON, and where to. */
export function servePage(folder: string, script: string, hear: (path: string, body: unknown) => void): PageServer {
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, async (request) => {
    const { pathname } = new URL(request.url);
    if (request.method === "POST") hear(pathname, await request.json());
    if (pathname === "/") return new Response(pageOf(`/${script}`), { headers: { "content-type": "text/html" } });
    const text = /^\/[\w.-]+\.js$/.test(pathname) ? await Deno.readTextFile(folder + pathname) : "";
    return new Response(text, { headers: { "content-type": "text/javascript" } });
  });
  return { url: `http://127.0.0.1:${server.addr.port}/`, shutdown: () => server.shutdown() };
}
