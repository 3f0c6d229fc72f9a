/**
 * The driver that keeps everything in memory; the default one.
 *
 * @module
 */
export { memory } from "../src/store/memory_driver.ts";
