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

/** A file; of what is at an address elsewhere no more is known than its name. */
export interface Attachment {
  url: string;
  name: string;
  id?: string;
  contentType?: string;
  size?: number;
  width?: number;
  height?: number;
  thumbnailUrl?: string;
}

export interface Reaction {
  emoji: string;
  count: number;
  userIds: string[];
}

/** What a message was forwarded from. */
export interface Origin {
  id: string;
  senderId: string;
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
  attachments?: Attachment[];
  mentions?: string[];
  mentionsAll?: boolean;
  replyTo?: Quote;
  threadId?: string;
  forwardedFrom?: Origin;
  reactions?: Reaction[];
  replyCount?: number;
  pinned?: boolean;
  editedAt?: string;
  deletedAt?: string;
  /** It was sent somewhere else before, so it is not unread. */
  imported?: boolean;
}

export type Kind = "direct" | "group" | "channel";
export type Role = "owner" | "admin" | "member";

export interface Member {
  userId: string;
  name: string;
  role: Role;
  avatar?: string;
  joinedAt?: string;
  readSeq?: number;
  deliveredSeq?: number;
}

export interface Mute {
  /** Without it: until it is lifted. */
  until?: string | undefined;
  reason?: string | undefined;
}

/** What the server lets the reader do, whatever their role in a conversation is. */
export interface Rights {
  createDirect: boolean;
  createGroup: boolean;
  createChannel: boolean;
  /** The conversations that they own. */
  deleteConversation: boolean;
}

export interface Conversation {
  id: string;
  kind: Kind;
  memberCount: number;
  lastSeq: number;
  createdAt: string;
  /** Whether anybody may find and join it. */
  public?: boolean;
  /** Whether newcomers see what was said before. */
  history?: "all" | "from-join";
  /** Seconds that a member waits between two messages. */
  slowModeS?: number;
  name?: string;
  avatar?: string;
  /** Null: a direct one, or one that the application created without an owner. */
  ownerId?: string | null;
  /** What differs by reader is in answers, and never in events. */
  unreadCount?: number;
  mentionCount?: number;
  muted?: boolean;
  /** Whether, and why, a moderator keeps the reader from writing. */
  mutedByModerator?: Mute;
  readSeq?: number;
  lastMessage?: Message;
  members?: Member[];
}

/** Who is kept from writing in a conversation, or out of it. */
export interface Restriction {
  conversationId: string;
  userId: string;
  kind: "mute" | "ban";
  /** Without it: until it is lifted. */
  until?: string;
  reason?: string;
}

/** Where an account is signed in. */
export interface Device {
  id: string;
  createdAt: string;
  lastSeenAt: string;
  address: string | null;
  userAgent: string | null;
  current: boolean;
}

/** What one may say of oneself. */
export type PresenceStatus = "online" | "away" | "dnd" | "invisible";

export interface Presence {
  userId: string;
  status: PresenceStatus | "offline";
  text: string | null;
  lastSeenAt: string | null;
}

/** What calls for the reader's attention. Ids are texts of equally many digits, in the order of what happened. */
export interface Notified {
  id: string;
  type: "direct" | "invitation" | "mention" | "message" | "missed-call" | "offer" | "reply";
  /** The name of whoever did it. */
  title: string;
  /** What they did it with: not a sentence. */
  body?: string;
  conversationId: string;
  actorId: string;
  createdAt: string;
  messageId?: string;
  offerId?: string;
  /** Left out where it is meant to be silent. */
  sound?: string;
  /** The reader does not want to be disturbed: it is counted, listed, and not announced. */
  quiet?: true;
  readAt?: string;
}

export type Weekday = "mon" | "tue" | "wed" | "thu" | "fri" | "sat" | "sun";
export type Occasion = "direct" | "mentions" | "replies" | "messages" | "offers" | "invitations" | "missedCalls";

/** What the reader wants to be notified of, and with which sound; null is none. */
export interface Preferences {
  notify: Record<Occasion, boolean>;
  sounds: Record<Occasion, string | null>;
  doNotDisturb: { enabled: boolean; from: string; to: string; timeZone: string; days: Weekday[] };
}

/** What the reader wants to hear of one conversation; `notify` null: what is usual there. */
export interface ConversationPreferences {
  muted: boolean;
  notify: "all" | "mentions" | "none" | null;
  sound: string | null;
}

export type OfferStatus = "pending" | "accepted" | "rejected" | "withdrawn" | "countered" | "expired";

export interface Offer {
  id: string;
  conversationId: string;
  authorId: string;
  title: string;
  description?: string;
  /** In the currency's smallest unit. */
  amount: number;
  currency: string;
  status: OfferStatus;
  expiresAt?: string;
  counterOf?: string;
  createdAt: string;
  updatedAt: string;
}

/** What somebody says about a call. `data` is the clients' own. */
export interface CallSignal {
  callId: string;
  conversationId: string;
  userId: string;
  data?: unknown;
}

export type CallEndReason = "cancelled" | "gone" | "hangup" | "left" | "rejected" | "timeout";

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

/** What a message said. */
export interface Version {
  version: number;
  content: string;
  createdAt: string;
}

/** What has become of a message at one member; without the times it has not come so far. */
export interface Receipt {
  userId: string;
  name: string;
  deliveredAt?: string;
  readAt?: string;
}

/** A page of a list: `next` leads on, and is null at the end. */
export interface Page<T> {
  items: T[];
  next: string | null;
}

/** The events that the client listens to, by name, with their payloads. */
export interface ServerEvents {
  "message:new": Message;
  "message:updated": Message;
  "message:deleted": {
    messageId: string;
    conversationId: string;
    deletedAt: string;
    deletedBy: string;
    threadId?: string;
  };
  "message:pinned": { messageId: string; conversationId: string };
  "message:unpinned": { messageId: string; conversationId: string };
  "message:reaction": { messageId: string; conversationId: string; reactions: Reaction[] };
  "conversation:new": Conversation;
  "conversation:updated": Conversation;
  "conversation:deleted": { conversationId: string };
  /** `readSeq` where the reader's position moved without a receipt: back, by marking as unread, or forward again. */
  "conversation:unread": { conversationId: string; unreadCount: number; mentionCount: number; readSeq?: number };
  "member:added": { conversationId: string; members: { userId: string; role: Role }[] };
  "member:updated": { conversationId: string; userId: string; role: Role };
  "member:removed": { conversationId: string; userId: string; by?: string };
  "message:read:receipt": { conversationId: string; userId: string; messageId: string; seq: number };
  "message:delivered:receipt": { conversationId: string; userId: string; seq: number };
  "typing:user": { conversationId: string; userId: string; userName: string; isTyping: boolean };
  "presence:update": Presence;
  "user:updated": User;
  "user:blocked": { userId: string };
  "user:unblocked": { userId: string };
  "member:restricted": Restriction;
  "member:unrestricted": Restriction;
  notification: Notified;
  "notification:read": { ids?: string[]; all?: true; unread: number };
  "preferences:updated": Preferences;
  "conversation:preferences": ConversationPreferences & { conversationId: string };
  "offer:new": Offer;
  "offer:updated": Offer;
  "call:invite": CallSignal;
  "call:accept": CallSignal;
  "call:reject": CallSignal;
  "call:signal": CallSignal;
  "call:ended": { callId: string; conversationId: string; reason: CallEndReason };
  "session:ending": { reason: string; reconnect: boolean };
}
