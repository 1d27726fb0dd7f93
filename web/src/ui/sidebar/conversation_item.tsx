import type { Conversation } from "@talkwire/client";
import { newestCall, newestTime, type OutboxEntry } from "@talkwire/client/parts";
import { BellOff } from "lucide-react";
import { memo, useState } from "react";
import { useStore } from "zustand";
import { withMissedCall } from "../../chat/alerts/alerts";
import { newestOffer, unreadOf } from "../../chat/conversations/unread";
import { newestUnsent, timeOf } from "../../chat/conversations/unsent_messages";
import { addressOf } from "../../place";
import { shortTime } from "../../time_format";
import { mutedText } from "../alerts/mute_actions";
import { Avatar } from "../components/avatar";
import { nameOf, partnerOf } from "../components/conversation_names";
import { KindIcon, PlaceAvatar } from "../components/kind_icon";
import { UnreadCount, weightOf } from "../components/unread_count";
import { byTouch, focusComposer } from "../keyboard/focus";
import { useChat, useChatState } from "../page/chat_context";
import { goTo } from "../page/page_address";
import { AvatarWithPresence } from "../people/avatar_with_presence";
import { NamesakeHandle } from "../people/person_handle";
import { ConversationPreview } from "../timeline/conversation_preview";
import { DeliveryTick } from "../timeline/message_view";
import { useLongPress } from "../timeline/use_long_press";
import { ConversationMenu } from "./conversation_menu";

/** A conversation in the list, with its menu. */
export const ConversationItem = memo(function ConversationItem({ conversation }: { conversation: Conversation }) {
  const [menu, setMenu] = useState(false);
  const { id, muted, archived } = conversation;
  const unreadCount = useChatState((state) => unreadOf(conversation, state.features));
  const isMissed = useStore(useChat().alerts.state, ({ items }) => withMissedCall(items).has(id));
  const isOpen = useChatState((state) => state.openId === id);
  const unsent = useStore(useChat().messages.outbox, (outbox) => newestUnsent(outbox, id));
  const press = useLongPress(() => setMenu(true));
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: a button opens the same menu
    <div
      className="item"
      {...press}
      onContextMenu={(event) => {
        press.onContextMenu(event);
        event.preventDefault();
        setMenu(true);
      }}
    >
      <a
        href={addressOf(id)}
        // The browser does not follow a link to where the page is.
        onClick={isOpen ? openAgain(id) : undefined}
        aria-current={isOpen ? "page" : undefined}
        className={(unreadCount > 0 || isMissed) && !muted && !archived ? "unread" : undefined}
      >
        <span className="conversation-row" data-conversation={id}>
          <Picture conversation={conversation} />
          <span className="who">
            <KindIcon conversation={conversation} />
            <span className="name" dir="auto">
              {nameOf(conversation)}
            </span>
            <PartnerHandle conversation={conversation} />
            {muted && (
              <span className="icon" role="img" aria-label={mutedText(conversation)} title={mutedText(conversation)}>
                <BellOff className="icon" aria-hidden="true" />
              </span>
            )}
            <Time conversation={conversation} unsent={unsent} />
          </span>
          <span className="newest">
            <ConversationPreview conversation={conversation} isOpen={isOpen} unsent={unsent} />
            <UnreadCount count={unreadCount} weight={weightOf(conversation)} mentions={conversation.mentionCount} />
          </span>
        </span>
      </a>
      <ConversationMenu conversation={conversation} open={menu} setOpen={setMenu} />
    </div>
  );
});

/** Returns a handler that shows the newest messages of the open conversation, with the cursor in the message field. */
const openAgain = (id: string) => (): void => {
  goTo(id);
  if (!byTouch) focusComposer();
};

function Picture({ conversation }: { conversation: Conversation }) {
  const me = useChatState((state) => state.me);
  const { id, kind, avatar } = conversation;
  const partner = partnerOf(conversation, me);
  const name = nameOf(conversation);
  if (kind !== "direct") return <PlaceAvatar conversation={conversation} />;
  if (partner === undefined) return <Avatar id={id} name={name} picture={avatar} />;
  return <AvatarWithPresence userId={partner.userId} name={name} picture={avatar} />;
}

function PartnerHandle({ conversation }: { conversation: Conversation }) {
  const partner = useChatState((state) => partnerOf(conversation, state.me));
  return partner && <NamesakeHandle userId={partner.userId} name={partner.name} />;
}

function Time({ conversation, unsent }: { conversation: Conversation; unsent: OutboxEntry | undefined }) {
  const offer = useChatState((state) => newestOffer(conversation, state.features));
  const lastAt = offer?.createdAt ?? newestCall(conversation)?.createdAt ?? conversation.lastMessage?.createdAt;
  // Without a message, or with older ones only, it is the time of joining, which also orders the list.
  const newest = newestTime(conversation);
  const isNewer = lastAt === undefined || (newest === conversation.joinedAt && newest > lastAt);
  const createdAt = unsent === undefined ? (isNewer ? newest : lastAt) : timeOf(unsent);
  const { lastMessage } = conversation;
  const isMine = useChatState(({ me }) => lastMessage?.senderId === me.id);
  const sent = isMine && unsent === undefined && lastMessage?.createdAt === createdAt ? lastMessage : undefined;
  return (
    <>
      {sent !== undefined && sent.deletedAt === undefined && <DeliveryTick message={sent} />}
      <time dateTime={createdAt}>{shortTime(createdAt)}</time>
    </>
  );
}
