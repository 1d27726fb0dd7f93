import type { User } from "@talkwire/client";
import { useChatState } from "../page/chat_context";

/** Returns whether a person's account was deleted: as their profile says, or before it is loaded, a conversation. */
export function useIsErased(userId: string, user: User | undefined): boolean {
  const isKnown = useChatState(({ conversations }) =>
    Object.values(conversations).some(({ members }) =>
      members?.some((member) => member.userId === userId && member.erased === true),
    ),
  );
  return isKnown || user?.erased === true;
}
