/** The first load in a new isolate, with unstorage alone. */
import { createStorage } from "unstorage";
import memoryDriver from "unstorage/drivers/memory";

export default {
  async fetch() {
    const storage = createStorage({ driver: memoryDriver() });
    return new Response(`${await storage.getItem("k") ?? undefined}`);
  },
};
