/**
 * Pins: a reader that was overtaken again and again has what it reads kept until it is done.
 *
 * A reader writes its pin, then looks at the newest checkpoint; a remover makes its checkpoint durable, then looks at the pins.
 * So either the reader sees the new checkpoint, or the remover the pin.
 *
 * @module
 */
import { toHex } from "../../digest.ts";
import { pad } from "../paths.ts";
import { FORMAT } from "../seal.ts";
import type { Log } from "./log.ts";

/** Does something while nothing that the newest checkpoint names is removed. Without leave to write it is just done. */
export async function pinned<T>(log: Log, act: () => Promise<T>): Promise<T> {
  const { store, paths, options } = log;
  if (options.readOnly || store.list === undefined) return await act();
  const name = `${paths.pins}${pad(options.now())}-${toHex(options.random(8))}`;
  // A pin that could not be written holds nothing: what is read is proven all the same.
  await store.create(name, `N${FORMAT}\n`).catch(() => false);
  try {
    return await act();
  } finally {
    await store.removeItem(name).catch(() => {});
  }
}

/** Whether somebody holds what is to be removed. Pins that were forgotten by whoever wrote them are taken away. */
export async function isPinned({ store, paths, options }: Log): Promise<boolean> {
  if (store.list === undefined) return false;
  const pins = await store.list({ prefix: paths.pins, limit: 64 });
  let isHeld = false;
  for (const { key } of pins) {
    const at = Number(key.slice(paths.pins.length).split("-", 1)[0]);
    if (options.now() - at < options.tuning.makerMs) isHeld = true;
    else await store.removeItem(key);
  }
  return isHeld;
}
