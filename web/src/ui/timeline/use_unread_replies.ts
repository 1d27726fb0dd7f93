import type { Message } from "@talkwire/client";
import { own, type Timeline } from "@talkwire/client/parts";
import { useEffect, useMemo, useState } from "react";
import { useStore } from "zustand";
import { type Row, withArrived } from "../../chat/messages/rows";
import { useChat, useChatState } from "../page/chat_context";

const NONE: readonly Message[] = [];

interface Found {
  readonly id: string;
  readonly after: number;
  readonly replies: readonly Message[];
}

/**
 * Returns the replies in threads that were unread when the conversation was opened, until they are read. Its count has
 * them, but it has no rows for them, and their roots may be far above. Loads them where the unread rows are fewer than the
 * count says.
 */
export function useUnreadReplies(id: string, timeline: Timeline, rows: readonly Row[]): readonly Message[] {
  const { messages } = useChat();
  const unread = useChatState((state) => state.unread);
  const myId = useChatState((state) => state.me.id);
  const [found, setFound] = useState<Found | null>(null);
  const after = unread?.after ?? null;
  const isShort = after !== null && timeline.atEnd && unreadRows(rows, after, myId) < (unread?.count ?? 0);
  useEffect(() => {
    if (!isShort) return;
    let isWanted = true;
    // Some arrive while the others are on their way.
    const arrived: Message[] = [];
    const stop = messages.newestReply.subscribe(({ reply }) => {
      if (reply?.conversationId !== id) return;
      arrived.push(reply);
      setFound((before) => before && { ...before, replies: withArrived(before.replies, reply) });
    });
    const take = (replies: readonly Message[]): void => {
      if (isWanted) setFound({ id, after, replies: arrived.reduce(withArrived, replies) });
    };
    // What is not found is not shown; the list of threads has it too.
    messages.repliesAfter(id, after).then(take, () => undefined);
    return () => {
      isWanted = false;
      stop();
    };
  }, [messages, id, after, isShort]);
  const replies = found !== null && found.id === id && found.after === after ? found.replies : NONE;
  return useStillUnread(replies, (rootId) =>
    setFound((before) => before && { ...before, replies: outside(before, rootId) }),
  );
}

const outside = ({ replies }: Found, rootId: string): readonly Message[] =>
  replies.filter(({ threadId }) => threadId !== rootId);

/**
 * Leaves out the replies in threads that were read. The server counts what is unread only in those that the reader
 * follows: another one, which `onRead` is called with, is read when it is opened.
 */
function useStillUnread(replies: readonly Message[], onRead: (rootId: string) => void): readonly Message[] {
  const unreadCounts = useStore(useChat().followedThreads.state, (state) => state.unreadCounts);
  const openId = useChatState(({ panel }) => (panel?.kind === "thread" ? panel.rootId : null));
  const isRead =
    openId !== null && own(unreadCounts, openId) === undefined && replies.some(({ threadId }) => threadId === openId);
  useEffect(() => {
    if (isRead) onRead(openId);
  }, [isRead, openId, onRead]);
  return useMemo(
    () => replies.filter(({ threadId = "" }) => own(unreadCounts, threadId) !== 0),
    [replies, unreadCounts],
  );
}

function unreadRows(rows: readonly Row[], after: number, myId: string): number {
  return rows.filter(({ message: { seq, senderId } }) => seq > after && senderId !== myId).length;
}
