/** What the conformance suite is run on, by the names that every runtime here shares. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fs } from "@llmspell/state-persistence/adapters/fs";
import { memory } from "@llmspell/state-persistence/adapters/memory";
import { sqlite } from "@llmspell/state-persistence/adapters/sqlite";

/** Two that open the memory driver share it: it lives in one process. */
export const memorySubject = {
  name: "memory",
  create() {
    const driver = memory();
    return Promise.resolve({ open: () => Promise.resolve(driver), destroy: () => Promise.resolve() });
  },
};

/** Each place is a folder of its own. */
export const fsSubject = {
  name: "fs",
  async create() {
    const folder = await mkdtemp(join(tmpdir(), "state-"));
    return {
      open: () => Promise.resolve(fs(join(folder, "state"))),
      destroy: () => rm(folder, { recursive: true }),
    };
  },
};

/** Each place is a file of its own. */
export const sqliteSubject = {
  name: "sqlite",
  async create() {
    const folder = await mkdtemp(join(tmpdir(), "state-"));
    return {
      open: () => Promise.resolve(sqlite(join(folder, "state.db"))),
      destroy: () => rm(folder, { recursive: true }),
    };
  },
};
