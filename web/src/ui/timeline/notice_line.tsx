import type { Notice } from "@talkwire/client";
import { own } from "@talkwire/client/parts";
import { Info, Phone, Tag, Users } from "lucide-react";
import { memo, useRef } from "react";
import { useStore } from "zustand";
import { useShallow } from "zustand/react/shallow";
import { distinctNames } from "../../chat/people/namesakes";
import { fullTime, timeOfDay } from "../../time_format";
import { partnerOf } from "../components/conversation_names";
import { useSeen } from "../offers/use_seen";
import { useChat, useChatState } from "../page/chat_context";
import { useIsFolded } from "../people/folded";
import { noticeText } from "./notice_text";
import "./notice_line.css";

const ICONS = {
  joined: Users,
  added: Users,
  left: Users,
  removed: Users,
  role: Users,
  changed: Info,
  call: Phone,
  offer: Tag,
};

/** What happened in the conversation, in one line. Nothing for a kind of notice that is newer than this client. */
export const NoticeLine = memo(function NoticeLine({ notice }: { notice: Notice }) {
  const myId = useChatState((state) => state.me.id);
  // "Ann added Ann" says nothing.
  const names = useChatState(useShallow(({ conversations }) => distinctNames(conversations, notice.names)));
  const partner = useChatState((state) => {
    const conversation = own(state.conversations, notice.conversationId);
    return conversation && partnerOf(conversation, state.me)?.name;
  });
  const offer = useStore(useChat().offers.state, ({ byConversation }) =>
    notice.offerId === undefined
      ? undefined
      : own(byConversation, notice.conversationId)?.offers.find(({ id }) => id === notice.offerId),
  );
  const isFolded = useIsFolded(notice.conversationId, offer?.authorId);
  const text = noticeText({ ...notice, names }, myId, partner, isFolded ? undefined : offer);
  const line = useRef<HTMLParagraphElement>(null);
  useSeen(line, notice.offerId, { conversationId: notice.conversationId, authorId: offer?.authorId });
  if (text === null) return null;
  const Icon = ICONS[notice.type];
  return (
    <p className="notice-line" ref={line}>
      <Icon className="icon" aria-hidden="true" />
      <span dir="auto">{text}</span>{" "}
      <time dateTime={notice.createdAt} title={fullTime(notice.createdAt)}>
        {timeOfDay(notice.createdAt)}
      </time>
    </p>
  );
});
