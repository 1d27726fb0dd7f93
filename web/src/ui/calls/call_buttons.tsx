import type { Conversation } from "@talkwire/client";
import { Phone, Video } from "lucide-react";
import { useStore } from "zustand";
import { texts } from "../../texts";
import { IconButton } from "../components/icon_button";
import { useChat, useChatState } from "../page/chat_context";
import { useMayCall } from "./use_may_call";

/** Buttons that call the other user of a direct conversation. There is one call at a time. */
export function CallButtons({ conversation }: { conversation: Conversation }) {
  const { calls } = useChat();
  const isFree = useStore(calls.state, ({ phase }) => phase === "idle" || phase === "over");
  const connected = useChatState((state) => state.connected);
  if (!useMayCall(conversation)) return null;
  const dial = (withVideo: boolean): void => void calls.dial(conversation.id, withVideo);
  const disabled = !isFree || !connected;
  return (
    <>
      <IconButton icon={Phone} label={texts.calls.voice} disabled={disabled} onClick={() => dial(false)} />
      <IconButton
        icon={Video}
        label={texts.calls.video}
        className="wide-only"
        disabled={disabled}
        onClick={() => dial(true)}
      />
    </>
  );
}
