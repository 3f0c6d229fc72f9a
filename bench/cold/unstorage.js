/** A value from a folder, with unstorage alone. */
import process from "node:process";
import { createStorage } from "unstorage";
import fsLiteDriver from "unstorage/drivers/fs-lite";

const storage = createStorage({ driver: fsLiteDriver({ base: `${process.argv[2]}/unstorage` }) });
if ((await storage.getItem("k"))?.n !== 1) throw new Error("the value is not there");
process.exit();
