/** What cannot work here says so. */
import { isStateError, openState } from "@llmspell/state-persistence";
import { openDriver } from "@llmspell/state-persistence/adapters/open";
import { assertEqual } from "./collect.js";

/** Registers a test for each URL, of what is missing for it here. */
export function registerUnsupported({ it }, needs) {
  for (const [url, missing] of Object.entries(needs)) {
    it(`openDriver("${url}") and openState() on it is STATE_UNSUPPORTED, and needs ${missing}`, async () => {
      const error = await openDriver(url).then((driver) => openState({ driver })).then(() => "it was opened", (error) => error);
      if (!isStateError(error, "STATE_UNSUPPORTED")) throw error;
      assertEqual(error.details.needs, missing);
    });
  }
}
