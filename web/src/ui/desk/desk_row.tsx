import type { Conversation } from "@talkwire/client";
import { newestTime } from "@talkwire/client/parts";
import { UserRound } from "lucide-react";
import { useStore } from "zustand";
import { unreadOf } from "../../chat/conversations/unread";
import { newestUnsent } from "../../chat/conversations/unsent_messages";
import { addressOf } from "../../place";
import { shortTime } from "../../time_format";
import { nameOf } from "../components/conversation_names";
import { PlaceAvatar } from "../components/kind_icon";
import { UnreadCount } from "../components/unread_count";
import { useChat, useChatState } from "../page/chat_context";
import { ConversationPreview } from "../timeline/conversation_preview";
import { useHandlingText } from "./use_handling_text";
import { WaitingTime } from "./waiting_time";

/** A conversation of the desk: whose it is, what was written last, who handles it, and since when somebody waits. */
export function DeskRow({ conversation }: { conversation: Conversation }) {
  const { id, waitingSince, listed, handler } = conversation;
  const isOpen = useChatState((state) => state.openId === id);
  const unsent = useStore(useChat().messages.outbox, (outbox) => newestUnsent(outbox, id));
  // What is not in the reader's own list is not unread for them.
  const unread = useChatState((state) => (listed === false ? 0 : unreadOf(conversation, state.features)));
  const handling = useHandlingText(conversation);
  const newest = newestTime(conversation);
  return (
    <div className="desk-item">
      <a
        href={addressOf(id)}
        aria-current={isOpen ? "page" : undefined}
        className={unread > 0 ? "unread" : undefined}
        data-conversation={id}
      >
        <span className="desk-row">
          <PlaceAvatar conversation={conversation} />
          <span className="who">
            <span className="name" dir="auto">
              {nameOf(conversation)}
            </span>
            {waitingSince ? <WaitingTime since={waitingSince} /> : <time dateTime={newest}>{shortTime(newest)}</time>}
          </span>
          <span className="newest">
            <ConversationPreview conversation={conversation} isOpen={isOpen} unsent={unsent} />
            <UnreadCount count={unread} weight="usual" mentions={listed === false ? 0 : conversation.mentionCount} />
          </span>
          <span className={handler ? "desk-handler handled" : "desk-handler"}>
            <UserRound className="icon" aria-hidden="true" />
            <span className="cut">{handling}</span>
          </span>
        </span>
      </a>
    </div>
  );
}
