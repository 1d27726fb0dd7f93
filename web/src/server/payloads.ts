/** What the server sends and is sent, as far as the client uses it (docs/events.md). Times are ISO 8601 texts. */

export interface Person {
  id: string;
  name: string;
  avatar?: string;
}

export interface User extends Person {
  createdAt: string;
  email?: string;
  text?: string;
}

export interface Quote {
  id: string;
  senderId: string;
  content: string;
}

export interface Reaction {
  emoji: string;
  count: number;
  userIds: string[];
}

export interface Message {
  id: string;
  conversationId: string;
  /** From 1, without gaps. */
  seq: number;
  senderId: string;
  sender: Person;
  createdAt: string;
  content?: string;
  clientMessageId?: string;
  mentions?: string[];
  mentionsAll?: boolean;
  replyTo?: Quote;
  threadId?: string;
  reactions?: Reaction[];
  replyCount?: number;
  pinned?: boolean;
  editedAt?: string;
  deletedAt?: string;
}

export type Kind = "direct" | "group" | "channel";
export type Role = "owner" | "admin" | "member";

export interface Member {
  userId: string;
  name: string;
  role: Role;
  avatar?: string;
  readSeq?: number;
  deliveredSeq?: number;
}

export interface Conversation {
  id: string;
  kind: Kind;
  memberCount: number;
  lastSeq: number;
  createdAt: string;
  name?: string;
  avatar?: string;
  ownerId?: string;
  /** What differs by reader is in answers, and never in events. */
  unreadCount?: number;
  mentionCount?: number;
  muted?: boolean;
  readSeq?: number;
  lastMessage?: Message;
  members?: Member[];
}

export interface Presence {
  userId: string;
  status: "online" | "away" | "dnd" | "invisible" | "offline";
  text: string | null;
  lastSeenAt: string | null;
}

/** What the server says when it says no. */
export interface ErrorBody {
  code: string;
  message: string;
  details?: unknown;
}

export interface State {
  conversations: Conversation[];
  presence: Presence[];
  cursor: string;
  next?: string | null;
}

/** The events that the client listens to, by name, with their payloads. */
export interface ServerEvents {
  "message:new": Message;
  "message:updated": Message;
  "message:deleted": { messageId: string; conversationId: string; deletedAt: string; deletedBy: string };
  "message:reaction": { messageId: string; conversationId: string; reactions: Reaction[] };
  "conversation:new": Conversation;
  "conversation:updated": Conversation;
  "conversation:deleted": { conversationId: string };
  "conversation:unread": { conversationId: string; unreadCount: number; mentionCount: number };
  "member:added": { conversationId: string; members: { userId: string; role: Role }[] };
  "member:removed": { conversationId: string; userId: string };
  "message:read:receipt": { conversationId: string; userId: string; seq: number };
  "message:delivered:receipt": { conversationId: string; userId: string; seq: number };
  "typing:user": { conversationId: string; userId: string; userName: string; isTyping: boolean };
  "presence:update": Presence;
  "user:updated": User;
  "session:ending": { reason: string; reconnect: boolean };
}
