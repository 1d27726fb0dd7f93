import { createContext, useContext } from "react";
import { useStore } from "zustand";
import type { Chat, ChatState } from "../chat/chat";

export const ChatContext = createContext<Chat | null>(null);

export function useChat(): Chat {
  const chat = useContext(ChatContext);
  if (chat === null) throw new Error("there is no chat above this component");
  return chat;
}

/** A part of the chat's state. The selector answers what is there, and makes nothing new. */
export function useChatState<T>(select: (state: ChatState) => T): T {
  return useStore(useChat().state, select);
}
