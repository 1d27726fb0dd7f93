import type { Message, Origin, ThreadSummary } from "@talkwire/client";
import { own, placeOf } from "@talkwire/client/parts";
import { Bookmark, CircleAlert, Clock, Forward, MessagesSquare, Pencil, Pin } from "lucide-react";
import { useContext } from "react";
import { useStore } from "zustand";
import { isByAgent } from "../../chat/messages/agents";
import { texts } from "../../texts";
import { fullTime } from "../../time_format";
import { useGoToMessage } from "../components/panel_layout";
import { type Unfinished, useUnfinishedThreads } from "../composer/use_unfinished";
import { useChat, useChatState } from "../page/chat_context";
import { useNameIn } from "../people/use_name_in";
import { useStrangersName } from "../people/use_strangers_name";
import { Faces, LastReply } from "./faces";
import { ThreadContext } from "./thread_context";
import "./message_badges.css";

/** Shows that a message is pinned. */
export function PinMark() {
  return (
    <small className="mark">
      <Pin className="icon" aria-hidden="true" />
      <span className="mark-word">{texts.pinned}</span>
    </small>
  );
}

/** Shows that the reader has saved a message. */
export function SavedMark({ message: { conversationId, id } }: { message: Message }) {
  const isSaved = useStore(useChat().saved.state, (state) => own(state, conversationId)?.has(id) === true);
  if (!isSaved) return null;
  return (
    <small className="mark">
      <Bookmark className="icon" aria-hidden="true" />
      <span className="mark-word">{texts.saved.mark}</span>
    </small>
  );
}

/** Says that an agent wrote the message, and in whose name. */
export function AgentMark({ message }: { message: Message }) {
  const { conversationId, onBehalfOf } = message;
  const owner = useNameIn(conversationId, onBehalfOf);
  if (!isByAgent(message)) return null;
  return (
    <span className="agent-mark">
      <span className="agent">{texts.agent}</span>
      {owner !== undefined && (
        <span className="owner">
          <bdi>{texts.onBehalfOf(owner)}</bdi>
        </span>
      )}
    </span>
  );
}

/** Shows where a message was forwarded from, with a link to the original. */
export function ForwardedFrom({ message, origin }: { message: Message; origin: Origin }) {
  const { messages } = useChat();
  const jump = useGoToMessage();
  const author = useChatState(({ conversations, me }) =>
    origin.senderId === me.id
      ? me.name
      : own(conversations, message.conversationId)?.members?.find(({ userId }) => userId === origin.senderId)?.name,
  );
  const go = async (): Promise<void> => {
    const original = await messages.find(origin.id);
    if (original !== undefined) jump(original.conversationId, original.id);
  };
  return (
    <button type="button" className="mark link reach" title={texts.toOriginal} onClick={() => void go()}>
      <Forward className="icon" aria-hidden="true" />
      {author === undefined ? <FromStranger userId={origin.senderId} /> : texts.forwardedFrom(author)}
    </button>
  );
}

/** The author may be in none of the reader's conversations; the server then decides whether the reader may see them. */
function FromStranger({ userId }: { userId: string }) {
  const name = useStrangersName(userId);
  return name === undefined ? texts.forwarded : texts.forwardedFrom(name);
}

export function Edited({ message, editedAt }: { message: Message; editedAt: string }) {
  const chat = useChat();
  return (
    <button
      type="button"
      className="edited link reach"
      title={`${texts.showHistory} · ${fullTime(editedAt)}`}
      onClick={() => chat.openMessageDialog({ kind: "history", message })}
    >
      {texts.edited}
    </button>
  );
}

/** What a thread's root shows of it: who has replied, how many replies there are, the last one's time, and a draft. */
export function Replies({ message: { id, conversationId, replyCount = 0, thread } }: { message: Message }) {
  const chat = useChat();
  const isInside = useContext(ThreadContext);
  const isUnread = useStore(chat.followedThreads.state, ({ unreadCounts }) => (own(unreadCounts, id) ?? 0) > 0);
  const isOpen = useChatState(({ panel }) => panel?.kind === "thread" && panel.rootId === id);
  const unfinished = useUnfinishedThreads().get(placeOf(conversationId, id));
  if ((replyCount === 0 && unfinished === undefined) || isInside) return null;
  return (
    <button
      type="button"
      className={isUnread ? "replies reach unread" : "replies reach"}
      aria-current={isOpen ? "true" : undefined}
      onClick={() => chat.openPanel({ kind: "thread", rootId: id })}
    >
      {replyCount > 0 && <ReplyCount replyCount={replyCount} thread={thread} />}
      {unfinished !== undefined && <UnfinishedReply what={unfinished} />}
      {isUnread && <span className="unread-dot" role="img" aria-label={texts.threads.isUnread} />}
    </button>
  );
}

const UNFINISHED_ICONS = { refused: CircleAlert, draft: Pencil, waiting: Clock };

function UnfinishedReply({ what }: { what: Unfinished }) {
  const Icon = UNFINISHED_ICONS[what];
  return (
    <span className={what === "waiting" ? "reply-draft" : "draft reply-draft"}>
      <Icon className="icon" aria-hidden="true" />
      {texts.threads.unfinishedReply[what]}
    </span>
  );
}

function ReplyCount({ replyCount, thread }: { replyCount: number; thread: ThreadSummary | undefined }) {
  return (
    <>
      {thread === undefined ? (
        <MessagesSquare className="icon" aria-hidden="true" />
      ) : (
        <Faces people={thread.participants} />
      )}
      <span className="reply-count">{texts.replies(replyCount)}</span>
      {thread !== undefined && <LastReply at={thread.lastReplyAt} />}
    </>
  );
}
