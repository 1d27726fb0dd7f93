/** The cards of messages: how what happens to a decision changes a message. All functions but the last are pure. */

import type { Core } from "../core.ts";
import type { CardDecided, CardUpdated, Message } from "../server/payloads.ts";
import { excerptOf } from "./timeline.ts";

/** A card has changed. `how` returns how its message is then; `excerpt` is how replies quote it, if that has changed. */
interface CardChange {
  readonly conversationId: string;
  readonly messageId: string;
  readonly how: (message: Message) => Message;
  readonly excerpt?: string;
}

/** Returns a message with newer counts. They are older than an end that is known. */
export function withCounts(message: Message, { counts }: CardUpdated): Message {
  if (message.card?.state !== "open") return message;
  return { ...message, card: { ...message.card, counts } };
}

/** Returns a message whose decision has ended. */
export function withDecision(message: Message, decided: CardDecided): Message {
  const { messageId: _message, conversationId: _conversation, content, ...end } = decided;
  if (message.card === undefined) return message;
  return { ...message, card: { ...message.card, ...end }, ...(content === undefined ? {} : { content }) };
}

/** Calls `handler` for each change of a card. */
export function onCardChanged(core: Core, handler: (change: CardChange) => void): void {
  core.on("card:updated", (event) => {
    const { conversationId, messageId } = event;
    handler({ conversationId, messageId, how: (message) => withCounts(message, event) });
  });
  core.on("card:decided", (event) => {
    const { conversationId, messageId, content } = event;
    const excerpt = content === undefined ? {} : { excerpt: excerptOf({ content }) };
    handler({ conversationId, messageId, how: (message) => withDecision(message, event), ...excerpt });
  });
}
