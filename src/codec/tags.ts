/**
 * What JSON cannot say, as the tags that stand for it in codec "x".
 *
 * A tag is an object whose one key is `$`: `{"$":"NaN"}`, or with a payload `{"$":["Date",0]}`. An object of the caller's
 * that has a key `$` goes as `{"$":["Object",{…}]}`, one without a prototype as `{"$":["null",{…}]}`. An object met again
 * is `{"$":["ref",n]}`: the n-th object (array, Map, …) of the text, counted from 0 in the order in which they begin.
 *
 * @module
 */

/** The numbers that JSON lacks, by a text that `Number` reads. */
export const numberNames: readonly unknown[] = ["NaN", "Infinity", "-Infinity", "-0"];

/** What is stored as its bytes, little-endian as every engine has them, in base64url. */
export const binaryNames: readonly string[] = [
  "ArrayBuffer",
  "DataView",
  ...["Int8", "Uint8", "Uint8Clamped", "Int16", "Uint16", "Int32", "Uint32", "Float16", "Float32", "Float64", "BigInt64", "BigUint64"].map(
    (element) => `${element}Array`,
  ),
];
