import { useEffect } from "react";
import { useStore } from "zustand";
import { own } from "../../chat/core";
import type { Presence } from "../../server/payloads";
import { useChat } from "../context";

/** How somebody is; they are watched as long as they are shown. Undefined: nobody says. */
export function usePresence(userId: string | undefined): Presence | undefined {
  const board = useChat().presence;
  useEffect(() => (userId === undefined ? undefined : board.watch(userId)), [board, userId]);
  return useStore(board.state, (state) => (userId === undefined ? undefined : own(state, userId)));
}
