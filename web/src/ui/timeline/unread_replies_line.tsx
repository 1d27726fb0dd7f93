import { own } from "@talkwire/client/parts";
import { MessagesSquare } from "lucide-react";
import { messageSummary } from "../../chat/messages/message_summary";
import { plainText } from "../../chat/messages/plain_text";
import type { UnreadReplies } from "../../chat/messages/rows";
import { texts } from "../../texts";
import { useChat } from "../page/chat_context";
import "./unread_replies_line.css";

/** Says that a thread has unread replies, of which the reader would otherwise see only the count. Opens the thread. */
export function UnreadRepliesLine({ replies: { rootId, first, newest, count } }: { replies: UnreadReplies }) {
  const chat = useChat();
  const open = (): void => {
    // A thread that the reader follows opens where the server says that it is unread.
    const isFollowed = own(chat.followedThreads.state.getState().unreadCounts, rootId) !== undefined;
    chat.openPanel({ kind: "thread", rootId, ...(!isFollowed && { messageId: first.id }) });
  };
  return (
    <button type="button" className="unread-replies" onClick={open}>
      <MessagesSquare className="icon" aria-hidden="true" />
      <b dir="auto">{texts.threads.newReplies(count, newest.sender.name)}</b>
      <span className="unread-reply" dir="auto">
        {plainText(messageSummary(newest))}
      </span>
    </button>
  );
}
