import { ArrowDown } from "lucide-react";
import { memo, useEffect, useMemo, useRef, useState } from "react";
import { Virtualizer, type VirtualizerHandle } from "virtua";
import { useStore } from "zustand";
import { EMPTY, keyOf, type Row, rowsOf, type Timeline } from "../../chat/messages/timeline";
import { rowsWithOffers } from "../../chat/offers/offer_rules";
import type { OutboxEntry } from "../../chat/outbox/outbox";
import { own } from "../../chat/own";
import { addressOf } from "../../place";
import type { Message, Offer } from "../../server/payloads";
import { texts } from "../../texts";
import { useChat, useChatState } from "../chat_context";
import { OfferCard } from "../offers/offer_card";
import { dayOf } from "../time_format";
import { MessageView } from "./message_view";
import { OutboxEntryView } from "./outbox_entry_view";
import { ThreadRow } from "./thread_row";
import { useMessageFocus } from "./use_message_focus";
import { useScrollPosition } from "./use_scroll_position";
import { useTargetHighlight } from "./use_target_highlight";
import "./timeline_view.css";

const NO_OFFERS: readonly Offer[] = [];
const LONG = 200;
const LOADING: Timeline = { ...EMPTY, atStart: false };

/** A conversation's messages. Only those in sight are in the document. */
export const TimelineView = memo(function TimelineView({ id }: { id: string }) {
  const { messages, offers: allOffers } = useChat();
  const myId = useChatState((state) => state.me.id);
  const loaded = useChatState((state) => own(state.timelines, id));
  const timeline = loaded ?? LOADING;
  const unreadAfter = useChatState((state) => state.unreadAfter);
  const outbox = useStore(messages.outbox);
  const list = useRef<VirtualizerHandle>(null);
  const scroller = useRef<HTMLDivElement>(null);

  const offers = useStore(allOffers.state, ({ byConversation }) => own(byConversation, id)?.offers ?? NO_OFFERS);
  const rows = useMemo(
    () => rowsWithOffers(rowsOf(timeline, unreadAfter, myId), offers, timeline),
    [timeline, offers, unreadAfter, myId],
  );
  const unsent = useMemo(
    () => outbox.filter(({ conversationId, threadId }) => conversationId === id && !threadId),
    [outbox, id],
  );
  const entries = useMemo<readonly (Row | OutboxEntry)[]>(() => [...rows, ...unsent], [rows, unsent]);
  const count = entries.length;
  const { keptRows, ...focusEvents } = useMessageFocus(list, scroller, rows);
  const { atEnd, seesLast, onScroll, onResize, range } = useScrollPosition(id, list, rows, count, timeline);

  // A short page does not fill the window and cannot be scrolled.
  useEffect(() => {
    const element = scroller.current;
    // Measuring is slow, and this many messages always fill the window.
    if (element === null || timeline.atStart || timeline.messages.length > LONG) return;
    // The page that was just added still counts as being loaded, so the next request waits.
    const timer = setTimeout(() => {
      if (element.scrollHeight <= element.clientHeight) void messages.loadOlder(id);
    });
    return () => clearTimeout(timer);
  }, [messages, id, timeline]);
  useMarkRead(id, seesLast && timeline.atEnd, timeline.messages.at(-1));

  if (timeline.atStart && count === 0) return <NothingSaid offers={offers} />;
  return (
    <div className="timeline">
      <div
        className="scroller"
        ref={scroller}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling element has to be reachable by keyboard
        tabIndex={0}
        role="log"
        aria-label={texts.messages}
        aria-live="off"
        {...focusEvents}
      >
        <div className="filler" />
        <Virtualizer
          key={range.number}
          ref={list}
          scrollRef={scroller}
          data={entries}
          keepMounted={keptRows}
          shift={range.grewAtStart}
          onScroll={onScroll}
          onResize={onResize}
        >
          {entryView}
        </Virtualizer>
      </div>
      {(atEnd === false || !timeline.atEnd) && <ToNewest id={id} />}
    </div>
  );
});

