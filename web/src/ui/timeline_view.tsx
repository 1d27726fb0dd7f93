import { memo, useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import { Virtualizer, type VirtualizerHandle } from "virtua";
import type { Letter } from "../chat/outbox";
import { statusOf } from "../chat/receipts";
import { EMPTY, type Row, rowsOf, type Timeline } from "../chat/timeline";
import type { Message, Reaction } from "../server/payloads";
import { texts } from "../texts";
import { Avatar } from "./avatar";
import { useChat, useChatState } from "./context";
import { MessageText } from "./markdown";
import { dayOf, fullTime, timeOfDay } from "./times";

/** Pixels from an end of the list at which the next page is loaded, or within which the reader is at the end. */
const NEAR_START = 600;
const NEAR_END = 120;

const LOADING: Timeline = { ...EMPTY, atStart: false };

/** One conversation's messages, of which only those in sight are in the document. */
export function TimelineView({ id }: { id: string }) {
  const chat = useChat();
  const myId = useChatState((state) => state.me.id);
  const loaded = useChatState((state) => state.timelines[id]);
  const timeline = loaded ?? LOADING;
  const unreadAfter = useChatState((state) => state.unreadAfter);
  const letters = useChatState((state) => state.letters);
  const list = useRef<VirtualizerHandle>(null);
  const scroller = useRef<HTMLDivElement>(null);
  const [atEnd, setAtEnd] = useState(true);
  const placed = useRef(false);

  const rows = useMemo(() => rowsOf(timeline, unreadAfter, myId), [timeline, unreadAfter, myId]);
  const unsent = useMemo(() => letters.filter((letter) => letter.conversationId === id), [letters, id]);
  const count = rows.length + unsent.length;
  const firstKey = timeline.messages[0]?.id;
  const before = useRef(firstKey);
  const grewAtStart = before.current !== undefined && before.current !== firstKey;
  useLayoutEffect(() => {
    before.current = firstKey;
  });

  // At first where the unread begins; then with the newest, as long as the reader is there.
  useLayoutEffect(() => {
    if (loaded === undefined || count === 0) return;
    const unread = placed.current ? -1 : rows.findIndex((row) => row.startsUnread);
    if (unread > 0) list.current?.scrollToIndex(unread, { align: "start" });
    else if (!placed.current || (atEnd && !grewAtStart)) list.current?.scrollToIndex(count - 1, { align: "end" });
    placed.current = true;
  }, [loaded, rows, count, atEnd, grewAtStart]);

  const scrolled = useCallback(
    (offset: number) => {
      const handle = list.current;
      if (handle === null) return;
      const left = handle.scrollSize - offset - handle.viewportSize;
      setAtEnd(left < NEAR_END);
      if (offset < NEAR_START) void chat.loadOlder(id);
      if (left < NEAR_START) void chat.loadNewer(id);
    },
    [chat, id],
  );

  // A short page does not fill the window, and nobody can scroll.
  useEffect(() => {
    const element = scroller.current;
    if (element !== null && !timeline.atStart && element.scrollHeight <= element.clientHeight) void chat.loadOlder(id);
  }, [chat, id, timeline]);
  useEffect(() => {
    if (atEnd && !timeline.atEnd) void chat.loadNewer(id);
  }, [chat, id, atEnd, timeline]);
  useMarkRead(id, atEnd, timeline.messages.at(-1));

  if (timeline.atStart && count === 0) return <p className="note">{texts.noMessages}</p>;
  return (
    <div className="timeline">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by the keyboard */}
      <div className="scroller" ref={scroller} tabIndex={0} role="log" aria-label={texts.messages} aria-live="off">
        <div className="filler" />
        <Virtualizer ref={list} scrollRef={scroller} shift={grewAtStart} onScroll={scrolled}>
          {rows.map((row) => (
            <RowView key={row.message.id} row={row} />
          ))}
          {unsent.map((letter) => (
            <LetterView key={letter.clientMessageId} letter={letter} />
          ))}
        </Virtualizer>
      </div>
      {!atEnd && (
        <button
          type="button"
          className="to-newest"
          onClick={() => list.current?.scrollToIndex(count - 1, { align: "end" })}
        >
          {texts.toNewest}
        </button>
      )}
    </div>
  );
}

/** What is on the screen is read, if the window is looked at. */
function useMarkRead(id: string, atEnd: boolean, last: Message | undefined): void {
  const chat = useChat();
  const connected = useChatState((state) => state.connected);
  const [seen, setSeen] = useState(() => document.hasFocus());
  useEffect(() => {
    const look = () => setSeen(document.visibilityState === "visible" && document.hasFocus());
    const names = ["focus", "blur", "visibilitychange"] as const;
    for (const name of names) addEventListener(name, look);
    return () => {
      for (const name of names) removeEventListener(name, look);
    };
  }, []);
  useEffect(() => {
    if (connected && seen && atEnd && last !== undefined) void chat.markRead(id).catch(() => undefined);
  }, [chat, id, connected, seen, atEnd, last]);
}

