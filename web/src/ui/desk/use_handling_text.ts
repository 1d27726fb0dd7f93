import type { Conversation } from "@talkwire/client";
import { useChatState } from "../page/chat_context";
import { useNameIn } from "../people/use_name_in";
import { deskTexts } from "./texts";

/** Returns in words who handles a conversation, or that it is closed. */
export function useHandlingText({ id, handler, state }: Conversation): string {
  const isMine = useChatState(({ me }) => me.id === handler);
  const name = useNameIn(id, isMine ? undefined : (handler ?? undefined));
  if (state === "closed") return deskTexts.closed;
  if (handler == null) return deskTexts.unhandled;
  return isMine ? deskTexts.youHandle : deskTexts.handledBy(name ?? deskTexts.somebody);
}
