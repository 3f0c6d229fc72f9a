/**
 * What a log may hold: each step that was acknowledged, none that was refused, and perhaps those whose outcome nobody was told.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { Step } from "./log_fixture.ts";

/** What a log holds, as text that can be compared. */
export type Content = string;

/** Nothing at all. */
export const empty: Content = "{}";

/** What a content becomes by a step. */
export function after(content: Content, step: Step): Content {
  const merged: Record<string, string | undefined> = { ...JSON.parse(content), ...step };
  return JSON.stringify(Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== undefined).sort()));
}

/** What became of a step. */
export type Outcome = "acknowledged" | "refused" | "unknown";

/** Steps one after another, and what may stand after them. */
export class History {
  #contents: ReadonlySet<Content>;
  #begun: Step | undefined;
  /** Steps that were acknowledged. */
  acknowledged = 0;

  /** What stood before. */
  constructor(contents: Iterable<Content> = [empty]) {
    this.#contents = new Set(contents);
  }

  /** What may stand now: also what is being written. */
  get possible(): ReadonlySet<Content> {
    return this.#begun === undefined ? this.#contents : this.#with(this.#begun, true);
  }

  /** A step is being written. */
  begin(step: Step): void {
    this.#begun = step;
  }

  /** Its writer was told. */
  end(outcome: Outcome): void {
    const step = this.#begun!;
    this.#begun = undefined;
    if (outcome !== "refused") this.#contents = this.#with(step, outcome === "unknown");
    if (outcome === "acknowledged") this.acknowledged++;
  }

  /** Somebody read this: it stands from now on. */
  see(content: Content): void {
    assert.ok(this.possible.has(content), notAllowed(content, this.possible));
    if (this.#begun === undefined) this.#contents = new Set([content]);
  }

  #with(step: Step, perhaps: boolean): ReadonlySet<Content> {
    const stepped = [...this.#contents].map((content) => after(content, step));
    return new Set(perhaps ? [...this.#contents, ...stepped] : stepped);
  }
}

/** For the message of a check that fails. */
export function notAllowed(content: Content, possible: ReadonlySet<Content>): string {
  return `there is ${content}, and there may only be ${[...possible].join(" or ")}`;
}

/** A step of several writers, with the moments at which it was begun and at which its writer was told. */
export interface Interval {
  readonly step: Step;
  readonly begun: number;
  ended?: number;
  outcome?: Outcome;
}

/**
 * What may stand after steps of several writers: they count in some order, in which a step whose writer was told before another
 * one began comes before that. Meant for a few steps: all orders are tried.
 */
export function possibleAfter(intervals: readonly Interval[], content: Content = empty): ReadonlySet<Content> {
  const found = new Set<Content>();
  const extend = (content: Content, left: readonly Interval[]): void => {
    // Those left out for good are none that was acknowledged.
    if (left.every(({ outcome }) => outcome !== "acknowledged")) found.add(content);
    for (const next of left) {
      const others = left.filter((other) => other !== next);
      // Whoever must come before it and is left out now can come no more: only if it may be missing.
      const isTooEarly = others.some(({ ended, outcome }) => outcome === "acknowledged" && ended! < next.begun);
      if (isTooEarly) continue;
      extend(after(content, next.step), others.filter(({ ended = Infinity }) => ended > next.begun));
    }
  };
  extend(content, intervals.filter(({ outcome }) => outcome !== "refused"));
  return found;
}
