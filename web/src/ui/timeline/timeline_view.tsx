import type { Message, Notice, Offer } from "@talkwire/client";
import { EMPTY, own, type Timeline } from "@talkwire/client/parts";
import { ArrowUp } from "lucide-react";
import { type ComponentType, Fragment, memo, useContext, useEffect, useMemo, useRef, useState } from "react";
import { Virtualizer, type VirtualizerHandle } from "virtua";
import { useStore } from "zustand";
import { unreadOf } from "../../chat/conversations/unread";
import {
  belowMessage,
  extrasByDay,
  inOrder,
  isNotice,
  isOffer,
  rowsWithExtras,
  unsentWithExtras,
  withUnreadOffer,
} from "../../chat/messages/extras";
import { merged } from "../../chat/messages/notice_rules";
import { type Extra, type Row, rowsOf, rowsWithReplies, type UnsentRow, unsentRows } from "../../chat/messages/rows";
import type { UnseenAbove } from "../../chat/messages/unseen";
import { addressOf } from "../../place";
import { texts } from "../../texts";
import { timeOfDay } from "../../time_format";
import { useChat, useChatState } from "../page/chat_context";
import { lazyPart } from "../page/lazy_part";
import { BeginningContext } from "./beginning_context";
import { DayInSight } from "./day_in_sight";
import { DayLine } from "./day_line";
import { MessageView } from "./message_view";
import { NoticeLine } from "./notice_line";
import { OfferRow } from "./offer_row";
import { OutboxEntryView } from "./outbox_entry_view";
import { ToNewest } from "./to_newest";
import { UnreadRepliesLine } from "./unread_replies_line";
import { useMessageFocus } from "./use_message_focus";
import { useReading } from "./use_reading";
import { useScrollPosition } from "./use_scroll_position";
import { useTargetHighlight } from "./use_target_highlight";
import { useUnreadOffers } from "./use_unread_offers";
import { useUnreadReplies } from "./use_unread_replies";
import "./timeline_view.css";

/** Servers without offers do not need it. */
const loadOfferCard = () => import("../offers/offer_card");
const OfferCard = lazyPart(loadOfferCard, "place");

const NO_OFFERS: readonly Offer[] = [];
const NO_NOTICES: readonly Notice[] = [];
const LONG = 200;
const NEW_MS = 2_000;
const LOADING: Timeline = { ...EMPTY, atStart: false };

interface Props {
  id: string;
  /** What is shown in an empty conversation: which conversation it is, and what one can do first. */
  FirstSteps: ComponentType<{ id: string }>;
}

