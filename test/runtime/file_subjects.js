/** What the conformance suite is run on where there are files. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fs } from "@llmspell/state-persistence/adapters/fs";
import { sqlite } from "@llmspell/state-persistence/adapters/sqlite";

/** Each place is in a folder of its own. */
const onFiles = (name, makeDriver) => ({
  name,
  async create() {
    const folder = await mkdtemp(join(tmpdir(), "state-"));
    return { open: () => Promise.resolve(makeDriver(folder)), destroy: () => rm(folder, { recursive: true }) };
  },
});

export const fsSubject = onFiles("fs", (folder) => fs(join(folder, "state")));
export const sqliteSubject = onFiles("sqlite", (folder) => sqlite(join(folder, "state.db")));
