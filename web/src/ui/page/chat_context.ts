import { createContext, useContext } from "react";
import { useStore } from "zustand";
import type { Chat } from "../../chat/chat";
import type { ChatState } from "../../chat/page_core";

export const ChatContext = createContext<Chat | null>(null);

export function useChat(): Chat {
  const chat = useContext(ChatContext);
  if (chat === null) throw new Error("there is no chat above this component");
  return chat;
}

/** Returns a part of the chat's shared state. The selector returns existing values and creates no new ones. */
export function useChatState<T>(select: (state: ChatState) => T): T {
  return useStore(useChat().state, select);
}
