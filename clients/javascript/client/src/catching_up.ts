/** Asks the server for the events that were missed, unless loading everything again costs less. */

import type { ConversationsById } from "./conversations/conversations_by_id.ts";
import { own } from "./own.ts";
import type { Commands, LogEvent, Presence, User } from "./server/payloads.ts";
import { RequestError } from "./server/request_error.ts";

export interface MissedEvents {
  readonly events: readonly LogEvent[];
  /** The position after the events. */
  readonly cursor: string;
  /** The conversations whose unread counts may have changed, which no event says. */
  readonly uncounted: ReadonlySet<string>;
  /** The presence of contacts, which no event says. */
  readonly presence: readonly Presence[];
}

/** What the client knows before it catches up. */
interface Known {
  readonly me: User;
  readonly conversations: ConversationsById;
  /** The cursor of further conversations of the reader's list; null if the whole list is loaded. */
  readonly nextConversations: string | null;
}

type Sync = (question: Commands["sync"]["payload"]) => Promise<Commands["sync"]["reply"]>;

const PAGE = 100;
/** Further events cost more than a hundred conversations with their newest messages (docs/decisions/0062). */
const PAGES_MAX = 3;
/** Each of these conversations is loaded by a request of its own. */
const LOADS_MAX = 10;

/**
 * Returns the events after a cursor. Returns null when everything has to be reloaded: the server refuses the cursor, or
 * the events are so many that a reload costs less. Rejects with a transient `RequestError`.
 */
export async function missedEvents(sync: Sync, after: string, state: Known): Promise<MissedEvents | null> {
  const events: LogEvent[] = [];
  let presence: readonly Presence[] = [];
  let cursor = after;
  try {
    for (let page = 0; page < PAGES_MAX; page++) {
      const reply = await sync({ after: cursor, limit: PAGE, presence: page === 0 });
      presence = reply.presence ?? presence;
      events.push(...(reply.events ?? []));
      cursor = reply.cursor;
      if (reply.more) continue;
      const uncounted = new Set(events.flatMap(({ event, data }) => uncountedBy(event, data, state)));
      if (unloaded(events, state).size + uncounted.size > LOADS_MAX) return null;
      return { events, cursor, uncounted, presence };
    }
    return null;
  } catch (error) {
    if (error instanceof RequestError && !error.isTransient) return null;
    throw error;
  }
}

/** What events about conversations say of them. */
interface About {
  readonly id?: string;
  readonly conversationId?: string;
  readonly userId?: string;
  readonly mentions?: readonly string[];
  readonly mentionsAll?: boolean;
}

/** Returns the conversation whose unread counts an event may have changed without saying how. */
export function uncountedBy(
  event: string,
  data: unknown,
  { conversations, me }: Omit<Known, "nextConversations">,
): string[] {
  const { conversationId, userId, mentions, mentionsAll } = data as About;
  if (conversationId === undefined) return [];
  const isOwnReceipt = event === "message:read:receipt" && userId === me.id;
  const isEdit = event === "message:updated";
  const isMention =
    isEdit && (mentionsAll || mentions?.includes(me.id) || own(conversations, conversationId)?.mentionCount);
  return isOwnReceipt || event === "message:deleted" || isMention ? [conversationId] : [];
}

/** Returns the conversations that the events make the client load. */
function unloaded(events: readonly LogEvent[], { conversations, me, nextConversations }: Known): ReadonlySet<string> {
  const found = new Set<string>();
  for (const { event, data } of events) {
    const { id, conversationId, userId } = data as About;
    const about = event === "conversation:new" ? id : conversationId;
    if (about === undefined) continue;
    const isLeft = event === "conversation:deleted" || (event === "member:removed" && userId === me.id);
    if (isLeft) found.delete(about);
    // While the whole list is loaded, messages of other conversations load nothing.
    else if (event === "message:new" && nextConversations === null) continue;
    else if (LOADING.has(event) && own(conversations, about) === undefined) found.add(about);
  }
  return found;
}

/** The events after which a conversation that is not loaded is loaded. */
const LOADING = new Set(["conversation:new", "member:added", "message:new"]);

/** Returns whether what ends at a cursor includes the event with this offset. */
export function includes(cursor: string | null, offset: string | undefined): boolean {
  if (cursor === null || !offset) return false;
  const [at, of] = [positionOf(cursor), positionOf(offset)];
  return at.log === of.log && of.pos <= at.pos;
}

/** A cursor is the log's name and a position in it. An offset may have the number of a packet after the position. */
function positionOf(cursor: string): { log: string; pos: number } {
  const end = cursor.lastIndexOf("-");
  return { log: cursor.slice(0, end), pos: Number.parseInt(cursor.slice(end + 1), 10) };
}
