/** What becomes of a conversation when somebody comes, goes, has another role, or looks different. */

import type { Conversation, MemberRole, Person, User } from "../../server/payloads";
import type { Timeline } from "../messages/timeline";
import type { ConversationsById } from "./conversations_by_id";

/** Somebody is gone. */
export function withoutMember(conversation: Conversation, userId: string): Conversation {
  const { members, memberCount, ownerId } = conversation;
  // Whoever takes the conversation over becomes the owner by an event of its own.
  const without = ownerId === userId ? { ...conversation, ownerId: null } : conversation;
  if (members === undefined) return { ...without, memberCount: memberCount - 1 };
  const left = members.filter((member) => member.userId !== userId);
  // Told twice, it changes nothing.
  if (left.length === members.length) return conversation;
  return { ...without, members: left, memberCount: memberCount - 1 };
}

/** Somebody has another role. Of the old owner's the server tells by itself. */
export function withRole(conversation: Conversation, userId: string, role: MemberRole): Conversation {
  const { members } = conversation;
  const owned = role === "owner" ? { ...conversation, ownerId: userId } : conversation;
  if (members === undefined) return owned;
  return { ...owned, members: members.map((each) => (each.userId === userId ? { ...each, role } : each)) };
}

/** Somebody looks different: where their name stands, and their direct conversation is called after them. */
export function withUser(conversations: ConversationsById, user: User, myId: string): ConversationsById {
  return Object.fromEntries(
    Object.entries(conversations).map(([id, conversation]) => [id, withProfile(conversation, user, myId)]),
  );
}

/** Messages show how their sender looks now, older ones too. */
export function withSender(
  timelines: Readonly<Record<string, Timeline>>,
  user: User,
): Readonly<Record<string, Timeline>> {
  const sender = personOf(user);
  return Object.fromEntries(
    Object.entries(timelines).map(([id, timeline]) => {
      if (!timeline.messages.some((message) => message.senderId === user.id)) return [id, timeline];
      const messages = timeline.messages.map((each) => (each.senderId === user.id ? { ...each, sender } : each));
      return [id, { ...timeline, messages }];
    }),
  );
}

function personOf({ id, name, avatar }: User): Person {
  return avatar === undefined ? { id, name } : { id, name, avatar };
}

function withProfile(conversation: Conversation, user: User, myId: string): Conversation {
  const { kind, members } = conversation;
  if (members?.some(({ userId }) => userId === user.id) !== true) return conversation;
  const { id, ...profile } = personOf(user);
  const after = {
    ...conversation,
    members: members.map((each) => {
      if (each.userId !== id) return each;
      const { avatar: _, ...rest } = each;
      return { ...rest, ...profile };
    }),
  };
  if (kind !== "direct" || id === myId) return after;
  const { avatar: _, ...rest } = after;
  return { ...rest, ...profile };
}
