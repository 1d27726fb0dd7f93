import type { Notice } from "@talkwire/client";
import { own } from "@talkwire/client/parts";
import { useStore } from "zustand";
import type { ChatState } from "../../chat/page_core";
import { useChat, useChatState } from "../page/chat_context";
import { useStrangersName } from "./use_strangers_name";

/**
 * Returns the name of a user in a conversation, also of one who has left it; undefined while nothing is known of them.
 *
 * Asks the server about a user of whom nothing is loaded.
 */
export function useNameIn(conversationId: string, userId: string | undefined): string | undefined {
  const loaded = useLoadedName(conversationId, userId);
  const found = useStrangersName(loaded === undefined ? userId : undefined);
  return loaded ?? found;
}

/** Returns the name that the loaded part of a conversation has of a user: as a member, in a message or in a notice. */
export function useLoadedName(conversationId: string, userId: string | undefined): string | undefined {
  const name = useChatState(
    (state) => userId && (memberIn(state, conversationId, userId) ?? senderIn(state, conversationId, userId)),
  );
  const noticed = useStore(useChat().notices.state, (state) =>
    name === undefined && userId !== undefined ? namedIn(own(state, conversationId)?.notices, userId) : undefined,
  );
  return name ?? noticed;
}

const memberIn = ({ conversations }: ChatState, conversationId: string, id: string): string | undefined =>
  own(conversations, conversationId)?.members?.find(({ userId }) => userId === id)?.name;

const senderIn = ({ timelines }: ChatState, conversationId: string, id: string): string | undefined =>
  own(timelines, conversationId)?.messages.findLast(({ senderId }) => senderId === id)?.sender.name;

function namedIn(notices: readonly Notice[] = [], id: string): string | undefined {
  const notice = notices.findLast(({ names }) => own(names, id) !== undefined);
  return notice && own(notice.names, id);
}