const RowView = memo(
  function RowView({ row }: { row: Row }) {
    const { message, startsDay, startsUnread, continued } = row;
    return (
      <div className="row">
        {startsDay && <h3 className="day">{dayOf(message.createdAt)}</h3>}
        {startsUnread && <div className="unread-from">{texts.newMessages}</div>}
        <MessageView message={message} continued={continued} />
      </div>
    );
  },
  // Rows are made anew with each message; few of them look different then.
  ({ row: one }, { row: other }) =>
    one.message === other.message &&
    one.startsDay === other.startsDay &&
    one.startsUnread === other.startsUnread &&
    one.continued === other.continued,
);

function MessageView({ message, continued }: { message: Message; continued: boolean }) {
  const isMine = useChatState((state) => state.me.id === message.senderId);
  const { sender, createdAt, content, deletedAt, editedAt, replyTo, reactions } = message;
  const classes = ["message", continued && "continued", isMine && "mine"].filter(Boolean).join(" ");
  return (
    <article className={classes} data-id={message.id}>
      {!continued && <Avatar id={message.senderId} name={sender.name} />}
      {!continued && (
        <header>
          <span className="name">{sender.name}</span>
          <time dateTime={createdAt} title={fullTime(createdAt)}>
            {timeOfDay(createdAt)}
          </time>
        </header>
      )}
      {replyTo && <blockquote className="quote">{replyTo.content}</blockquote>}
      {deletedAt ? <p className="gone">{texts.deleted}</p> : <MessageText content={content ?? ""} />}
      {editedAt && !deletedAt && (
        <small className="edited" title={fullTime(editedAt)}>
          {texts.edited}
        </small>
      )}
      {isMine && !deletedAt && <Tick message={message} />}
      {reactions && reactions.length > 0 && <Reactions message={message} reactions={reactions} />}
      {!deletedAt && <Actions message={message} isMine={isMine} />}
    </article>
  );
}

/** One tick for sent, two for delivered to all others, two in colour for read by all. */
function Tick({ message: { conversationId, seq } }: { message: Message }) {
  const status = useChatState(({ conversations, me }) => statusOf(conversations[conversationId]?.members, seq, me.id));
  return (
    <small className={`tick ${status}`} role="img" aria-label={texts.status[status]} title={texts.status[status]}>
      <svg className="icon" viewBox="0 0 20 16" aria-hidden="true">
        <path d="M2 8.5l3.5 3.5L13 4.5" />
        {status !== "sent" && <path d="M9.5 11.5l.5.5L17.5 4.5" />}
      </svg>
    </small>
  );
}

function Reactions({ message, reactions }: { message: Message; reactions: readonly Reaction[] }) {
  const chat = useChat();
  const myId = useChatState((state) => state.me.id);
  return (
    <ul className="reactions">
      {reactions.map(({ emoji, count, userIds }) => (
        <li key={emoji}>
          <button
            type="button"
            aria-pressed={userIds.includes(myId)}
            aria-label={texts.reacted(emoji, count)}
            onClick={() => void chat.react(message, emoji)}
          >
            {emoji} {count}
          </button>
        </li>
      ))}
    </ul>
  );
}

const QUICK = ["👍", "❤️", "😂", "🎉", "👀"];

/** Shown where the pointer or the focus is. */
function Actions({ message, isMine }: { message: Message; isMine: boolean }) {
  const chat = useChat();
  return (
    <div className="actions" role="toolbar" aria-label={texts.actions}>
      {QUICK.map((emoji) => (
        <button
          key={emoji}
          type="button"
          aria-label={texts.react(emoji)}
          onClick={() => void chat.react(message, emoji)}
        >
          {emoji}
        </button>
      ))}
      <button type="button" onClick={() => chat.compose({ kind: "reply", message })}>
        {texts.reply}
      </button>
      {isMine && (
        <>
          <button type="button" onClick={() => chat.compose({ kind: "edit", message })}>
            {texts.edit}
          </button>
          <button type="button" onClick={() => void chat.delete(message.id)}>
            {texts.delete}
          </button>
        </>
      )}
    </div>
  );
}

function LetterView({ letter }: { letter: Letter }) {
  const chat = useChat();
  const me = useChatState((state) => state.me);
  return (
    <article className="message mine letter">
      <Avatar id={me.id} name={me.name} />
      <header>
        <span className="name">{me.name}</span>
      </header>
      <MessageText content={letter.content} />
      {letter.problem === null ? (
        <small className="state">{texts.sending}</small>
      ) : (
        <p className="problem" role="alert">
          {texts.notSent(letter.problem)}{" "}
          <button type="button" className="quiet" onClick={() => chat.retry(letter.clientMessageId)}>
            {texts.retry}
          </button>
          <button type="button" className="quiet" onClick={() => chat.discard(letter.clientMessageId)}>
            {texts.discard}
          </button>
        </p>
      )}
    </article>
  );
}
