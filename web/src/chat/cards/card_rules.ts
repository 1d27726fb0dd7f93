/** What a reader may do with a card. All functions are pure. The server has the same rules, and decides. */

import type { Card, CardAction, Conversation, MemberRole, Message, User } from "@talkwire/client";
import { may, roleOf } from "@talkwire/client/parts";

/** A message with its card. */
export type CardMessage = Message & { readonly card: Card };

export const hasCard = (message: Message): message is CardMessage =>
  message.card !== undefined && message.deletedAt === undefined;

export const isPoll = ({ decide }: Card): boolean => decide === "poll";

/** Returns whether an action can be chosen: it opens no link, and can decide the card. */
export function isChoice({ decide }: Card, { id, url }: CardAction): boolean {
  return url === undefined && (typeof decide === "string" || id in decide);
}

/** Returns whether a card asks a user with this role in its conversation. */
export function isAsked({ senderId, card }: CardMessage, { id, kind }: User, role: MemberRole | undefined): boolean {
  const { who } = card;
  const isAuthor = senderId === id;
  if (who === undefined) return kind !== "agent" && (isPoll(card) || !isAuthor);
  if (isAuthor && who.author === true) return true;
  if (kind === "agent") return who.agents?.includes(id) === true;
  return who.users?.includes(id) === true || (!isAuthor && who.roles?.includes(role ?? "member") === true);
}

/** Returns whether the reader may choose now. `isBlocked`: neither may write to the other in a direct conversation. */
export function mayChoose(message: CardMessage, conversation: Conversation, me: User, isBlocked: boolean): boolean {
  if (message.card.state !== "open" || isBlocked || conversation.mutedByModerator !== undefined) return false;
  return isAsked(message, me, roleOf(conversation, me));
}

/** Returns how the reader may end a card: `close` a poll, `cancel` another card, or not at all. */
export function endOf(message: Message, conversation: Conversation | undefined, me: User): "close" | "cancel" | null {
  if (!hasCard(message) || message.card.state !== "open" || conversation === undefined) return null;
  const isMine = message.senderId === me.id;
  if (!isPoll(message.card)) return isMine || message.onBehalfOf === me.id ? "cancel" : null;
  const moderates = conversation.kind !== "direct" && may(conversation.kind, roleOf(conversation, me), "manage");
  return isMine || moderates ? "close" : null;
}

/** Returns what a poll's reader has chosen after pressing an action: `max` at most, of which the first one gives way. */
export function afterPress(chosen: readonly string[], pressed: string, max: number): readonly string[] {
  if (chosen.includes(pressed)) return chosen.filter((id) => id !== pressed);
  return [...chosen, pressed].slice(-max);
}
