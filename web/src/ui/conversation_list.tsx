import { useMemo } from "react";
import { inOrder } from "../chat/unread";
import type { Conversation, Member, User } from "../server/payloads";
import { texts } from "../texts";
import { Avatar } from "./avatar";
import { useChat, useChatState } from "./context";
import { shortTime } from "./times";

export function nameOf(conversation: Conversation): string {
  return conversation.name ?? texts.kinds[conversation.kind];
}

/** The other one of a direct conversation, where that is known. */
export function partnerOf({ kind, members }: Conversation, me: User): Member | undefined {
  return kind === "direct" ? members?.find((member) => member.userId !== me.id) : undefined;
}

export function ConversationList() {
  const chat = useChat();
  const conversations = useChatState((state) => state.conversations);
  const loaded = useChatState((state) => state.loaded);
  const hasMore = useChatState((state) => state.nextConversations !== null);
  const ordered = useMemo(() => inOrder(conversations), [conversations]);
  if (loaded && ordered.length === 0) {
    return (
      <div className="empty">
        <p>{texts.noConversations}</p>
        <p>{texts.noConversationsHint}</p>
      </div>
    );
  }
  return (
    <nav className="conversations" aria-label={texts.conversations}>
      <ul>
        {ordered.map((conversation) => (
          <li key={conversation.id}>
            <Item conversation={conversation} />
          </li>
        ))}
      </ul>
      {hasMore && (
        <button type="button" className="quiet" onClick={() => void chat.loadConversations()}>
          {texts.moreConversations}
        </button>
      )}
    </nav>
  );
}

function Item({ conversation }: { conversation: Conversation }) {
  const isOpen = useChatState((state) => state.openId === conversation.id);
  const me = useChatState((state) => state.me);
  const { id, lastMessage, unreadCount = 0, mentionCount = 0, muted } = conversation;
  const name = nameOf(conversation);
  const says = lastMessage === undefined ? "" : lastMessage.deletedAt ? texts.deleted : (lastMessage.content ?? "");
  const speaker = lastMessage === undefined || conversation.kind === "direct" ? "" : speakerOf(lastMessage, me);
  return (
    <a
      href={`#/conversation/${encodeURIComponent(id)}`}
      aria-current={isOpen ? "page" : undefined}
      className={unreadCount > 0 && !muted ? "unread" : undefined}
    >
      <Avatar id={id} name={name} />
      <span className="who">
        <span className="name">{name}</span>
        {lastMessage && <time dateTime={lastMessage.createdAt}>{shortTime(lastMessage.createdAt)}</time>}
      </span>
      <span className="what">
        <span className="last">
          {speaker}
          {says}
        </span>
        {mentionCount > 0 && (
          <span className="count mention" title={texts.mentions(mentionCount)}>
            @
          </span>
        )}
        {unreadCount > 0 && (
          <span className={muted ? "count muted" : "count"} title={texts.unread(unreadCount)}>
            {unreadCount > 999 ? "999+" : unreadCount}
          </span>
        )}
      </span>
    </a>
  );
}

function speakerOf({ senderId, sender }: { senderId: string; sender: { name: string } }, me: User): string {
  return `${senderId === me.id ? texts.you : sender.name}: `;
}
