import type { Message } from "@talkwire/client";
import { type OutboxEntry, own, statusOf, withChanges } from "@talkwire/client/parts";
import { Check, CheckCheck, Reply } from "lucide-react";
import { useMemo, useRef, useState } from "react";
import { useStore } from "zustand";
import { hasCard } from "../../chat/cards/card_rules";
import { texts } from "../../texts";
import { fullTime, timeOfDay } from "../../time_format";
import { useSwipe } from "../components/use_swipe";
import { Attachments } from "../files/attachments";
import { MessageText } from "../markdown/markdown";
import { actionsOf, reply } from "../message_dialogs/message_actions";
import { useChat, useChatState } from "../page/chat_context";
import { lazyPart } from "../page/lazy_part";
import { Folded, useIsFolded } from "../people/folded";
import { RatingPlace } from "../ratings/rating";
import { AuthorLine, ContinuedAuthor } from "./author_line";
import { LinkPreviews } from "./link_previews";
import { AgentMark, Edited, ForwardedFrom, PinMark, Replies, SavedMark } from "./message_badges";
import { handleMessageKey } from "./message_keys";
import { MessageToolbar } from "./message_toolbar";
import { QuoteView } from "./quote_view";
import { Reactions } from "./reactions";
import { Refused, WaitingTick } from "./unsent_marks";
import { useContextMenu } from "./use_context_menu";
import { useHoverOrFocus } from "./use_hover_or_focus";
import { useLongPress } from "./use_long_press";
import { useMessageLabel } from "./use_message_label";
import "./message_view.css";

const MessageParts = lazyPart(() => import("../streams/message_parts"), "place");
const CardView = lazyPart(() => import("../cards/card_view"), "place");
const MenuPopup = lazyPart(() => import("../components/menu_popup"));

const NO_CHANGES: readonly OutboxEntry[] = [];

interface Props {
  message: Message;
  /** Whether the message before it has the same sender, who is not named again. */
  continued: boolean;
}

/** A message with its changes that are not stored yet. In groups, messages of blocked users are hidden. */
export function MessageView({ message: stored, ...place }: Props) {
  const { senderId, conversationId, id } = stored;
  const changes = useStore(useChat().messages.changes, (all) => all.get(id)) ?? NO_CHANGES;
  const myId = useChatState((state) => state.me.id);
  const message = useMemo(
    () => (changes.length === 0 ? stored : withChanges(stored, changes, myId)),
    [stored, changes, myId],
  );
  const [shown, setShown] = useState(false);
  const isFolded = useIsFolded(conversationId, senderId);
  if (isFolded && !shown) return <Folded text={texts.people.folded} onShow={() => setShown(true)} />;
  return <Unfolded {...place} message={message} changes={changes} />;
}

