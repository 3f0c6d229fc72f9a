/**
 * The suite's own assertions, so that it stands on no test library: deep equality that misses nothing of a value, and
 * rejections told apart by class and code.
 *
 * @module
 */
import { isStateError, type StateErrorCode, type StateErrorOf } from "../../src/errors.ts";
import { findDifference } from "./difference.ts";

/** What a failed assertion throws. */
export class AssertionFailure extends Error {
  override readonly name = "AssertionFailure";
}

/** Fails with a message. */
export function fail(message: string): never {
  throw new AssertionFailure(message);
}

/** Fails unless the condition holds. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) fail(message);
}

/** Fails unless both are the same value through and through; says where they first differ. */
export function assertEquals(actual: unknown, expected: unknown, about?: string): void {
  const difference = findDifference(actual, expected);
  if (difference !== undefined) fail(`${about === undefined ? "" : `${about}: `}${difference}`);
}

/** What a promise rejects with, or what a function throws or rejects with; fails if neither does. */
export async function failureOf(act: PromiseLike<unknown> | (() => unknown), about = "it"): Promise<unknown> {
  let value: unknown;
  try {
    value = await (typeof act === "function" ? act() : act);
  } catch (error) {
    return error;
  }
  fail(`${about} should fail, and gave ${show(value)}`);
}

/** Fails unless the act fails with a `StateError` of this code, whose message tells what could not be done. */
export async function assertStateError<C extends StateErrorCode>(
  act: PromiseLike<unknown> | (() => unknown),
  code: C,
  about: string = code,
): Promise<StateErrorOf<C>> {
  const error = await failureOf(act, about);
  if (!isStateError(error, code)) fail(`${about} should be ${code}, and is ${show(error)}`);
  const { message, details } = error as Error & { details: unknown };
  assert(/^Cannot \S/.test(message), `the message of ${code} should begin with "Cannot", and is "${message}"`);
  assert(typeof details === "object" && details !== null, `${code} should carry details`);
  return error as StateErrorOf<C>;
}

/** Fails unless the act fails with a `TypeError`, or another class, whose message matches. */
export async function assertMisuse(
  act: PromiseLike<unknown> | (() => unknown),
  about: string,
  says: RegExp = /./,
  kind: new () => Error = TypeError,
): Promise<void> {
  const error = await failureOf(act, about);
  if (!(error instanceof kind)) fail(`${about} should be a ${kind.name}, and is ${show(error)}`);
  assert(says.test(error.message), `the message about ${about} should match ${says}, and is "${error.message}"`);
}

/** A value for a message, cut short. */
export function show(value: unknown): string {
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  let text: string | undefined;
  try {
    text = typeof value === "bigint" ? `${value}n` : JSON.stringify(value);
  } catch {
    // A cycle or a BigInt inside: its kind must do.
  }
  text ??= String(value);
  return text.length > 200 ? `${text.slice(0, 200)}… (${text.length} characters)` : text;
}
