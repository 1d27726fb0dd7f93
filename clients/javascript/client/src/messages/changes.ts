/** Changes of messages that are not stored by the server yet: how they are shown, and how they are sent. */

import { given } from "../given.ts";
import type { Message, Reaction } from "../server/payloads.ts";
import { type MessagePart, withContent, withParts } from "./message_parts.ts";
import { tombstone } from "./timeline.ts";

/** What an edit changes of a message; what is not set stays as it is. */
export interface MessageEdit {
  /** The new text. Its history keeps the former one. */
  readonly content?: string;
  /** New parts instead of the text and all former parts. With `content`, parts that are no texts stay. */
  readonly parts?: MessagePart[];
  /** Replaces all metadata; null removes it. Without a new text the message does not count as edited. */
  readonly metadata?: Readonly<Record<string, unknown>> | null;
}

/** What the reader does with a message that exists. */
export type MessageChange = { readonly messageId: string } & (
  | ({ readonly kind: "edit" } & MessageEdit)
  | { readonly kind: "delete" }
  | { readonly kind: "react"; readonly emoji: string; readonly isGiven: boolean }
  | { readonly kind: "pin"; readonly isPinned: boolean }
);

/** An entry of the outbox: with a change, or a new message. `problem`: why the server refused it; null if it did not. */
interface Unsent {
  readonly change?: MessageChange;
  readonly problem: string | null;
}

/** Returns whether an earlier change does not have to be sent before a later one. */
export function replaces(later: MessageChange, earlier: MessageChange): boolean {
  if (later.messageId !== earlier.messageId) return false;
  if (later.kind === "react") return earlier.kind === "react" && earlier.emoji === later.emoji;
  if (later.kind === "edit" && earlier.kind === "edit")
    return Object.keys(editOf(earlier)).every((name) => name in editOf(later));
  return later.kind === "delete" || later.kind === earlier.kind;
}

/** Returns what an edit sets. */
export function editOf({ content, parts, metadata }: MessageEdit): MessageEdit {
  return given({ content, parts, metadata });
}

/** Returns whether a message is already as a change would make it. */
export function isAsWanted(message: Message, change: MessageChange, myId: string): boolean {
  if (change.kind === "edit") {
    const { content, parts, metadata } = edited(message, change);
    return (
      message.content === content &&
      JSON.stringify(message.parts ?? null) === JSON.stringify(parts ?? null) &&
      JSON.stringify(message.metadata ?? null) === JSON.stringify(metadata ?? null)
    );
  }
  if (change.kind === "delete") return message.deletedAt !== undefined;
  if (change.kind === "pin") return (message.pinned ?? false) === change.isPinned;
  return isGivenBy(message, change.emoji, myId) === change.isGiven;
}

/** Returns a message as it will be when the server has stored its changes. A refused change shows nothing but an edit. */
export function withChanges(message: Message, entries: readonly Unsent[], myId: string): Message {
  return entries.reduce((before, { change, problem }) => {
    if (change === undefined || (problem !== null && change.kind !== "edit")) return before;
    return before.deletedAt === undefined ? changed(before, change, myId) : before;
  }, message);
}

function changed(message: Message, change: MessageChange, myId: string): Message {
  if (change.kind === "edit") return edited(message, change);
  if (change.kind === "delete") return tombstone(message, new Date().toISOString());
  if (change.kind === "pin") return { ...message, pinned: change.isPinned };
  if (isAsWanted(message, change, myId)) return message;
  const { emoji, isGiven } = change;
  const reactions = message.reactions ?? [];
  return { ...message, reactions: isGiven ? withReaction(reactions, emoji, myId) : without(reactions, emoji, myId) };
}

function edited({ metadata: before, ...rest }: Message, edit: MessageEdit): Message {
  const { content = rest.content, parts, metadata = before } = edit;
  let message = rest;
  if (parts !== undefined) message = withParts(rest, parts);
  else if (content !== undefined && content !== rest.content) message = withContent(rest, content);
  return { ...message, ...given({ metadata: metadata ?? undefined }) };
}

const isGivenBy = ({ reactions = [] }: Message, emoji: string, myId: string): boolean =>
  reactions.some((each) => each.emoji === emoji && each.userIds.includes(myId));

function withReaction(reactions: readonly Reaction[], emoji: string, myId: string): Reaction[] {
  if (!reactions.some((each) => each.emoji === emoji)) return [...reactions, { emoji, count: 1, userIds: [myId] }];
  return reactions.map((each) =>
    each.emoji === emoji ? { emoji, count: each.count + 1, userIds: [...each.userIds, myId] } : each,
  );
}

function without(reactions: readonly Reaction[], emoji: string, myId: string): Reaction[] {
  const left = reactions.map((each) =>
    each.emoji === emoji
      ? { emoji, count: each.count - 1, userIds: each.userIds.filter((userId) => userId !== myId) }
      : each,
  );
  return left.filter(({ count }) => count > 0);
}
