/**
 * The one owner of fflate, in a file of its own so that a bundler keeps these two functions of it and loads them late.
 *
 * @module
 */
export { deflateSync, inflateSync } from "fflate";
