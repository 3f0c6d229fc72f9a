/** A value from a folder, with this library. */
import { openState, StateScope } from "@llmspell/state-persistence";
import { fs } from "@llmspell/state-persistence/adapters/fs";
import process from "node:process";

const state = await openState({ driver: fs(`${process.argv[2]}/ours`) });
if ((await state.load(StateScope.global, "k"))?.n !== 1) throw new Error("the value is not there");
process.exit();
