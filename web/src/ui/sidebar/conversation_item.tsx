import { BellOff, Hash, Megaphone } from "lucide-react";
import { memo, useState } from "react";
import { messageSummary, plainText } from "../../chat/messages/message_summary";
import { draftOf } from "../../chat/writing/drafts";
import { addressOf } from "../../place";
import type { Conversation } from "../../server/payloads";
import { texts } from "../../texts";
import { useChatState } from "../chat_context";
import { Avatar } from "../components/avatar";
import { nameOf, partnerOf } from "../conversation/conversation_names";
import { AvatarWithPresence } from "../people/avatar_with_presence";
import { shortTime } from "../time_format";
import { ConversationMenu } from "./conversation_menu";

/** A conversation in the list, with its menu. */
export const ConversationItem = memo(function ConversationItem({ conversation }: { conversation: Conversation }) {
  const [menu, setMenu] = useState(false);
  const { id, muted, unreadCount = 0 } = conversation;
  const isOpen = useChatState((state) => state.openId === id);
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: a button opens the same menu
    <div
      className="item"
      onContextMenu={(event) => {
        event.preventDefault();
        setMenu(true);
      }}
    >
      <a
        href={addressOf(id)}
        aria-current={isOpen ? "page" : undefined}
        className={unreadCount > 0 && !muted ? "unread" : undefined}
      >
        <Picture conversation={conversation} />
        <span className="who">
          {(conversation.kind === "channel" || conversation.public) && <Kind conversation={conversation} />}
          <span className="name" dir="auto">
            {nameOf(conversation)}
          </span>
          {muted && <BellOff className="icon" role="img" aria-label={texts.places.muted} />}
          <Time conversation={conversation} />
        </span>
        <span className="newest">
          <Last conversation={conversation} isOpen={isOpen} />
          <Counts conversation={conversation} />
        </span>
      </a>
      <ConversationMenu conversation={conversation} open={menu} setOpen={setMenu} />
    </div>
  );
});

function Picture({ conversation }: { conversation: Conversation }) {
  const me = useChatState((state) => state.me);
  const { id, avatar } = conversation;
  const partner = partnerOf(conversation, me);
  const name = nameOf(conversation);
  if (partner === undefined) return <Avatar id={id} name={name} picture={avatar} />;
  return <AvatarWithPresence userId={partner.userId} name={name} picture={avatar} />;
}

function Kind({ conversation }: { conversation: Conversation }) {
  const { kind } = conversation;
  const labels = conversation.public && kind !== "direct" ? texts.places.publicKinds[kind] : texts.kinds[kind];
  const Icon = conversation.public ? Hash : Megaphone;
  return <Icon className="icon kind" role="img" aria-label={labels} />;
}

function Time({ conversation: { lastMessage } }: { conversation: Conversation }) {
  if (lastMessage === undefined) return null;
  return <time dateTime={lastMessage.createdAt}>{shortTime(lastMessage.createdAt)}</time>;
}

/** The last message, or the reader's draft. */
function Last({ conversation, isOpen }: { conversation: Conversation; isOpen: boolean }) {
  const me = useChatState((state) => state.me);
  const { id, kind, lastMessage } = conversation;
  const isBlocked = useChatState((state) => lastMessage !== undefined && state.blocked.has(lastMessage.senderId));
  const draft = isOpen ? "" : draftOf(me.id, id);
  if (draft !== "") {
    return (
      <span className="last">
        <span className="draft">{texts.places.draft}</span> <bdi>{draft}</bdi>
      </span>
    );
  }
  if (lastMessage === undefined) return <span className="last">{texts.places.nothingSaid}</span>;
  if (isBlocked && kind !== "direct") return <span className="last">{texts.people.folded}</span>;
  const speaker = lastMessage.senderId === me.id ? texts.you : lastMessage.sender.name;
  return (
    <span className="last">
      {kind !== "direct" && (
        <>
          <bdi>{speaker}</bdi>:{" "}
        </>
      )}
      <bdi>{plainText(messageSummary(lastMessage))}</bdi>
    </span>
  );
}

function Counts({ conversation: { muted, unreadCount = 0, mentionCount = 0 } }: { conversation: Conversation }) {
  return (
    <>
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
    </>
  );
}
