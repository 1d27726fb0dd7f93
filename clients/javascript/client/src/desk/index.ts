/**
 * The desk of a team: staff who serve the conversations of all customers. Start with {@link deskOf}.
 *
 * @packageDocumentation
 */

import type { Client } from "../client.ts";
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

const desks = new WeakMap<Client, Desks>();

/** Returns the desk of a team of the signed-in user. The same chat and team return the same object. */
export function deskOf(chat: Talkwire, teamId: string): Desk {
  return deskIn(chat.parts, teamId);
}

/** @internal The same for a program that has put its client together itself. */
export function deskIn(client: Client, teamId: string): Desk {
  const { arrivals, byTeam } = desks.get(client) ?? { arrivals: new Arrivals(client), byTeam: new Map() };
  desks.set(client, { arrivals, byTeam });
  const desk = byTeam.get(teamId) ?? new Desk(teamId, client, arrivals);
  byTeam.set(teamId, desk);
  return desk;
}
