import type { Presence } from "@talkwire/client";
import { own } from "@talkwire/client/parts";
import { useEffect } from "react";
import { useStore } from "zustand";
import { useChat, useChatState } from "../page/chat_context";

/** Returns a user's presence, subscribed while it is shown. Undefined when it is unknown, as without a connection. */
export function usePresence(userId: string | undefined): Presence | undefined {
  const board = useChat().presence;
  const connected = useChatState((state) => state.connected);
  useEffect(() => (userId === undefined ? undefined : board.watch(userId)), [board, userId]);
  const presence = useStore(board.state, (state) => (userId === undefined ? undefined : own(state, userId)));
  return connected ? presence : undefined;
}
