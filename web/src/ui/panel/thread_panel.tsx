import { CornerUpLeft } from "lucide-react";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import { useStore } from "zustand";
import type { Panel } from "../../chat/core";
import type { Thread } from "../../chat/messages/thread";
import type { OutboxEntry } from "../../chat/outbox/outbox";
import type { Conversation, Message } from "../../server/payloads";
import { texts } from "../../texts";
import { useChat } from "../chat_context";
import { IconButton } from "../components/icon_button";
import { MessageInput } from "../conversation/message_input";
import { MessageView } from "../timeline/message_view";
import { OutboxEntryView } from "../timeline/outbox_entry_view";
import { ThreadContext } from "../timeline/thread_context";
import { PanelFrame } from "./panel_frame";
import { useGoToMessage } from "./panel_layout";
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
  const actions = <IconButton icon={CornerUpLeft} label={texts.showInConversation} onClick={() => jump(id, rootId)} />;
  return (
    <PanelFrame
      title={texts.thread}
      actions={actions}
      footer={<MessageInput key={rootId} conversation={conversation} name={texts.thisThread} threadId={rootId} />}
    >
      <ThreadContext value={true}>
        {thread === null || thread.root === null ? (
          <p className="note" role="status">
            {thread?.problem || texts.loading}
          </p>
        ) : (
          <Replies thread={thread} root={thread.root} wanted={panel} />
        )}
      </ThreadContext>
    </PanelFrame>
  );
}

function Replies({ thread, root, wanted }: { thread: Thread; root: Message; wanted: Wanted }) {
  const { threads } = useChat();
  const outbox = useUnsentEntries(thread.rootId);
  const list = useFollowing(thread.replies.length + outbox.length);
  return (
    <div className="thread" ref={list}>
      <MessageView message={root} continued={false} />
      <p className="thread-count">{texts.replies(root.replyCount ?? 0)}</p>
      {thread.next !== null && (
        <button type="button" className="quiet" onClick={() => void threads.loadOlder()}>
          {texts.olderReplies}
        </button>
      )}
      <ul>
        {thread.replies.map((reply) => (
          <Reply key={reply.id} reply={reply} wanted={reply.id === wanted.messageId ? wanted : null} />
        ))}
        {outbox.map((entry) => (
          <li key={entry.clientMessageId}>
            <OutboxEntryView entry={entry} />
          </li>
        ))}
      </ul>
    </div>
  );
}

/** `wanted`: the reader has opened the thread at this reply. */
function Reply({ reply, wanted }: { reply: Message; wanted: Wanted | null }) {
  const element = useRef<HTMLLIElement>(null);
  const [isShown, setShown] = useState(false);
  useEffect(() => {
    if (wanted === null) return;
    element.current?.scrollIntoView({ block: "center" });
    element.current?.querySelector<HTMLElement>("[data-id]")?.focus({ preventScroll: true });
    setShown(true);
    const timer = setTimeout(() => setShown(false), 2_000);
    return () => clearTimeout(timer);
  }, [wanted]);
  return (
    <li ref={element} className={isShown ? "row shown" : "row"}>
      <MessageView message={reply} continued={false} />
    </li>
  );
}

function useUnsentEntries(rootId: string): readonly OutboxEntry[] {
  const outbox = useStore(useChat().messages.outbox);
  return useMemo(() => outbox.filter(({ threadId }) => threadId === rootId), [outbox, rootId]);
}

/** Pixels from the end within which the list follows new replies. */
const NEAR_END = 80;

/** Keeps the end of a list in sight while the reader is there. */
function useFollowing(count: number) {
  const list = useRef<HTMLDivElement>(null);
  const isFollowing = useRef(true);
  useEffect(() => {
    const scroller = list.current?.parentElement;
    const scrolled = (): void => {
      if (scroller) isFollowing.current = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < NEAR_END;
    };
    scroller?.addEventListener("scroll", scrolled, { passive: true });
    return () => scroller?.removeEventListener("scroll", scrolled);
  }, []);
  // biome-ignore lint/correctness/useExhaustiveDependencies: runs whenever a reply is added
  useLayoutEffect(() => {
    const scroller = list.current?.parentElement;
    if (scroller && isFollowing.current) scroller.scrollTop = scroller.scrollHeight;
  }, [count]);
  return list;
}
