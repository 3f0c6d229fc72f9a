/**
 * Where each object of a namespace stands in the driver.
 *
 * Segments are joined by `!`, which sorts below every character of an encoded segment (`-` is the lowest), so that the
 * order of whole paths is the order of the names in them.
 *
 * @module
 */
import { encodeSegment } from "../keys/segment.ts";

/** Digits of a commit number or a time in a key: enough for 2^53, so that bytewise order is numeric order. */
const DIGITS = 16;

/** A whole number as a key segment that sorts by value. */
export function pad(number: number): string {
  return String(number).padStart(DIGITS, "0");
}

/** Sorts above everything that begins with `prefix` and `!`, below everything else that sorts after it. */
export function pastSegment(prefix: string): string {
  return `${prefix}"`;
}

/** Scopes of our own, beside those that callers can name: what operation ids came to, and who runs what once. */
const reserved = /^(?:op|once)!/;

/** Whether a path is an entry of a caller's. */
export function isCallers(path: string): boolean {
  return !reserved.test(path);
}

/** The keys of one namespace. A `path` is a scope path and an encoded key: `agent!gpt-2d4!seen`. */
export interface Paths {
  /** Everything of the namespace begins with it. */
  readonly root: string;
  /** The newest commit, and what a reader must know to trust the rest. */
  readonly head: string;
  /** Prefix of the log. */
  readonly logs: string;
  /** The record whose first commit is this. */
  log(commit: number): string;
  /** Prefix of the rows. */
  readonly rows: string;
  /** The current value of an entry. */
  row(path: string): string;
  /** What is left of a deleted entry: its revision. */
  gone(path: string): string;
  /** Prefix of the expiry index. */
  readonly expiries: string;
  /** An entry's place in the expiry index. */
  expiry(at: number, path: string): string;
  /** A piece of a value, or of a change set, that does not stand inline. */
  object(name: string, piece: number): string;
  /** Prefix of the announcements of objects that no commit names yet. */
  readonly stages: string;
  /** Announces objects whose names begin with the token. */
  stage(at: number, token: string): string;
  /** Prefix of the objects. */
  readonly objects: string;
  /** Prefix of what is left of deleted entries. */
  readonly rests: string;
  /** Prefix of what repairs have set aside. */
  readonly asides: string;
  /** Where the repair that began an epoch sets aside what it found under a key of the namespace. */
  aside(epoch: number, key: string): string;
}

/** The keys of one namespace. */
export function createPaths(namespace: string): Paths {
  const root = `${encodeSegment(namespace)}!`;
  return {
    root,
    head: `${root}head`,
    logs: `${root}log!`,
    log: (commit) => `${root}log!${pad(commit)}`,
    rows: `${root}cur!`,
    row: (path) => `${root}cur!${path}`,
    gone: (path) => `${root}gone!${path}`,
    expiries: `${root}exp!`,
    expiry: (at, path) => `${root}exp!${pad(at)}!${path}`,
    object: (name, piece) => `${root}obj!${name}!${pad(piece)}`,
    stages: `${root}stage!`,
    stage: (at, token) => `${root}stage!${pad(at)}!${token}`,
    objects: `${root}obj!`,
    rests: `${root}gone!`,
    asides: `${root}aside!`,
    aside: (epoch, key) => `${root}aside!${pad(epoch)}!${key.slice(root.length)}`,
  };
}
