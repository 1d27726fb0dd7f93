import type { Conversation } from "@talkwire/client";
import { may, roleOf } from "@talkwire/client/parts";
import { useChatState } from "../page/chat_context";

/** Returns whether the page offers to make offers in a conversation: not in channels, and where the reader may write. */
export function useOffers(conversation: Conversation): boolean {
  return useChatState(
    ({ features, me }) =>
      features.offers &&
      conversation.kind !== "channel" &&
      conversation.mutedByModerator === undefined &&
      may(conversation.kind, roleOf(conversation, me), "post"),
  );
}
