import { useEffect, useState } from "react";
import { isQuiet } from "../../chat/alerts/notifications";
import type { Chat } from "../../chat/chat";
import { texts } from "../../texts";
import { closeNotifications, showNotification } from "../alerts/browser_notifications";
import { repeat } from "../alerts/sounds";
import { useChat } from "../page/chat_context";
import { goTo } from "../page/page_address";

const RING_MS = 2_200;

/** Returns whether this call must not disturb the reader; null while it is unknown. */
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

/** Rings in one of the reader's tabs; another tab continues when that one is closed. */
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
    const about = { id: callId, title: texts.calls.ringing.voice(name), body: "", conversationId };
    const shown = chat.alerts.tabs.isFocused ? null : showNotification(about, () => goTo(conversationId));
    await ended;
    silence();
    await shown;
    await closeNotifications([callId]);
  };
  const lock = `talkwire.ring.${chat.state.getState().me.id}.${callId}`;
  // A tab that still waits for the lock when the ringing stops has nothing to do.
  if (navigator.locks === undefined) await ringNow();
  else await navigator.locks.request(lock, { signal: ending }, ringNow).catch(() => undefined);
}

/** The server rings in any case. */
async function isDoNotDisturb({ alerts, presence }: Chat): Promise<boolean> {
  if (presence.mine?.status === "dnd") return true;
  try {
    return isQuiet((await alerts.preferences()).doNotDisturb, new Date());
  } catch {
    return false;
  }
}