/** A conversation's messages. Only those in sight are in the document. */
export const TimelineView = memo(function TimelineView({ id, FirstSteps }: Props) {
  const { messages, notices: allNotices, offers: allOffers } = useChat();
  const myId = useChatState((state) => state.me.id);
  const loaded = useChatState((state) => own(state.timelines, id));
  const { ids: unreadOffers, isAwaited } = useUnreadOffers(id);
  const timeline = isAwaited ? LOADING : (loaded ?? LOADING);
  const unreadAfter = useChatState((state) => state.unread?.after ?? null);
  const outbox = useStore(messages.outbox);
  const list = useRef<VirtualizerHandle>(null);
  const scroller = useRef<HTMLDivElement>(null);
  const refs = useMemo(() => ({ list, scroller }), []);

  const hasOffers = useChatState((state) => state.features.offers);
  useEffect(() => {
    // Before a card comes into sight. A failed load is repeated then.
    if (hasOffers) loadOfferCard().catch(() => undefined);
  }, [hasOffers]);
  const known = useStore(allOffers.state, ({ byConversation }) => own(byConversation, id)?.offers ?? NO_OFFERS);
  const offers = hasOffers ? known : NO_OFFERS;
  const notices = useStore(allNotices.state, (state) => own(state, id)?.notices ?? NO_NOTICES);
  const extras = useMemo(() => inOrder(offers, notices), [offers, notices]);
  const messageRows = useMemo(() => rowsOf(timeline, unreadAfter, myId), [timeline, unreadAfter, myId]);
  const replies = useUnreadReplies(id, timeline, messageRows);
  const rows = useMemo(
    () => withUnreadOffer(rowsWithExtras(rowsWithReplies(messageRows, replies), extras, timeline), unreadOffers),
    [timeline, extras, messageRows, replies, unreadOffers],
  );
  const last = rows.at(-1)?.message;
  const isNew = useChatState((state) => own(state.conversations, id)?.lastSeq === 0);
  const unsent = useMemo(() => {
    const entries = outbox.filter(({ conversationId, threadId }) => conversationId === id && !threadId);
    const unsent = unsentRows(entries, last, myId);
    return last === undefined ? unsentWithExtras(unsent, extras, isNew) : unsent;
  }, [outbox, id, last, myId, extras, isNew]);
  const entries = useMemo<readonly (Row | UnsentRow)[]>(() => [...rows, ...unsent], [rows, unsent]);
  const count = entries.length;
  const { keptRows, ...focusEvents } = useMessageFocus(list, scroller, rows);
  const { atEnd, seesLast, sight, daySince, isHeld, ...scrolling } = useScrollPosition(id, refs, rows, count, timeline);
  const { onScroll, onResize, range } = scrolling;
  // Anyone who sees that the conversation is empty sees everything.
  const seesAll = timeline.atEnd && (seesLast || (timeline.atStart && rows.length === 0));
  const unseen = useReading(id, { rows, timeline, sight, atEnd: seesAll, isHeld });

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

  if (timeline.atStart && count === 0) return <EmptyTimeline id={id} extras={extras} FirstSteps={FirstSteps} />;
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
        {(!timeline.atEnd || (atEnd !== null && !seesLast)) && (
          <ToNewestMessage id={id} isFar={atEnd !== true || !timeline.atEnd} />
        )}
      </div>
      {unseen !== null && <ToUnseen id={id} unseen={unseen} />}
      {unseen === null && daySince !== null && <DayInSight at={daySince} scroller={scroller} />}
    </div>
  );
});

/** A conversation without messages, which may have offers and notices. */
function EmptyTimeline({ id, extras, FirstSteps }: Props & { extras: readonly Extra[] }) {
  return (
    <div className="timeline nothing-said">
      {!extras.some(isOffer) && <FirstSteps id={id} />}
      <Extras extras={extras} />
    </div>
  );
}

interface ExtrasProps {
  extras: readonly Extra[];
  /** What is above them, if anything is. */
  after?: { readonly createdAt: string };
  /** The id of the offer above which the line stands that says what is unread. */
  unreadFrom?: string | undefined;
}

/** Offers and notices, under the day on which they were. Notices that follow each other on a day are merged. */
function Extras({ extras, after, unreadFrom }: ExtrasProps) {
  return extrasByDay(extras, after).map(({ startsDay, extras: ofDay }) => (
    <Fragment key={ofDay[0]?.id}>
      {startsDay && <DayLine at={ofDay[0]?.createdAt ?? ""} />}
      <ExtrasOfDay extras={ofDay} unreadFrom={unreadFrom} />
    </Fragment>
  ));
}

function ExtrasOfDay({ extras, unreadFrom }: ExtrasProps) {
  const groups: Extra[][] = [];
  for (const extra of extras) {
    const last = groups.at(-1);
    if (last?.[0] === undefined || isOffer(last[0]) || isOffer(extra)) groups.push([extra]);
    else last.push(extra);
  }
  return groups.map((group) => {
    const [first] = group;
    if (first === undefined) return null;
    if (isOffer(first)) {
      return (
        <Fragment key={first.id}>
          {first.id === unreadFrom && <UnreadFrom />}
          <OfferCard offer={first} Frame={OfferRow} />
        </Fragment>
      );
    }
    return merged(group.filter(isNotice)).map((notice) => <NoticeLine key={notice.id} notice={notice} />);
  });
}

/**
 * A button that goes to the newest messages, with the count that the list of conversations has. Near the end, `isFar` is
 * false, and it is there only if something is unread.
 */
function ToNewestMessage({ id, isFar }: { id: string; isFar: boolean }) {
  const { messages } = useChat();
  const unread = useChatState(({ conversations, features }) => {
    const conversation = own(conversations, id);
    return conversation === undefined ? 0 : unreadOf(conversation, features);
  });
  const go = (): void => {
    // A reload returns here, and not to the message in the address.
    history.replaceState(history.state, "", addressOf(id));
    void messages.toNewest(id);
  };
  return isFar || unread > 0 ? <ToNewest unread={unread} onClick={go} /> : null;
}

