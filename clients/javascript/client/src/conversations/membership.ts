/** Updates conversations when members or users change. All functions are pure. */

import type { Timeline } from "../messages/timeline.ts";
import type { Conversation, MemberRole, Message, Person, User } from "../server/payloads.ts";
import type { ConversationsById } from "./conversations_by_id.ts";

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

/** Updates a user's profile among members and in newest messages, and the direct conversation with that user. */
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
  return Object.fromEntries(
    Object.entries(timelines).map(([id, timeline]) => {
      if (!timeline.messages.some((message) => message.senderId === user.id)) return [id, timeline];
      return [id, { ...timeline, messages: timeline.messages.map(bySender(user)) }];
    }),
  );
}

/** Returns what updates the sender of a user's message, and leaves other messages as they are. */
export function bySender(user: User): (message: Message) => Message {
  const sender = personOf(user);
  return (message) => (message.senderId === user.id ? { ...message, sender } : message);
}

function personOf({ id, name, avatar }: User): Person {
  return avatar === undefined ? { id, name } : { id, name, avatar };
}

function withProfile(before: Conversation, user: User, myId: string): Conversation {
  const { kind, members, lastMessage } = before;
  const conversation =
    lastMessage?.senderId === user.id ? { ...before, lastMessage: bySender(user)(lastMessage) } : before;
  if (members?.some(({ userId }) => userId === user.id) !== true) return conversation;
  const { id, ...profile } = personOf(user);
  const after = {
    ...conversation,
    members: members.map((each) => {
      if (each.userId !== id) return each;
      const { avatar: _, handle: __, ...rest } = each;
      const { handle, erased, kind: kindOfUser } = user;
      return {
        ...rest,
        ...profile,
        kind: kindOfUser,
        ...(handle !== undefined && { handle }),
        ...(erased && { erased }),
      };
    }),
  };
  if (kind !== "direct" || id === myId) return after;
  const { avatar: _, ...rest } = after;
  return { ...rest, ...profile };
}
