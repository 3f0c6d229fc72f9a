/**
 * Keys as paths: `app!ckpt!0001` is the file `app/ckpt/0001`.
 *
 * @module
 */
import { createHash } from "node:crypto";

/** File systems take names of 255 bytes; what is put beside a name needs some of them. */
const NAME_LENGTH = 200;

/** What a name of ours is made of; others, and those of unfinished files, are not looked at. */
const ours = /^[0-9a-z_~-]+$/;

/** Whether a name in a folder is a part of a key. */
export function isOurs(name: string): boolean {
  return ours.test(name);
}

/** Whether a part of a key is the name of its file, or folder, as it is. */
export function isName(part: string): boolean {
  return part.length <= NAME_LENGTH && isOurs(part);
}

/**
 * The path below the driver's folder. A part that is too long for a file system is cut, and ends in `~~` (which no encoded
 * text has in it) and a digest of the whole: it cannot be turned back into the key, only found again by it.
 */
export function pathOf(key: string): readonly string[] {
  const parts = key.split("!");
  for (const part of parts) if (!isOurs(part)) throw new TypeError(`Cannot use "${key}" as a key: "${part}" cannot be a file's name`);
  return parts.map((part) => {
    if (isName(part)) return part;
    const digest = createHash("sha256").update(part).digest("hex").slice(0, 32);
    return `${part.slice(0, NAME_LENGTH - 2 - digest.length)}~~${digest}`;
  });
}
