/**
 * Which keys say that a secret stands under them: by whole words, only ever towards more care.
 *
 * @module
 */

/** Words that mean a secret wherever they stand. */
const words: ReadonlySet<string> = new Set(
  ("secret secrets password passwords passphrase credential credentials authorization apikey apikeys privatekey " +
    "accesskey secretkey authtoken accesstoken refreshtoken bearertoken").split(" "),
);
/** What makes a `key` a secret one: `api_key`, `private_key`. */
const keyKinds: ReadonlySet<string> = new Set("api private access signing encryption session ssh".split(" "));
/** What makes a `token` at the end a count: `max_tokens` is another word, `max_token` is not. */
const tokenLimits: ReadonlySet<string> = new Set("max min".split(" "));

/** No key without one of these has such a word; most keys end here. */
const hint = /secret|pass|credential|auth|key|token/i;

/** The rule by which a key is sensitive; `undefined` if it is not. */
export function secretRule(key: string): string | undefined {
  if (!hint.test(key)) return undefined;
  // A capital begins a word, but for the last of several in a row: "apiKey", "APIKey", "API_KEY".
  const parts = key.replace(/(\p{Ll}|\d)(\p{Lu})/gu, "$1 $2").replace(/(\p{Lu})(\p{Lu}\p{Ll})/gu, "$1 $2").toLowerCase().split(
    /[^\p{L}\d]+/u,
  );
  for (const [i, word] of parts.entries()) {
    const before = parts[i - 1] ?? "";
    if (words.has(word)) return word;
    if ((word === "key" || word === "keys") && keyKinds.has(before)) return `${before}_${word}`;
    if (word === "token" && i === parts.length - 1 && !tokenLimits.has(before)) return word;
  }
  return undefined;
}
