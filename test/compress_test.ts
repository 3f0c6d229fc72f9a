import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { deflateRawSync, inflateRawSync } from "node:zlib";
import fc from "fast-check";
import { compress, decompress } from "../src/compress.ts";
import { isStateError } from "../src/errors.ts";

const isCorrupt = (error: unknown): boolean => isStateError(error, "STATE_CORRUPT");

Deno.test("compress() makes a raw DEFLATE stream that decompress() undoes", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc.uint8Array({ maxLength: 2000 }),
        fc.uint8Array({ maxLength: 9 }).map((part) => new Uint8Array(300).map((_, at) => part[at % part.length]!)),
      ),
      async (bytes) => {
        const stream = await compress(bytes);
        deepEqual(new Uint8Array(inflateRawSync(stream)), new Uint8Array(bytes));
        deepEqual(await decompress(stream, bytes.length), new Uint8Array(bytes));
        deepEqual(await decompress(new Uint8Array(deflateRawSync(bytes)), bytes.length), new Uint8Array(bytes));
      },
    ),
    { numRuns: 300 },
  );
});

Deno.test("compress() of equal bytes gives equal bytes, and few for repetition", async () => {
  const bytes = new TextEncoder().encode(
    JSON.stringify(Array.from({ length: 1000 }, (_, at) => ({ role: "user", content: `message ${at}` }))),
  );
  const stream = await compress(bytes);
  deepEqual(await compress(bytes.slice()), stream);
  ok(stream.length < bytes.length / 5);
  equal((await decompress(stream, bytes.length)).length, bytes.length);
});

Deno.test("decompress() of a stream that holds more or fewer bytes is STATE_CORRUPT", async () => {
  const stream = await compress(new Uint8Array(1000));
  for (const length of [0, 1, 999, 1001, 2000, -1, NaN, Infinity, 1.5]) {
    await rejects(decompress(stream, length), isCorrupt, String(length));
  }
});

Deno.test("decompress() of a stream that would fill gigabytes allocates only the length it was given", async () => {
  const bomb = new Uint8Array(deflateRawSync(new Uint8Array(50_000_000)));
  ok(bomb.length < 60_000);
  await rejects(decompress(bomb, 100), (error) => isCorrupt(error) && (error as Error).message.includes("found 101 or more"));
});

Deno.test("decompress() of a truncated or malformed stream is STATE_CORRUPT", async () => {
  const bytes = new TextEncoder().encode("a value that is stored, and stored, and stored again ".repeat(20));
  const stream = await compress(bytes);
  for (let length = 0; length < stream.length; length++) {
    await rejects(decompress(stream.subarray(0, length), bytes.length), isCorrupt, String(length));
  }
  for (const malformed of [[], [7], [255], [1, 2, 3, 4, 5], [0xed, 0xfd, 0xfe, 0xff]]) {
    await rejects(decompress(new Uint8Array(malformed), 10), isCorrupt);
  }
});

Deno.test("decompress() of a stream with one bit flipped is STATE_CORRUPT or bytes of the same length, nothing else", async () => {
  const bytes = new TextEncoder().encode("one, two, three, one, two, three, four ".repeat(5));
  const stream = await compress(bytes);
  for (let bit = 0; bit < stream.length * 8; bit++) {
    const flipped = stream.slice();
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    try {
      equal((await decompress(flipped, bytes.length)).length, bytes.length);
    } catch (error) {
      ok(isCorrupt(error));
    }
  }
});
