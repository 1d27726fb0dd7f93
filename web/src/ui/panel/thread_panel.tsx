import type { Conversation, Message } from "@talkwire/client";
import { firstUnread, lacksStart, type OutboxEntry, own, type Thread } from "@talkwire/client/parts";
import { BellOff, BellPlus, ChevronLeft } from "lucide-react";
import { type RefObject, useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import { useStore } from "zustand";
import type { Panel } from "../../chat/page_core";
import { texts } from "../../texts";
import { dayOf } from "../../time_format";
import { nameOf } from "../components/conversation_names";
import { IconButton } from "../components/icon_button";
import { PanelFrame } from "../components/panel_frame";
import { leavePanel, useGoToMessage } from "../components/panel_layout";
import { MessageInput } from "../composer/message_input";
import { byTouch, focusComposer } from "../keyboard/focus";
import { useChat, useChatState } from "../page/chat_context";
import { useLasting } from "../page/use_lasting";
import { useReconnects } from "../page/use_reconnects";
import { SEEN_AFTER_MS, useWindowFocus } from "../page/use_window_focus";
import { DayLine } from "../timeline/day_line";
import { MessageView } from "../timeline/message_view";
import { OutboxEntryView } from "../timeline/outbox_entry_view";
import { ThreadContext } from "../timeline/thread_context";
import { ToNewest } from "../timeline/to_newest";
import { useGrowth } from "../timeline/use_growth";
import "./thread_panel.css";

type Wanted = Extract<Panel, { kind: "thread" }>;

interface Props {
  conversation: Conversation;
  panel: Wanted;
}

/** A thread beside its conversation: the root, the replies and a composer. */
export default function ThreadPanel({ conversation, panel }: Props) {
  const { threads } = useChat();
  const jump = useGoToMessage();
  const { rootId, messageId } = panel;
  const { id } = conversation;
  const thread = useStore(threads.state, (state) => state.thread);
  useEffect(() => {
    void threads.open(rootId, messageId);
  }, [threads, rootId, messageId]);
  useEffect(() => () => threads.close(rootId), [threads, rootId]);
  const reconnects = useReconnects();
  useEffect(() => {
    if (reconnects > 0 && threads.state.getState().thread?.problem) void threads.open(rootId, messageId);
  }, [threads, rootId, messageId, reconnects]);
  const known = useChatState(({ timelines }) => own(timelines, id)?.messages.find((each) => each.id === rootId));
  const root = thread?.root ?? known;
  const connected = useChatState((state) => state.connected);
  useEffect(() => {
    // Also when the reader opens a thread that is open already.
    if (panel.messageId === undefined && !byTouch) focusComposer(document.querySelector(".panel"));
  }, [panel]);
  const name = nameOf(conversation);
  return (
    <PanelFrame
      back={panel.isFromList && <BackToList />}
      title={texts.thread}
      subtitle={
        <button
          type="button"
          className="panel-place reach"
          title={texts.showInConversation}
          aria-label={texts.labelled(name, texts.showInConversation)}
          onClick={() => jump(id, rootId)}
        >
          <bdi>{name}</bdi>
        </button>
      }
      actions={thread?.following !== undefined && <FollowButton rootId={rootId} following={thread.following} />}
      footer={
        <MessageInput
          key={rootId}
          conversation={conversation}
          placeholder={texts.messageToThread}
          threadId={rootId}
          isGone={root?.deletedAt !== undefined}
        />
      }
    >
      <ThreadContext value={true}>
        {thread !== null && root !== undefined && <Replies thread={thread} root={root} wanted={panel} />}
        {thread?.problem && connected && (
          <p className="problem" role="alert">
            {thread.problem}{" "}
            <button type="button" className="quiet" onClick={() => void threads.open(rootId, messageId)}>
              {texts.retry}
            </button>
          </p>
        )}
        {!thread?.root && connected && !thread?.problem && (
          <p className="note" role="status">
            {texts.loading}
          </p>
        )}
        {!thread?.root && !connected && (root === undefined || (root.replyCount ?? 0) > 0) && (
          <p className="note" role="status">
            {texts.notLoadedYet} {texts.loadedLater}
          </p>
        )}
      </ThreadContext>
    </PanelFrame>
  );
}

function BackToList() {
  const chat = useChat();
  return <IconButton icon={ChevronLeft} label={texts.threads.back} onClick={() => leavePanel(chat)} />;
}

function FollowButton({ rootId, following }: { rootId: string; following: boolean }) {
  const chat = useChat();
  const label = following ? texts.threads.unfollow : texts.threads.follow;
  const toggle = (): void => {
    chat.threads.follow(rootId, !following).catch((error: Error) => chat.showNotice(error.message));
  };
  return <IconButton icon={following ? BellOff : BellPlus} label={label} onClick={toggle} />;
}

function Replies({ thread, root, wanted }: { thread: Thread; root: Message; wanted: Wanted }) {
  const { threads, followedThreads } = useChat();
  const unreadCount = useStore(followedThreads.state, ({ unreadCounts }) => own(unreadCounts, thread.rootId) ?? 0);
  const outbox = useUnsentEntries(thread.rootId);
  const myId = useChatState((state) => state.me.id);
  const unread = firstUnread(thread, myId);
  const count = root.replyCount ?? 0;
  // One line for both.
  const isAllUnread = thread.next === null && unread !== undefined && unread === thread.replies[0];
  const isAwaited = lacksStart(thread);
  const caughtUp = useChatState((state) => state.caughtUp);
  const hasFocus = useWindowFocus();
  const isHere = useLasting(caughtUp && hasFocus, SEEN_AFTER_MS);
  const { list, isAtEnd, toEnd } = useFollowing({
    count: thread.replies.length + outbox.length,
    sentId: outbox.at(-1)?.clientMessageId,
    unreadId: unread !== undefined && isAfterWanted(unread, thread) ? unread.id : undefined,
    caughtUp,
    hasFocus,
    isAwaited,
    wanted: thread.wantedId === undefined || isAwaited ? null : wanted,
  });
  useGrowth(list, [root, ...thread.replies].some(isGrowing), !caughtUp);
  useMarkThreadRead(thread, isHere, isAtEnd);
  return (
    <>
      <div className="thread" ref={list}>
        <Day of={root} />
        <MessageView message={root} continued={false} />
        {count > 0 && !isAllUnread && <p className="thread-count">{texts.replies(count)}</p>}
        {thread.next !== null && (
          <button type="button" className="quiet" onClick={() => void threads.loadOlder()}>
            {texts.olderReplies}
          </button>
        )}
        <ul>
          {thread.replies.map((reply, index) => (
            <Reply
              key={reply.id}
              reply={reply}
              before={thread.replies[index - 1] ?? (thread.next === null ? root : undefined)}
              startsUnread={reply === unread}
              count={isAllUnread ? count : 0}
              wanted={reply.id === thread.wantedId ? wanted : null}
            />
          ))}
          {outbox.map((entry) => (
            <li key={entry.clientMessageId}>
              <OutboxEntryView entry={entry} continued={false} />
            </li>
          ))}
        </ul>
      </div>
      {isAtEnd === false && <ToNewest unread={unreadCount} onClick={toEnd} />}
    </>
  );
}

const isGrowing = ({ state }: Message): boolean => state === "streaming";

/** Returns whether a reply comes after the one at which the reader has opened the thread, if it was opened at one. */
function isAfterWanted({ seq }: Message, { wantedId, replies }: Thread): boolean {
  const wanted = replies.find(({ id }) => id === wantedId);
  return wantedId === undefined || (wanted !== undefined && seq > wanted.seq);
}

/** The day of a message, unless it is that of the message before. */
function Day({ of: { createdAt }, after }: { of: Message; after?: Message | undefined }) {
  const day = dayOf(createdAt);
  return after === undefined || dayOf(after.createdAt) !== day ? <DayLine at={createdAt} level="h3" /> : null;
}

interface ReplyProps {
  reply: Message;
  /** The message before it, if it is loaded. */
  before: Message | undefined;
  /** Whether it is the first unread one. */
  startsUnread: boolean;
  /** How many replies there are, where the line above the first unread one says so; 0 elsewhere. */
  count: number;
  /** Set if the reader has opened the thread at this reply. */
  wanted: Wanted | null;
}

function Reply({ reply, before, startsUnread, count, wanted }: ReplyProps) {
  const element = useRef<HTMLLIElement>(null);
  const [isShown, setShown] = useState(false);
  useLayoutEffect(() => {
    if (wanted !== null) element.current?.scrollIntoView({ block: "center" });
  }, [wanted]);
  useEffect(() => {
    if (wanted === null) return;
    element.current?.querySelector<HTMLElement>("[data-id]")?.focus({ preventScroll: true });
    setShown(true);
    const timer = setTimeout(() => setShown(false), 2_000);
    return () => clearTimeout(timer);
  }, [wanted]);
  return (
    <li ref={element} className={isShown ? "row shown" : "row"}>
      <Day of={reply} after={before} />
      {startsUnread && (
        <div className="unread-from">
          {count > 0 && <span className="thread-total">{texts.replies(count)}</span>}
          {texts.newMessages}
        </div>
      )}
      <MessageView message={reply} continued={false} />
    </li>
  );
}

function useUnsentEntries(rootId: string): readonly OutboxEntry[] {
  const outbox = useStore(useChat().messages.outbox);
  return useMemo(() => outbox.filter(({ threadId }) => threadId === rootId), [outbox, rootId]);
}

/** Marks replies in sight as read, while the reader is here. */
function useMarkThreadRead({ replies }: Thread, isHere: boolean, isAtEnd: boolean | null): void {
  const { threads } = useChat();
  const lastId = replies.at(-1)?.id;
  useEffect(() => {
    if (isHere && lastId !== undefined && isAtEnd) void threads.markRead();
  }, [threads, isHere, lastId, isAtEnd]);
  // A reply that has just come has no place yet, and is seen all the same.
  const isWatched = isHere && isAtEnd !== false;
  useEffect(() => {
    threads.isWatched = isWatched;
    return () => {
      threads.isWatched = false;
    };
  }, [threads, isWatched]);
}

/** Pixels from the end within which the list follows new replies. */
const NEAR_END = 80;

interface Followed {
  /** How many replies there are. */
  readonly count: number;
  /** The reader's newest reply that is not stored yet. */
  readonly sentId: string | undefined;
  /** The first unread reply, at which the list starts; undefined: none. */
  readonly unreadId: string | undefined;
  /** Whether all replies that were missed have come. Until then the list stays where it is. */
  readonly caughtUp: boolean;
  /** Whether the reader looks at the window. */
  readonly hasFocus: boolean;
  /** Whether the reply at which the list starts is not loaded yet. */
  readonly isAwaited: boolean;
  /** Set once the list is at the reply that the reader wants to see. */
  readonly wanted: Wanted | null;
}

interface Following {
  readonly list: RefObject<HTMLDivElement | null>;
  /** Whether the reader is at the end of the list; null until that is known. */
  readonly isAtEnd: boolean | null;
  readonly toEnd: () => void;
}

/** Returns whether what is in a list from an element on does not fit the screen. */
function exceedsScreen(from: Element, list: Element | null): boolean {
  const height = (list?.getBoundingClientRect().bottom ?? 0) - from.getBoundingClientRect().top;
  return height > (list?.parentElement?.clientHeight ?? 0);
}

/** Before a list has its place. */
const NOWHERE = { count: -1, isInSight: false };

/**
 * Keeps the end of a list in sight while the reader is there, and goes there with each message that they send. The first
 * unread reply comes into sight once, also one that has come while nobody looked. A list that starts at a wanted or an
 * unread reply does not go to its end before that.
 */
function useFollowing({ count, sentId, unreadId, caughtUp, hasFocus, isAwaited, wanted }: Followed): Following {
  const list = useRef<HTMLDivElement>(null);
  const isFollowing = useRef(true);
  const shownUnread = useRef<string>(undefined);
  /** Where the list was when the connection was lost, and stays until all that was missed has come; null otherwise. */
  const heldAt = useRef<number | null>(null);
  const shown = useRef<Wanted | null>(null);
  /** Whether the end was in sight with so many replies: a new page has no place yet. */
  const [end, setEnd] = useState(NOWHERE);
  const toEnd = useCallback(() => {
    const scroller = list.current?.parentElement;
    if (scroller) scroller.scrollTop = scroller.scrollHeight;
  }, []);
  const readPosition = useCallback(() => {
    const scroller = list.current?.parentElement;
    if (!scroller || isAwaited) return;
    const isInSight = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < NEAR_END;
    if (heldAt.current === null) isFollowing.current = isInSight;
    // What was missed is below the reader, who has not moved away from it.
    else if (scroller.scrollTop < heldAt.current - NEAR_END) isFollowing.current = false;
    setEnd({ count, isInSight });
  }, [count, isAwaited]);
  useEffect(() => {
    const scroller = list.current?.parentElement;
    scroller?.addEventListener("scroll", readPosition, { passive: true });
    return () => scroller?.removeEventListener("scroll", readPosition);
  }, [readPosition]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: runs whenever a reply is added
  useLayoutEffect(() => {
    const isAtWanted = wanted !== null && wanted !== shown.current;
    shown.current = wanted;
    if (isAwaited) {
      setEnd(NOWHERE);
      return;
    }
    const wasHeld = heldAt.current !== null;
    heldAt.current =
      caughtUp || end === NOWHERE ? null : (heldAt.current ?? list.current?.parentElement?.scrollTop ?? 0);
    if (heldAt.current !== null) {
      readPosition();
      return;
    }
    const isNew = hasFocus && !isAtWanted && unreadId !== undefined && unreadId !== shownUnread.current;
    const line = isNew ? list.current?.querySelector(".unread-from") : undefined;
    if (isFollowing.current && !isAtWanted && !(wasHeld && line && exceedsScreen(line, list.current))) toEnd();
    if (isNew || isAtWanted) shownUnread.current = unreadId;
    line?.scrollIntoView({ block: "nearest" });
    readPosition();
  }, [count, unreadId, caughtUp, hasFocus, isAwaited, wanted]);
  useLayoutEffect(() => {
    if (sentId !== undefined) toEnd();
  }, [sentId, toEnd]);
  return { list, isAtEnd: end.count === count ? end.isInSight : null, toEnd };
}
