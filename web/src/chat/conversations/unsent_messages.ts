/** Messages in the outbox, as the list of conversations shows them. */

import type { Conversation } from "@talkwire/client";
import { newestTime, type OutboxEntry } from "@talkwire/client/parts";

/**
 * Returns the newest message of a conversation that was refused, otherwise the newest that is not sent yet. Replies in
 * threads that wait are not in the list.
 */
export function newestUnsent(outbox: readonly OutboxEntry[], conversationId: string): OutboxEntry | undefined {
  const ofConversation = outbox.filter((entry) => entry.conversationId === conversationId);
  return ofConversation.findLast(({ problem }) => problem !== null) ?? ofConversation.findLast(isInTimeline);
}

/** Returns the conversations, newest first, with those of unsent messages where these were written. */
export function withUnsent(ordered: readonly Conversation[], outbox: readonly OutboxEntry[]): readonly Conversation[] {
  const writtenAt = new Map(outbox.filter(isInTimeline).map((entry) => [entry.conversationId, timeOf(entry)]));
  if (writtenAt.size === 0) return ordered;
  const newest = (conversation: Conversation): string => {
    const [sent, written] = [newestTime(conversation), writtenAt.get(conversation.id) ?? ""];
    return written > sent ? written : sent;
  };
  return ordered.toSorted((one, other) => {
    const [first, second] = [newest(one), newest(other)];
    return first < second ? 1 : first > second ? -1 : 0;
  });
}

/** Returns when a message was written, in the format of the server's times. */
export const timeOf = ({ writtenAt }: OutboxEntry): string => new Date(writtenAt).toISOString();

const isInTimeline = ({ threadId }: OutboxEntry): boolean => !threadId;
