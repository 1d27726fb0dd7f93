import type { Message } from "@talkwire/client";
import type { Timeline } from "@talkwire/client/parts";
import { useEffect, useState } from "react";
import type { Row } from "../../chat/messages/rows";
import { useChat, useChatState } from "../page/chat_context";

const NONE: readonly Message[] = [];

/**
 * Returns the replies in threads that were unread when the conversation was opened. Its count has them, but it has no
 * rows for them, and their roots may be far above. Loads them where the unread rows are fewer than the count says.
 */
export function useUnreadReplies(id: string, timeline: Timeline, rows: readonly Row[]): readonly Message[] {
  const { messages } = useChat();
  const unread = useChatState((state) => state.unread);
  const myId = useChatState((state) => state.me.id);
  const [found, setFound] = useState<{ id: string; after: number; replies: readonly Message[] } | null>(null);
  const after = unread?.after ?? null;
  const isShort = after !== null && timeline.atEnd && unreadRows(rows, after, myId) < (unread?.count ?? 0);
  useEffect(() => {
    if (!isShort) return;
    let isWanted = true;
    const take = (replies: readonly Message[]): void => {
      if (isWanted) setFound({ id, after, replies });
    };
    // What is not found is not shown; the list of threads has it too.
    messages.repliesAfter(id, after).then(take, () => undefined);
    return () => {
      isWanted = false;
    };
  }, [messages, id, after, isShort]);
  return found !== null && found.id === id && found.after === after ? found.replies : NONE;
}

function unreadRows(rows: readonly Row[], after: number, myId: string): number {
  return rows.filter(({ message: { seq, senderId } }) => seq > after && senderId !== myId).length;
}
