import { deepEqual, equal, ok, rejects, throws } from "node:assert/strict";
import { createHash } from "node:crypto";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { createDigester, type DigestCrypto, fromBase64url, toBase64url, toHex } from "../src/digest.ts";

/** FIPS 180-4 and NIST's own examples. */
const vectors: readonly (readonly [string, string])[] = [
  ["", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
  ["abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
  ["abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"],
];

function sha256(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}

/** Runs with a global taken away or replaced, as other runtimes have it. */
async function withGlobal(holder: object, name: string, value: unknown, body: () => void | Promise<void>): Promise<void> {
  const original = Object.getOwnPropertyDescriptor(holder, name);
  Object.defineProperty(holder, name, { value, configurable: true, writable: true });
  try {
    await body();
  } finally {
    if (original) Object.defineProperty(holder, name, original);
    else Reflect.deleteProperty(holder, name);
  }
}

Deno.test("createDigester() computes SHA-256 of text and bytes of every size", async () => {
  const digester = createDigester();
  for (const [text, hex] of vectors) equal(toHex(await digester.digest(text)), hex);
  for (const size of [0, 1, 55, 56, 63, 64, 65, 4095, 4096, 4097, 100_000]) {
    const bytes = new Uint8Array(size + 3).map((_, at) => at * 31);
    equal(toHex(await digester.digest(bytes.subarray(3))), sha256(bytes.subarray(3)), String(size));
  }
  equal(toHex(await digester.digest("é€😀".repeat(2000))), sha256("é€😀".repeat(2000)));
});

Deno.test("createDigester() answers at once for little and later for much", async () => {
  const digester = createDigester();
  ok(digester.digest(new Uint8Array(4096)) instanceof Uint8Array);
  const later = digester.digest(new Uint8Array(4097));
  ok(later instanceof Promise);
  await later;
});

Deno.test("createDigester() digests what stood in the bytes when it was called", async () => {
  for (const size of [100, 100_000]) {
    const bytes = new Uint8Array(size);
    const pending = createDigester().digest(bytes);
    bytes.fill(1);
    equal(toHex(await pending), sha256(new Uint8Array(size)));
  }
});

Deno.test("createDigester() of a page without crypto.subtle is synchronous throughout", async () => {
  for (const crypto of [undefined, {}]) {
    await withGlobal(globalThis, "crypto", crypto, () => {
      const digest = createDigester().digest(new Uint8Array(1_000_000));
      ok(digest instanceof Uint8Array);
      equal(toHex(digest), sha256(new Uint8Array(1_000_000)));
    });
  }
});

Deno.test("createDigester() given a crypto uses it for every digest", async () => {
  const asked: string[] = [];
  // The shape of @std/crypto: more algorithms, and iterables of bytes as data.
  const std = {
    subtle: {
      async digest(algorithm: string, data: BufferSource | AsyncIterable<BufferSource> | Iterable<BufferSource>): Promise<ArrayBuffer> {
        asked.push(algorithm);
        if (data instanceof ArrayBuffer || ArrayBuffer.isView(data)) return await crypto.subtle.digest(algorithm, data);
        const parts: Uint8Array[] = [];
        for await (const part of data) parts.push(new Uint8Array(part as ArrayBuffer));
        return await crypto.subtle.digest(algorithm, Buffer.concat(parts));
      },
    },
  };
  const view: DigestCrypto = {
    subtle: { digest: async (name: string, data: BufferSource) => new Uint8Array(await std.subtle.digest(name, data)) as never } as never,
  };
  for (const given of [std as unknown as DigestCrypto, view, { subtle: crypto.subtle }]) {
    const digester = createDigester(given);
    for (const [text, hex] of vectors) {
      const digest = digester.digest(text);
      ok(digest instanceof Promise);
      const bytes = await digest;
      ok(bytes instanceof Uint8Array);
      equal(toHex(bytes), hex);
    }
  }
  deepEqual(asked, Array(2 * vectors.length).fill("SHA-256"));
});

Deno.test("createDigester() refuses a crypto whose answer is no SHA-256", async () => {
  const digester = createDigester({ subtle: { digest: () => Promise.resolve(new ArrayBuffer(20)) } });
  await rejects(async () => await digester.digest("abc"), TypeError);
});

Deno.test("createDigester() passes on what a crypto rejects with", async () => {
  const digester = createDigester({ subtle: { digest: () => Promise.reject(new Error("no")) } });
  await rejects(async () => await digester.digest("abc"), /^Error: no$/);
});

Deno.test("createDigester() gives no two texts one digest for an unpaired surrogate", () => {
  for (const text of ["\ud800", "a\udfff"]) throws(() => createDigester().digest(text), TypeError);
});

/** With what newer engines have of their own, and without. */
async function eachEngine(body: () => void | Promise<void>): Promise<void> {
  await body();
  await withGlobal(Uint8Array.prototype, "toBase64", undefined, async () => {
    await withGlobal(Uint8Array.prototype, "toHex", undefined, async () => {
      await withGlobal(Uint8Array, "fromBase64", undefined, body);
    });
  });
}

Deno.test("toBase64url() writes RFC 4648 §5 without padding, and fromBase64url() reads it", async () => {
  await eachEngine(() => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        const text = toBase64url(bytes);
        equal(text, Buffer.from(bytes).toString("base64url"));
        deepEqual(fromBase64url(text), new Uint8Array(bytes));
      }),
      { numRuns: 500 },
    );
    const view = new Uint8Array([9, 251, 255, 9]).subarray(1, 3);
    equal(toBase64url(view), "-_8");
    equal(fromBase64url("-_8")?.buffer.byteLength, 2);
    const large = new Uint8Array(1_000_001).map((_, at) => at * 7);
    equal(sha256(fromBase64url(toBase64url(large))!), sha256(large));
  });
});

Deno.test("fromBase64url() of what toBase64url() cannot have made is undefined", async () => {
  const texts = [
    ...["A", "AAAAA", "AA==", "AAA=", "AA=", "=", "====", "AA A", "AAAA ", " AAAA", "AAAA\n", "AAAAAA \n", "A\tAA", "AAAAAAAA ".repeat(4)],
    ...["AB", "A_", "AAB", "AA_", "+/AA", "AA/A", "é", "AAAé", "A\ud800AA", "\u0100\u0100", "AAAA\0AAA", "!!!!", "AA.A"],
  ];
  await eachEngine(() => {
    for (const text of texts) equal(fromBase64url(text), undefined, JSON.stringify(text));
  });
});

Deno.test("fromBase64url() of any text is undefined or the one with these bytes", async () => {
  const text = fc.string({ unit: fc.constantFrom("A", "B", "Q", "g", "w", "8", "-", "_", "=", " ", "\n", "+", "/", "é"), maxLength: 9 });
  await eachEngine(() => {
    fc.assert(
      fc.property(text, (text) => {
        const bytes = fromBase64url(text);
        equal(
          bytes && toBase64url(bytes),
          /^[\w-]*$/.test(text) && Buffer.from(text, "base64url").toString("base64url") === text ? text : undefined,
        );
      }),
      { numRuns: 2000 },
    );
  });
});

Deno.test("toHex() writes two lower-case digits a byte", async () => {
  await eachEngine(() => {
    equal(toHex(new Uint8Array([0, 1, 10, 171, 255]).subarray(1)), "010aabff");
    equal(toHex(new Uint8Array()), "");
  });
});
