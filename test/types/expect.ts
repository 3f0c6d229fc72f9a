/**
 * Claims about types that the compiler judges.
 *
 * @module
 */

/** Whether two types are the same, not only assignable to each other. */
export type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false;

/** Compiles only if the claim is true: `expectType<Equal<typeof found, string | undefined>>()`. */
export function expectType<Claim extends true>(..._claim: Claim[]): void {}
