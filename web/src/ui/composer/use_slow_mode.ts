import type { Message } from "@talkwire/client";
import { own } from "@talkwire/client/parts";
import { useCallback, useMemo, useSyncExternalStore } from "react";
import { useStore } from "zustand";
import { lastWrittenAt, type SlowTimes, slowModeMs, slowTimes } from "../../chat/messages/slow_mode";
import { useChat, useChatState } from "../page/chat_context";

const NO_MESSAGES: readonly Message[] = [];
const SECOND_MS = 1_000;

/** Returns when the reader's messages of a conversation can be sent; null where slow mode does not limit them. */
export function useSlowMode(id: string): SlowTimes | null {
  const { messages } = useChat();
  const me = useChatState((state) => state.me);
  const conversation = useChatState((state) => own(state.conversations, id));
  const shown = useChatState((state) => own(state.timelines, id)?.messages ?? NO_MESSAGES);
  const sentAt = useStore(messages.sentAt, (all) => all.get(id));
  const outbox = useStore(messages.outbox);
  return useMemo(() => {
    const slowMs = conversation === undefined ? 0 : slowModeMs(conversation, me);
    if (slowMs === 0) return null;
    const unsent = outbox.filter(({ conversationId }) => conversationId === id);
    return slowTimes(unsent, slowMs, lastWrittenAt(shown, sentAt, me.id), Date.now());
  }, [id, conversation, me, shown, sentAt, outbox]);
}

/** Returns the seconds until a time, and renders the component again as they pass; 0 afterwards. */
export function useSecondsUntil(time: number): number {
  const follow = useCallback(
    (changed: () => void) => {
      const timer = setInterval(() => {
        if (time <= Date.now()) clearInterval(timer);
        changed();
      }, SECOND_MS);
      return () => clearInterval(timer);
    },
    [time],
  );
  return useSyncExternalStore(follow, () => Math.max(0, Math.ceil((time - Date.now()) / SECOND_MS)));
}
