/**
 * Turns: the pieces of an agent's work, which its processes share among them. Start with {@link turnsOf}.
 *
 * @packageDocumentation
 */

import type { Talkwire } from "../talkwire.ts";
import { Turns, type TurnsOptions } from "./turns.ts";

export type { TurnAskOptions, TurnSendOptions, TurnStreamOptions, TurnUpdate } from "./turn.ts";
export { Turn } from "./turn.ts";
export type { TurnsOptions };
export { Turns };

/**
 * Claims turns of the signed-in agent, one for each round of `for await`. Each call returns another object; of all
 * processes of an agent, one gets each turn.
 */
export function turnsOf(chat: Talkwire, options: TurnsOptions = {}): Turns {
  return new Turns(chat.parts, () => chat.reason, options);
}