/** A conversation without messages, which may have offers. */
function NothingSaid({ offers }: { offers: readonly Offer[] }) {
  if (offers.length === 0) return <p className="note">{texts.noMessages}</p>;
  return (
    <div className="timeline nothing-said">
      {offers.map((offer) => (
        <OfferCard key={offer.id} offer={offer} />
      ))}
    </div>
  );
}

/** A button that goes to the newest messages, with their unread count. */
function ToNewest({ id }: { id: string }) {
  const { messages } = useChat();
  const unread = useChatState((state) => own(state.conversations, id)?.unreadCount ?? 0);
  const go = (): void => {
    // A reload returns here, and not to the message in the address.
    history.replaceState(null, "", addressOf(id));
    void messages.toNewest(id);
  };
  return (
    <button type="button" className="to-newest" onClick={go}>
      <ArrowDown className="icon" aria-hidden="true" />
      {texts.toNewest}
      {unread > 0 && (
        <>
          {" "}
          <span className="count" title={texts.unread(unread)}>
            {unread > 999 ? "999+" : unread}
          </span>
        </>
      )}
    </button>
  );
}

/** Marks messages on the screen as read, while the window has the focus. */
function useMarkRead(id: string, atEnd: boolean, last: Message | undefined): void {
  const { messages, state } = useChat();
  const connected = useChatState((state) => state.connected);
  const isKept = useChatState(({ keptUnread }) => keptUnread === id);
  const [seen, setSeen] = useState(() => document.hasFocus());
  useEffect(() => {
    const readScroll = () => setSeen(document.visibilityState === "visible" && document.hasFocus());
    const names = ["focus", "blur", "visibilitychange"] as const;
    for (const name of names) addEventListener(name, readScroll);
    return () => {
      for (const name of names) removeEventListener(name, readScroll);
    };
  }, []);
  const watched = connected && seen && atEnd;
  useEffect(() => {
    state.setState({ watched });
    return () => state.setState({ watched: false });
  }, [state, watched]);
  useEffect(() => {
    if (watched && !isKept && last !== undefined) void messages.markRead(id).catch(() => undefined);
  }, [messages, id, watched, isKept, last]);
}

function entryView(entry: Row | OutboxEntry) {
  return "message" in entry ? (
    <RowView key={keyOf(entry)} row={entry} />
  ) : (
    <OutboxEntryView key={entry.clientMessageId} entry={entry} />
  );
}

const RowView = memo(
  function RowView({ row }: { row: Row }) {
    const { message, replies, startsDay, startsUnread, continued, offersBefore, offersAfter } = row;
    const element = useRef<HTMLDivElement>(null);
    const isShown = useTargetHighlight(row, element);
    return (
      <div className={isShown ? "row shown" : "row"} ref={element}>
        {offersBefore?.map((offer) => (
          <OfferCard key={offer.id} offer={offer} />
        ))}
        {startsDay && <h2 className="day">{dayOf(message.createdAt)}</h2>}
        {startsUnread && <div className="unread-from">{texts.newMessages}</div>}
        {replies === undefined ? (
          <MessageView message={message} continued={continued} />
        ) : (
          <ThreadRow replies={replies} />
        )}
        {offersAfter?.map((offer) => (
          <OfferCard key={offer.id} offer={offer} />
        ))}
      </div>
    );
  },
  // Every message rebuilds the rows, but few of them look different.
  ({ row: one }, { row: other }) =>
    one.message === other.message &&
    areSame(one.replies, other.replies) &&
    one.startsDay === other.startsDay &&
    one.startsUnread === other.startsUnread &&
    one.continued === other.continued &&
    areSame(one.offersBefore, other.offersBefore) &&
    areSame(one.offersAfter, other.offersAfter),
);

function areSame(one: readonly unknown[] = [], other: readonly unknown[] = []): boolean {
  return one.length === other.length && one.every((each, index) => each === other[index]);
}
