/**
 * Where the demo keeps its state, and how that goes away again.
 *
 * @module
 */
import { dropNamespace, isStateError, openState } from "@llmspell/state-persistence";
import { openDriver } from "@llmspell/state-persistence/adapters/open";

/** A place for the state of one run of the demo. */
export interface Place {
  /** For `openDriver`. */
  readonly driver: string;
  readonly namespace: string;
  remove(): Promise<void>;
}

/**
 * A new namespace on a driver, or a new folder of files.
 *
 * @throws {TypeError} if no adapter knows the URL, what it holds would be gone with a killed process, or it cannot be opened
 */
export async function choosePlace(url: string | undefined): Promise<Place> {
  if (url === undefined) {
    const folder = await Deno.makeTempDir({ prefix: "state-demo-" });
    return { driver: `fs:${folder}/state`, namespace: "demo", remove: () => Deno.remove(folder, { recursive: true }) };
  }
  const driver = await openDriver(url);
  if (driver.supports?.durability === "memory") {
    throw new TypeError(
      `Cannot run the demo on "${url}": what it holds is gone when a process is killed; write --driver fs:./demo or sqlite:./demo.db`,
    );
  }
  // Another demo may have left its own there.
  const namespace = `demo-${Date.now().toString(36)}`;
  try {
    await (await openState({ driver, namespace })).close();
  } catch (error) {
    throw isStateError(error) ? new TypeError(error.message, { cause: error }) : error;
  }
  return {
    driver: url,
    namespace,
    async remove() {
      const opened = await openDriver(url);
      await dropNamespace(opened, namespace);
      await opened.dispose?.();
    },
  };
}
