/**
 * `deno doc --lint` of every door: all that a user can see has a docstring and an explicit type.
 *
 * @module
 */
import { deno, doors } from "./doors.ts";

if (import.meta.main) {
  const success = await deno("doc", "--lint", ...doors().map(([, file]) => file));
  Deno.exit(success ? 0 : 1);
}
