import { useEffect, useState } from "react";
import { isQuiet } from "../../chat/alerts/notifications";
import type { Chat } from "../../chat/chat";
import { texts } from "../../texts";
import { closeNotifications, showNotification } from "../alerts/browser_notifications";
import { repeat } from "../alerts/sounds";
import { useChat } from "../chat_context";
import { goTo } from "../page_address";

const RING_MS = 2_200;

/** Whether the reader does not want to be disturbed by this call; null: not known yet. */
export function useDoNotDisturb(callId: string | null): boolean | null {
  const chat = useChat();
  const [known, setKnown] = useState<{ callId: string; isQuiet: boolean } | null>(null);
  useEffect(() => {
    if (callId === null) return;
    let current = true;
    void isDoNotDisturb(chat).then((isQuiet) => current && setKnown({ callId, isQuiet }));
    return () => {
      current = false;
    };
  }, [chat, callId]);
  return known !== null && known.callId === callId ? known.isQuiet : null;
}

/** Rings, in one of the reader's tabs: in the next one when that is closed. */
export function useRinging(callId: string | null, name: string, conversationId: string): void {
  const chat = useChat();
  useEffect(() => {
    if (callId === null) return;
    const ending = new AbortController();
    void ring(chat, callId, { name, conversationId }, ending.signal);
    return () => ending.abort();
  }, [chat, callId, name, conversationId]);
}

async function ring(
  chat: Chat,
  callId: string,
  { name, conversationId }: { name: string; conversationId: string },
  ending: AbortSignal,
): Promise<void> {
  const ended = new Promise((resolve) => ending.addEventListener("abort", resolve));
  const ringNow = async (): Promise<void> => {
    if (ending.aborted) return;
    const silence = repeat("ring", RING_MS);
    if (!chat.alerts.tabs.isSeen)
      showNotification({ id: callId, title: texts.calls.ringing.voice(name), body: "" }, () => goTo(conversationId));
    await ended;
    silence();
    closeNotifications([callId]);
  };
  const lock = `talkwire.ring.${chat.state.getState().me.id}.${callId}`;
  // Whoever waits for the lock when it stops ringing has nothing to do any more.
  if (navigator.locks === undefined) await ringNow();
  else await navigator.locks.request(lock, { signal: ending }, ringNow).catch(() => undefined);
}

/** The server rings for everybody. */
async function isDoNotDisturb({ alerts, presence }: Chat): Promise<boolean> {
  if (presence.mine?.status === "dnd") return true;
  try {
    return isQuiet((await alerts.preferences()).doNotDisturb, new Date());
  } catch {
    return false;
  }
}
