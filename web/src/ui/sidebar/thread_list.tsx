import type { FollowedThread } from "@talkwire/client";
import { own } from "@talkwire/client/parts";
import { CloudOff, MessagesSquare } from "lucide-react";
import { useStore } from "zustand";
import { messageSummary } from "../../chat/messages/message_summary";
import { plainText } from "../../chat/messages/plain_text";
import { texts } from "../../texts";
import { useChat, useChatState } from "../chat_context";
import { Dialog } from "../components/dialog";
import { EmptyState } from "../components/empty_state";
import { nameOf } from "../conversation/conversation_names";
import { showPlace } from "../page_address";
import { Faces } from "../timeline/faces";
import { LastReply } from "../timeline/last_reply";
import "./thread_list.css";

/** The threads that the reader follows, newest reply first. */
export default function ThreadList({ onClose }: { onClose: () => void }) {
  const chat = useChat();
  const { items, next } = useStore(chat.followedThreads.state);
  const open = ({ root }: FollowedThread): void => {
    onClose();
    showPlace(root.conversationId);
    chat.openListedThread(root.conversationId, root.id);
  };
  return (
    <Dialog title={texts.threads.title} onClose={onClose} className="thread-list large">
      {items.length === 0 ? (
        <NoThreads />
      ) : (
        <ul>
          {items.map((item) => (
            <li key={item.root.id}>
              <Item item={item} onOpen={() => open(item)} />
            </li>
          ))}
        </ul>
      )}
      {next !== null && (
        <div className="buttons">
          <button type="button" onClick={() => void chat.followedThreads.load(next)}>
            {texts.threads.more}
          </button>
        </div>
      )}
    </Dialog>
  );
}

function NoThreads() {
  const isLoaded = useStore(useChat().followedThreads.state, (state) => state.isLoaded);
  if (!isLoaded) return <EmptyState icon={CloudOff} title={texts.threads.notLoaded} />;
  return (
    <EmptyState icon={MessagesSquare} title={texts.threads.none}>
      <p>{texts.threads.noneHint}</p>
    </EmptyState>
  );
}

function Item({ item: { root, unreadCount }, onOpen }: { item: FollowedThread; onOpen: () => void }) {
  const conversation = useChatState((state) => own(state.conversations, root.conversationId));
  const { thread } = root;
  return (
    <button type="button" className={unreadCount > 0 ? "thread-item has-unread" : "thread-item"} onClick={onOpen}>
      <span className="thread-place" dir="auto">
        {conversation === undefined ? texts.thread : nameOf(conversation)}
      </span>
      {unreadCount > 0 && (
        <span className="count">
          <span aria-hidden="true">{unreadCount > 99 ? "99+" : unreadCount}</span>
          <span className="hidden">{texts.threads.unreadReplies(unreadCount)}</span>
        </span>
      )}
      <span className="thread-root" dir="auto">
        {texts.threads.by(root.sender.name, plainText(messageSummary(root)))}
      </span>
      {thread !== undefined && (
        <span className="thread-replies">
          <Faces people={thread.participants} />
          {texts.replies(thread.replyCount)}
          <LastReply at={thread.lastReplyAt} />
        </span>
      )}
    </button>
  );
}