/** Buttons that go to the first of the unread messages above the screen, and that mark all as read. */
function ToUnseen({ id, unseen: { after, count, since } }: { id: string; unseen: UnseenAbove }) {
  const chat = useChat();
  const isAnswered = useChatState(({ unread }) => unread?.isAnswered === true);
  return (
    <div className="to-unseen">
      <button type="button" className="to-unseen-first" onClick={() => void chat.messages.toFirstAfter(id, after)}>
        <ArrowUp className="icon" aria-hidden="true" />
        {texts.unseenAbove(count, since === undefined ? null : timeOfDay(since))}
      </button>
      {!isAnswered && (
        <button type="button" onClick={() => void chat.markRead(id)}>
          {texts.places.markRead}
        </button>
      )}
    </div>
  );
}

function entryView(row: Row | UnsentRow) {
  return "message" in row ? (
    <RowView key={row.message.id} row={row} />
  ) : (
    <UnsentRowView key={row.entry.clientMessageId} row={row} />
  );
}

function UnsentRowView({ row }: { row: UnsentRow }) {
  const { entry, startsConversation, startsDay, continued, extrasBefore } = row;
  return (
    <div className="row">
      {startsConversation && <Beginning id={entry.conversationId} />}
      {extrasBefore && <Extras extras={extrasBefore} />}
      {startsDay && <DayLine at={new Date(entry.writtenAt).toISOString()} />}
      <OutboxEntryView entry={entry} continued={continued} />
    </div>
  );
}

const RowView = memo(
  function RowView({ row }: { row: Row }) {
    const { message, startsConversation, startsDay, startsUnread, unreadOffer, continued } = row;
    const element = useRef<HTMLDivElement>(null);
    const isShown = useTargetHighlight(row, element);
    const myId = useChatState((state) => state.me.id);
    // The reader's own message was in sight before it was stored.
    const [isArriving] = useState(() => message.senderId !== myId && isNew(message));
    return (
      <div className={`row${isShown ? " shown" : ""}${isArriving ? " arriving" : ""}`} ref={element}>
        {startsConversation && <Beginning id={message.conversationId} />}
        {row.extrasBefore && <Extras extras={row.extrasBefore} unreadFrom={unreadOffer} />}
        {startsDay && <DayLine at={message.createdAt} />}
        {startsUnread && <UnreadFrom />}
        <MessageView message={message} continued={continued} />
        {belowMessage(row).map(({ extras, replies, after }) => (
          <Fragment key={replies?.rootId ?? ""}>
            <Extras extras={extras} after={after} unreadFrom={unreadOffer} />
            {replies !== undefined && <UnreadRepliesLine replies={replies} />}
          </Fragment>
        ))}
      </div>
    );
  },
  // Every message rebuilds the rows, but few of them look different.
  ({ row: one }, { row: other }) =>
    one.message === other.message &&
    one.startsDay === other.startsDay &&
    one.startsUnread === other.startsUnread &&
    one.unreadOffer === other.unreadOffer &&
    one.continued === other.continued &&
    areSame(one.extrasBefore, other.extrasBefore) &&
    areSame(one.extrasAfter, other.extrasAfter) &&
    areSame(newestOf(one), newestOf(other)),
);

function Beginning({ id }: { id: string }) {
  const Shown = useContext(BeginningContext);
  return (
    <div className="beginning">
      <Shown id={id} />
    </div>
  );
}

/** The line above what is unread. */
function UnreadFrom() {
  return <div className="unread-from">{texts.newMessages}</div>;
}

/** Returns whether a message was written a moment ago, by the reader's clock. */
function isNew({ createdAt }: Message): boolean {
  return Math.abs(Date.now() - Date.parse(createdAt)) < NEW_MS;
}

function newestOf({ repliesAfter = [] }: Row): readonly Message[] {
  return repliesAfter.map(({ newest }) => newest);
}

function areSame(one: readonly unknown[] = [], other: readonly unknown[] = []): boolean {
  return one.length === other.length && one.every((each, index) => each === other[index]);
}
