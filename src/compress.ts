/**
 * Compression, loaded when first used.
 *
 * @module
 */
import { StateError } from "./errors.ts";

/** Bytes as a raw DEFLATE stream (RFC 1951), the same for the same bytes. It carries neither their length nor a check of them. */
export async function compress(bytes: Uint8Array): Promise<Uint8Array> {
  const { deflateSync } = await import("./deflate.ts");
  return deflateSync(bytes);
}

/**
 * What {@linkcode compress} made these bytes of. A stream that decodes to other bytes of the same length is not noticed:
 * verify the digest of the stored bytes first.
 *
 * @param length how many bytes come out, as verified by the caller; no more are ever allocated
 * @throws {StateError} STATE_CORRUPT if the stream is malformed or holds more or fewer bytes
 */
export async function decompress(bytes: Uint8Array, length: number): Promise<Uint8Array> {
  const { inflateSync } = await import("./deflate.ts");
  let out: Uint8Array;
  try {
    // One byte of room shows a stream that is too long: what does not fit is dropped without a word.
    out = inflateSync(bytes, { out: new Uint8Array(length + 1) });
  } catch (cause) {
    throw new StateError("STATE_CORRUPT", "Cannot decompress stored bytes: the stream is malformed", { details: {}, cause });
  }
  if (out.length !== length) {
    const found = out.length > length ? `${out.length} or more` : `${out.length}`;
    throw new StateError("STATE_CORRUPT", `Cannot decompress stored bytes: expected ${length} bytes, found ${found}`, { details: {} });
  }
  return out;
}
