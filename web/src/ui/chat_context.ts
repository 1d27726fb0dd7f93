import { createContext, useContext } from "react";
import { useStore } from "zustand";
import type { Chat } from "../chat/chat";
import type { ChatState } from "../chat/core";

export const ChatContext = createContext<Chat | null>(null);

export function useChat(): Chat {
  const chat = useContext(ChatContext);
  if (chat === null) throw new Error("there is no chat above this component");
  return chat;
}

/** A part of what all parts of the chat share. The selector answers what is there, and makes nothing new. */
export function useChatState<T>(select: (state: ChatState) => T): T {
  return useStore(useChat().state, select);
}
