/**
 * The demo's own conversation: four agents, each of which watches a lighthouse for a night.
 *
 * @module
 */
import type { Message, Trajectory } from "./trajectory.ts";

/** Who asks where, in whose words. */
const watches = [
  { keeper: "Ingrid", light: "Svenner fyr", ask: "Hvordan står det til?", well: "Alt er rolig", storm: "Storm! Tåkelur på 🌫️" },
  { keeper: "海斗", light: "犬吠埼灯台", ask: "様子はどうですか。", well: "異常なしです", storm: "嵐です!霧笛を鳴らしました 🌊" },
  { keeper: "ليلى", light: "منارة الإسكندرية", ask: "كيف الحال الآن؟", well: "كل شيء هادئ", storm: "عاصفة! شغّلت بوق الضباب ⛈️" },
  { keeper: "Zoë", light: "Phare d’Ar-Men", ask: "Ça tient ?", well: "Tout va bien", storm: "Tempête ! Corne de brume en marche 👩🏽‍🚀" },
] as const;

const hours = 10;
const dusk = Date.UTC(2031, 10, 22, 18);

/** Forty-one turns for each of four agents: with tool calls, Dates, Maps and Sets, a BigInt, and five scripts. */
export function ownConversation(): readonly Trajectory[] {
  return watches.map((watch, run) => ({ run, messages: nightOf(watch, run) }));
}

function nightOf({ keeper, light, ask, well, storm }: (typeof watches)[number], run: number): readonly Message[] {
  const instruction = { role: "system", content: `You watch ${light} for ${keeper}. Read the instruments before you answer.` };
  return [
    instruction,
    ...Array.from({ length: hours }, (_, hour): readonly Message[] => {
      const at = new Date(dusk + hour * 3_600_000);
      const id = `call_${run}_${hour}`;
      const knots = 4 + (hour * 17 + run * 11) % 48;
      const call = { id, type: "function", function: { name: "read_instruments", arguments: { light, at } } };
      const readings = new Map<string, unknown>([
        ["wind", { knots, from: ["N", "E", "S", "W"][(hour + run) % 4] }],
        ["ships", new Set(["⛵ Ægir", "🚢 第五福龍丸"].slice(0, hour % 3))],
        ["flashes", 9_007_199_254_740_993n + BigInt(hour)],
      ]);
      return [
        { role: "user", content: `${keeper}: ${ask}`, at },
        { role: "assistant", content: null, tool_calls: [call] },
        { role: "tool", tool_call_id: id, name: "read_instruments", content: readings },
        { role: "assistant", content: `${knots > 40 ? storm : well}: ${light}, ${knots} kn.` },
      ];
    }).flat(),
  ];
}
