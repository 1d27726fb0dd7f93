import type { Message } from "@talkwire/client";
import { own, type Timeline } from "@talkwire/client/parts";
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef } from "react";
import type { Row } from "../../chat/messages/rows";
import {
  advanced,
  fromStart,
  type InSight,
  type Progress,
  type UnseenAbove,
  unseenAbove,
} from "../../chat/messages/unseen";
import type { UnreadMessages } from "../../chat/page_core";
import { useChat, useChatState } from "../page/chat_context";
import { useLasting } from "../page/use_lasting";
import { SEEN_AFTER_MS, useWindowFocus } from "../page/use_window_focus";

/** While the reader scrolls on, what is in sight is reported as read this often. */
const READ_EVERY_MS = 2_000;

/** What is on the screen of a conversation. */
interface Shown {
  readonly rows: readonly Row[];
  readonly timeline: Timeline;
  readonly sight: InSight | null;
  /** Whether the conversation's newest message is in sight. */
  readonly atEnd: boolean;
  /** Whether the list stays where it was when the connection was lost. */
  readonly isHeld: boolean;
}

/**
 * Marks messages on the screen as read, while the window has the focus and no unread messages above them were skipped.
 * Returns those.
 */
export function useReading(id: string, shown: Shown): UnseenAbove | null {
  const { alerts, messages, state } = useChat();
  const caughtUp = useChatState((state) => state.caughtUp);
  const isKept = useChatState(({ keptUnread }) => keptUnread === id);
  const hasFocus = useWindowFocus();
  const { rows, timeline, sight, atEnd, isHeld } = shown;
  const { above, skips } = useUnseenAbove(shown, hasFocus);
  const isBack = useLasting(caughtUp && !isHeld, SEEN_AFTER_MS);
  const watched = isBack && hasFocus && atEnd;
  useEffect(() => {
    state.setState({ watched, skips });
    return () => state.setState({ watched: false, skips: false });
  }, [state, watched, skips]);
  useEffect(() => {
    // Such as a call that was missed without a connection.
    if (watched && !isKept) void alerts.markSeen(id);
  }, [alerts, id, watched, isKept]);
  const offerUndo = useOfferUndo(id, shown);
  const endSeq = timeline.upTo ?? timeline.messages.at(-1)?.seq;
  const reads = !isKept && !skips;
  useEffect(() => {
    if (!watched || !reads || endSeq === undefined) return;
    offerUndo();
    void messages.markRead(id).catch(() => undefined);
  }, [messages, id, watched, reads, endSeq, offerUndo]);
  useReadWhileScrolling(
    id,
    hasFocus && reads ? rows.find(({ message }) => message.seq === sight?.last)?.message : undefined,
  );
  return above;
}

/** Marks everything up to a message as read that stays in sight; undefined: nothing is. */
function useReadWhileScrolling(id: string, lowest: Message | undefined): void {
  const { messages } = useChat();
  const inSight = useRef(lowest);
  inSight.current = lowest;
  const firstAt = useRef<number | null>(null);
  const report = useCallback(() => {
    firstAt.current = null;
    if (inSight.current !== undefined) void messages.markRead(id, inSight.current).catch(() => undefined);
  }, [messages, id]);
  const leave = useCallback(() => {
    if (inSight.current !== undefined) messages.markReadBeforeEnd(id, inSight.current);
  }, [messages, id]);
  const lowestId = lowest?.id;
  useEffect(() => {
    if (lowestId === undefined) return;
    firstAt.current ??= Date.now();
    const left = firstAt.current + READ_EVERY_MS - Date.now();
    const timer = setTimeout(report, Math.max(0, Math.min(SEEN_AFTER_MS, left)));
    return () => clearTimeout(timer);
  }, [lowestId, report]);
  useEffect(() => {
    addEventListener("pagehide", leave);
    return () => removeEventListener("pagehide", leave);
  }, [leave]);
}

/** Returns a function that offers to take it back when more than a screen of unread messages is marked as read. */
function useOfferUndo(id: string, shown: Shown): () => void {
  const chat = useChat();
  const now = useRef(shown);
  now.current = shown;
  return useCallback(() => {
    const { unreadCount = 0, readSeq = 0 } = own(chat.state.getState().conversations, id) ?? {};
    const { rows, timeline, sight } = now.current;
    if (unreadCount <= (sight?.count ?? 0)) return;
    // The count has replies in threads, too, which are in no row.
    const myId = chat.state.getState().me.id;
    const first = rows.find(({ message }) => message.seq > readSeq && message.senderId !== myId)?.message.seq;
    const isLoaded = timeline.atStart || (timeline.messages[0]?.seq ?? readSeq + 2) <= readSeq + 1;
    if (isLoaded && (first === undefined || (sight !== null && first >= sight.first))) return;
    chat.offerUnread(id, readSeq, unreadCount);
  }, [chat, id]);
}

/** Returns the unread messages above the screen that were never on it, and whether the reader has skipped any. */
function useUnseenAbove(
  { rows, timeline: { atStart }, sight }: Shown,
  hasFocus: boolean,
): { above: UnseenAbove | null; skips: boolean } {
  const unread = useChatState((state) => state.unread);
  const myId = useChatState((state) => state.me.id);
  const last = useRef<{ unread: UnreadMessages; progress: Progress; above: UnseenAbove | null }>(null);
  const now = useMemo(() => {
    if (unread === null) return null;
    const before = last.current?.unread.after === unread.after ? last.current : null;
    const progress = before?.progress ?? fromStart(unread);
    // The list is on its way.
    if (sight === null || rows.length === 0) return { unread, progress, above: before?.above ?? null };
    const view = { myId, atStart, hasFocus };
    const next = advanced(progress, rows, { ...sight, jumped: sight.jumped || before === null }, view);
    return { unread, progress: next, above: unseenAbove(next, rows, sight, view, unread) };
  }, [unread, rows, sight, myId, atStart, hasFocus]);
  useLayoutEffect(() => {
    last.current = now;
  });
  return { above: now?.above ?? null, skips: now?.progress.skips === true && unread?.isAnswered !== true };
}
