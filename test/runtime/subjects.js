/** What the conformance suite is run on wherever JavaScript runs. */
import { memory } from "@llmspell/state-persistence/adapters/memory";
import { unstorage } from "@llmspell/state-persistence/adapters/unstorage";
import memoryDriver from "unstorage/drivers/memory";

/** Two that open the driver share it: what it holds lives in one process. */
const inOneProcess = (name, makeDriver) => ({
  name,
  create() {
    const driver = makeDriver();
    return Promise.resolve({ open: () => Promise.resolve(driver), destroy: () => Promise.resolve() });
  },
});

export const memorySubject = inOneProcess("memory", memory);

/** Disposing unstorage's own would take away what it holds, and what one state has written is the next one's. */
export const unstorageSubject = inOneProcess("unstorage (memory)", () => unstorage({ ...memoryDriver(), dispose: () => {} }));
