/** What an isolate itself takes. */
export default { fetch: () => new Response("undefined") };
