import type { Message } from "@talkwire/client";
import { own, placeOf } from "@talkwire/client/parts";
import { CloudOff, MessagesSquare } from "lucide-react";
import { useEffect, useMemo, useState } from "react";
import { useStore } from "zustand";
import { messageSummary } from "../../chat/messages/message_summary";
import { plainText } from "../../chat/messages/plain_text";
import { texts } from "../../texts";
import { nameOf } from "../components/conversation_names";
import { Dialog } from "../components/dialog";
import { EmptyState } from "../components/empty_state";
import { panelCoversConversation } from "../components/panel_layout";
import { type Unfinished, useUnfinishedThreads } from "../composer/use_unfinished";
import { useChat, useChatState } from "../page/chat_context";
import { showPlace } from "../page/page_address";
import { useIsFolded } from "../people/folded";
import { Faces, LastReply } from "../timeline/faces";
import "./thread_list.css";

/** The threads with something unfinished that the reader does not follow, then those that they follow, newest reply first. */
export default function ThreadList({ onClose }: { onClose: () => void }) {
  const chat = useChat();
  const { items, next } = useStore(chat.followedThreads.state);
  const unfinished = useUnfinishedThreads();
  const others = useOtherRoots([...unfinished.keys()]);
  const open = (root: Message): void => {
    onClose();
    showPlace(root.conversationId);
    chat.openListedThread(root.conversationId, root.id, !panelCoversConversation());
  };
  return (
    <Dialog title={texts.threads.title} onClose={onClose} className="thread-list large">
      {items.length + others.length === 0 ? (
        <NoThreads />
      ) : (
        <ul>
          {[...others.map((root) => ({ root, unreadCount: 0 })), ...items].map(({ root, unreadCount }) => (
            <li key={root.id}>
              <Item
                root={root}
                unreadCount={unreadCount}
                unfinished={unfinished.get(placeOf(root.conversationId, root.id))}
                onOpen={() => open(root)}
              />
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

/** Returns the roots of those of these threads that are not in the list of followed threads. Loads them. */
function useOtherRoots(places: readonly string[]): readonly Message[] {
  const { followedThreads, messages } = useChat();
  const { items, isLoaded } = useStore(followedThreads.state);
  const [roots, setRoots] = useState<readonly Message[]>([]);
  const followed = useMemo(() => new Set(items.map(({ root }) => placeOf(root.conversationId, root.id))), [items]);
  const wanted = places.filter((place) => !followed.has(place)).join("\n");
  useEffect(() => {
    let isWanted = true;
    const ids = wanted.split("\n").flatMap((place) => place.split(" ").slice(1));
    void Promise.all(ids.map((id) => messages.known(id))).then((found) => {
      if (isWanted) setRoots(found.filter((root) => root !== undefined));
    });
    return () => {
      isWanted = false;
    };
  }, [messages, wanted]);
  // Those that are followed are not known before.
  return isLoaded ? roots : [];
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

interface ItemProps {
  root: Message;
  unreadCount: number;
  unfinished: Unfinished | undefined;
  onOpen: () => void;
}

function Item({ root, unreadCount, unfinished, onOpen }: ItemProps) {
  const conversation = useChatState((state) => own(state.conversations, root.conversationId));
  const isMine = useChatState(({ me }) => me.id === root.senderId);
  const isFolded = useIsFolded(root.conversationId, root.senderId);
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
        {isFolded
          ? texts.people.folded
          : texts.labelled(isMine ? texts.you : root.sender.name, plainText(messageSummary(root)))}
      </span>
      {(thread !== undefined || unfinished !== undefined) && (
        <span className="thread-replies">
          {unfinished !== undefined && (
            <span className={unfinished === "waiting" ? undefined : "draft"}>
              {texts.threads.unfinished[unfinished]}
            </span>
          )}
          {thread !== undefined && (
            <>
              <Faces people={thread.participants} />
              {texts.replies(thread.replyCount)}
              <LastReply at={thread.lastReplyAt} />
            </>
          )}
        </span>
      )}
    </button>
  );
}
