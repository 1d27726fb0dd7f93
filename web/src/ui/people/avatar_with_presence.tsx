import type { Presence } from "@talkwire/client";
import { own } from "@talkwire/client/parts";
import { useEffect } from "react";
import { useStore } from "zustand";
import { texts } from "../../texts";
import { Avatar } from "../components/avatar";
import { useChat, useChatState } from "../page/chat_context";
import "./avatar_with_presence.css";

interface Props {
  userId: string;
  name: string;
  picture?: string | undefined;
}

/** A user's picture with their presence, which has a shape of its own and not only a colour. */
export function AvatarWithPresence({ userId, name, picture }: Props) {
  const status = usePresence(userId)?.status ?? "offline";
  return (
    <span className="portrait">
      <Avatar id={userId} name={name} picture={picture} />
      {status !== "offline" && (
        <span
          className={`dot ${status}`}
          role="img"
          aria-label={texts.presence[status]}
          title={texts.presence[status]}
        />
      )}
    </span>
  );
}

/** Returns a user's presence, subscribed while it is shown. Undefined when it is unknown, as without a connection. */
export function usePresence(userId: string | undefined): Presence | undefined {
  const board = useChat().presence;
  const connected = useChatState((state) => state.connected);
  useEffect(() => (userId === undefined ? undefined : board.watch(userId)), [board, userId]);
  const presence = useStore(board.state, (state) => (userId === undefined ? undefined : own(state, userId)));
  return connected ? presence : undefined;
}
