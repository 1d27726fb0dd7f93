import type { Notice } from "@talkwire/client";
import { own } from "@talkwire/client/parts";
import { useStore } from "zustand";
import { useShallow } from "zustand/react/shallow";
import type { ChatState } from "../../chat/page_core";
import { useChat, useChatState } from "../page/chat_context";
import { useStrangersName } from "./use_strangers_name";

const NOBODY: readonly string[] = [];

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
  return useLoadedNames(conversationId, userId === undefined ? NOBODY : [userId])[0];
}

/** Returns the names that the loaded part of a conversation has of some users, in their order. */
export function useLoadedNames(conversationId: string, userIds: readonly string[]): readonly (string | undefined)[] {
  const names = useChatState(
    useShallow((state) =>
      userIds.map((id) => memberIn(state, conversationId, id) ?? senderIn(state, conversationId, id)),
    ),
  );
  return useStore(
    useChat().notices.state,
    useShallow((state) => userIds.map((id, index) => names[index] ?? namedIn(own(state, conversationId)?.notices, id))),
  );
}

/** Returns the picture that the loaded part of a conversation has of a user: as a member, or else in a message. */
export function useLoadedPicture(conversationId: string, userId: string): string | undefined {
  return useChatState(({ conversations, timelines }) => {
    const member = own(conversations, conversationId)?.members?.find((each) => each.userId === userId);
    if (member !== undefined) return member.avatar;
    return own(timelines, conversationId)?.messages.findLast(({ senderId }) => senderId === userId)?.sender.avatar;
  });
}

const memberIn = ({ conversations }: ChatState, conversationId: string, id: string): string | undefined =>
  own(conversations, conversationId)?.members?.find(({ userId }) => userId === id)?.name;

const senderIn = ({ timelines }: ChatState, conversationId: string, id: string): string | undefined =>
  own(timelines, conversationId)?.messages.findLast(({ senderId }) => senderId === id)?.sender.name;

function namedIn(notices: readonly Notice[] = [], id: string): string | undefined {
  const notice = notices.findLast(({ names }) => own(names, id) !== undefined);
  return notice && own(notice.names, id);
}
