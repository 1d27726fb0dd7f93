/** Which conversations a view of a desk has, and in which order. All functions are pure. */

import type { Commands, Conversation } from "../server/payloads.ts";

/**
 * `waiting`: open conversations in which a customer waits, the longest first. `mine`: those that the reader handles.
 * `all`: open ones. `closed`: closed ones. All but `waiting` have the newest message first.
 */
export type DeskViewName = "waiting" | "mine" | "all" | "closed";

/** Returns whether a conversation has a team. */
export function isOfTeam({ teamIds, teams }: Conversation, teamId: string): boolean {
  return teamIds?.includes(teamId) ?? teams?.some((each) => each.teamId === teamId) ?? false;
}

/** Returns whether a view of a team's desk has a conversation. */
export function isIn(view: DeskViewName, conversation: Conversation, teamId: string, myId: string): boolean {
  if (!isOfTeam(conversation, teamId)) return false;
  if (view === "closed") return conversation.state === "closed";
  if (conversation.state !== "open") return false;
  if (view === "mine") return conversation.handler === myId;
  return view === "all" || typeof conversation.waitingSince === "string";
}

/** Returns the command that lists a view. */
export function questionOf(view: DeskViewName, teamId: string): Commands["conversations:list"]["payload"] {
  return {
    teamId,
    state: view === "closed" ? "closed" : "open",
    order: view === "waiting" ? "waitingSince" : "updatedAt",
    ...(view === "mine" && { handler: "me" }),
  };
}

/** Compares two conversations by their places in a view. */
export function inOrder(view: DeskViewName, one: Conversation, other: Conversation): number {
  if (view === "waiting") {
    const byTime = compare(one.waitingSince ?? "", other.waitingSince ?? "");
    if (byTime !== 0) return byTime;
  }
  return compare(newestOf(other), newestOf(one)) || compare(one.id, other.id);
}

const compare = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0);

/** Returns the time of the newest message or offer. When the reader became a member says nothing about a customer. */
function newestOf({ lastMessage, lastOffer, createdAt }: Conversation): string {
  const [message = createdAt, offer = ""] = [lastMessage?.createdAt, lastOffer?.createdAt];
  return offer > message ? offer : message;
}
