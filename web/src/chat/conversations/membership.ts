/** Updates conversations when members or users change. All functions are pure. */

import type { Conversation, MemberRole, Person, User } from "../../server/payloads";
import type { Timeline } from "../messages/timeline";
import type { ConversationsById } from "./conversations_by_id";

/** Returns the conversation without a member. */
export function withoutMember(conversation: Conversation, userId: string): Conversation {
  const { members, memberCount, ownerId } = conversation;
  // Another event names the new owner.
  const without = ownerId === userId ? { ...conversation, ownerId: null } : conversation;
  if (members === undefined) return { ...without, memberCount: memberCount - 1 };
  const left = members.filter((member) => member.userId !== userId);
  // A repeated event changes nothing.
  if (left.length === members.length) return conversation;
  return { ...without, members: left, memberCount: memberCount - 1 };
}

/** Returns the conversation with a member's new role. The server sends another event about the old owner. */
export function withRole(conversation: Conversation, userId: string, role: MemberRole): Conversation {
  const { members } = conversation;
  const owned = role === "owner" ? { ...conversation, ownerId: userId } : conversation;
  if (members === undefined) return owned;
  return { ...owned, members: members.map((each) => (each.userId === userId ? { ...each, role } : each)) };
}

/** Updates a user's name and picture among members, and the direct conversation with that user. */
export function withUser(conversations: ConversationsById, user: User, myId: string): ConversationsById {
  return Object.fromEntries(
    Object.entries(conversations).map(([id, conversation]) => [id, withProfile(conversation, user, myId)]),
  );
}

/** Updates the sender of all messages of a user. */
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