function Unfolded({ message, continued, changes }: Props & { changes: readonly OutboxEntry[] }) {
  const chat = useChat();
  const { isActive, isFocused, events } = useHoverOrFocus();
  const menu = useContextMenu();
  const article = useRef<HTMLElement>(null);
  const label = useMessageLabel(message);
  const press = useLongPress(() => {
    if (message.deletedAt === undefined) chat.openMessageDialog({ kind: "actions", message });
  });
  const isWaiting = changes.some(
    ({ change, problem }) => problem === null && (change?.kind === "edit" || change?.kind === "delete"),
  );
  const isSystem = message.type === "system";
  const swipe = useSwipe(
    (element) => !isSystem && message.deletedAt === undefined && canWriteBeside(element),
    () => reply(chat, message),
  );
  const isEdited = useChatState(({ composing }) => composing?.kind === "edit" && composing.message.id === message.id);
  const isMine = useChatState((state) => state.me.id === message.senderId) && !isSystem;
  const { sender, createdAt, content, deletedAt, editedAt, replyTo, forwardedFrom, pinned, reactions, attachments } =
    message;
  // Who has read a reply is unknown: ticks that never change their colour would look like "unread".
  const delivery = message.threadId === undefined && <DeliveryTick message={message} />;
  const tick = isMine && deletedAt === undefined && (isWaiting ? <WaitingTick /> : delivery);
  const marks = deletedAt === undefined && (
    <>
      {pinned && <PinMark />}
      <SavedMark message={message} />
    </>
  );
  const hasParts = deletedAt === undefined && (message.parts ?? message.state) !== undefined;
  const hasText = deletedAt === undefined && (hasParts || content !== "");
  const end = continued && tick;
  const text = <MessageText content={content ?? ""} message={message} end={end} />;
  const classes = [
    "message authored",
    continued && "continued",
    isSystem && "system",
    isMine && "mine",
    pinned && "pinned",
    isEdited && "edited-now",
  ]
    .filter(Boolean)
    .join(" ");
  return (
    <article
      ref={article}
      className={classes}
      data-id={message.id}
      aria-label={label}
      aria-busy={message.state === "streaming"}
      tabIndex={-1}
      onKeyDown={(event) => handleMessageKey(event, chat, message)}
      {...events}
      {...press}
      onPointerDown={(event) => {
        press.onPointerDown(event);
        swipe.onPointerDown(event);
        menu.events.onPointerDown(event);
      }}
      onPointerMove={(event) => {
        press.onPointerMove(event);
        swipe.onPointerMove(event);
      }}
      onPointerUp={(event) => {
        press.onPointerUp();
        swipe.onPointerUp(event);
      }}
      onPointerCancel={(event) => {
        press.onPointerCancel();
        swipe.onPointerCancel(event);
      }}
      onContextMenu={(event) => {
        press.onContextMenu(event);
        if (!deletedAt) menu.events.onContextMenu(event);
      }}
    >
      {swipe.isSwiping && <Reply className="icon swipe-arrow" aria-hidden="true" />}
      {continued && <ContinuedAuthor name={sender.name} />}
      {continued && marks}
      {(continued || isSystem) && (
        <time className="when" dateTime={createdAt} title={fullTime(createdAt)}>
          {timeOfDay(createdAt)}
        </time>
      )}
      {!continued && !isSystem && (
        <AuthorLine
          userId={sender.id}
          name={sender.name}
          picture={sender.avatar}
          at={createdAt}
          mark={<AgentMark message={message} />}
        >
          {tick}
          {marks}
        </AuthorLine>
      )}
      {forwardedFrom && <ForwardedFrom message={message} origin={forwardedFrom} />}
      {replyTo && <QuoteView quote={replyTo} conversationId={message.conversationId} />}
      {deletedAt && (
        <p className="gone">
          {texts.deleted} {isWaiting && <WaitingTick />}
        </p>
      )}
      {hasText && (
        <div className="said">
          {hasCard(message) ? (
            <CardView message={message} end={end} fallback={text} />
          ) : hasParts ? (
            <MessageParts message={message} end={end} fallback={text} />
          ) : (
            text
          )}
        </div>
      )}
      {attachments && !deletedAt && (
        <div className="said">
          <Attachments message={message} />
          {!hasText && end}
        </div>
      )}
      {message.previews && !deletedAt && <LinkPreviews message={message} previews={message.previews} isMine={isMine} />}
      {editedAt && !deletedAt && <Edited message={message} editedAt={editedAt} />}
      {reactions && reactions.length > 0 && <Reactions message={message} reactions={reactions} />}
      <RatingPlace message={message} />
      {changes
        .filter(({ problem }) => problem !== null)
        .map((entry) => (
          <Refused key={entry.clientMessageId} entry={entry} />
        ))}
      <Replies message={message} />
      {!deletedAt && <MessageToolbar message={message} isActive={isActive} isFocused={isFocused} />}
      {menu.at !== null && (
        <MenuPopup
          label={texts.actions}
          actions={actionsOf(chat, message)}
          anchor={article}
          at={menu.at}
          onClose={menu.close}
        />
      )}
    </article>
  );
}

/** Returns whether there is a composer in the conversation or the thread that has this element. */
function canWriteBeside(element: Element): boolean {
  return element.closest("main, .panel")?.querySelector(".composer") != null;
}

/** One tick for sent, two for delivered to all others who can see it, two coloured ones for read by all of them. */
export function DeliveryTick({ message }: { message: Message }) {
  const status = useChatState(({ conversations, me }) => {
    const conversation = own(conversations, message.conversationId);
    return conversation === undefined ? "sent" : statusOf(conversation, message, me.id);
  });
  return (
    <small className={`tick ${status}`} role="img" aria-label={texts.status[status]} title={texts.status[status]}>
      {status === "sent" ? <Check className="icon" /> : <CheckCheck className="icon" />}
    </small>
  );
}
