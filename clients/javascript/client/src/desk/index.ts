/**
 * The desk of a team: staff who serve the conversations of all customers. Start with {@link deskOf}.
 *
 * @packageDocumentation
 */

import type { Talkwire } from "../talkwire.ts";
import { Arrivals } from "./arrivals.ts";
import { Desk } from "./desk.ts";

export type { Handling } from "../server/payloads.ts";
export type { DeskEvents, DeskNumbers, NoteOptions } from "./desk.ts";
export type { DeskViewName } from "./places.ts";
export type { DeskViewEvents } from "./view.ts";
export { DeskView } from "./view.ts";
export { Desk };

/** The desks of a chat. */
interface Desks {
  readonly arrivals: Arrivals;
  readonly byTeam: Map<string, Desk>;
}

const desks = new WeakMap<Talkwire, Desks>();

/** Returns the desk of a team of the signed-in user. The same chat and team return the same object. */
export function deskOf(chat: Talkwire, teamId: string): Desk {
  const { arrivals, byTeam } = desks.get(chat) ?? { arrivals: new Arrivals(chat.parts), byTeam: new Map() };
  desks.set(chat, { arrivals, byTeam });
  const desk = byTeam.get(teamId) ?? new Desk(teamId, chat.parts, arrivals);
  byTeam.set(teamId, desk);
  return desk;
}
