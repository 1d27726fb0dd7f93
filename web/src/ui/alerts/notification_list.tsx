import type { ChatNotification } from "@talkwire/client";
import { own } from "@talkwire/client/parts";
import {
  AtSign,
  BellRing,
  CloudOff,
  Flag,
  Gavel,
  type LucideIcon,
  MessageSquare,
  PhoneMissed,
  Reply,
  Tag,
  UserPlus,
} from "lucide-react";
import { useEffect, useMemo } from "react";
import { useStore } from "zustand";
import { unreadIn } from "../../chat/alerts/alerts";
import { isListed } from "../../chat/alerts/notifications";
import { texts } from "../../texts";
import { fullTime, shortTime } from "../../time_format";
import { nameOf } from "../components/conversation_names";
import { Dialog } from "../components/dialog";
import { EmptyState } from "../components/empty_state";
import { useChat, useChatState } from "../page/chat_context";
import { goTo } from "../page/page_address";
import { useDistinctName } from "../people/person_handle";
import { bodyOf, headlineOf } from "./notification_text";
import { PermissionLine } from "./permission_line";
import "./notification_list.css";

const ICONS: Readonly<Record<ChatNotification["type"], LucideIcon>> = {
  decision: Gavel,
  direct: MessageSquare,
  invitation: UserPlus,
  mention: AtSign,
  message: MessageSquare,
  "missed-call": PhoneMissed,
  moderation: Flag,
  offer: Tag,
  reply: Reply,
};

/** The reader's notifications, newest first. */
export default function NotificationList({ onClose }: { onClose: () => void }) {
  const { alerts } = useChat();
  const { items: stored, next } = useStore(alerts.state);
  const items = useMemo(() => stored.filter(isListed), [stored]);
  const unread = useStore(alerts.state, unreadIn);
  const connected = useChatState((state) => state.connected);
  // Only their number is kept for a reload without a connection.
  const isUnknown = stored.length === 0 && !connected;
  const isEmpty = items.length === 0;
  useEffect(() => {
    if (isEmpty && next !== null) void alerts.load(next);
  }, [alerts, isEmpty, next]);
  const go = ({ id, conversationId, messageId }: ChatNotification): void => {
    onClose();
    void alerts.markRead([id]);
    goTo(conversationId, messageId);
  };
  return (
    <Dialog title={texts.alerts.title} onClose={onClose} className="notifications large">
      <PermissionLine />
      {isUnknown && <EmptyState icon={CloudOff} title={texts.alerts.notLoaded} />}
      {isEmpty && !isUnknown && next === null && <EmptyState icon={BellRing} title={texts.alerts.none} />}
      {!isEmpty && (
        <ul>
          {items.map((item) => (
            <li key={item.id}>
              <Item item={item} onOpen={() => go(item)} />
            </li>
          ))}
        </ul>
      )}
      {(next !== null || (unread > 0 && !isUnknown)) && (
        <div className="buttons">
          {next !== null && (
            <button type="button" onClick={() => void alerts.load(next)}>
              {texts.alerts.more}
            </button>
          )}
          {unread > 0 && (
            <button type="button" onClick={() => void alerts.markAllRead()}>
              {texts.alerts.readAll}
            </button>
          )}
        </div>
      )}
    </Dialog>
  );
}

function Item({ item, onOpen }: { item: ChatNotification; onOpen: () => void }) {
  const conversation = useChatState((state) => own(state.conversations, item.conversationId));
  const title = useDistinctName(item.actorId, item.title);
  const Icon = ICONS[item.type];
  const where = conversation === undefined || conversation.kind === "direct" ? undefined : nameOf(conversation);
  const isNew = item.readAt === undefined;
  const isDeleted = item.messageId !== undefined && item.body === "";
  return (
    <button type="button" className={isNew ? "notification new" : "notification"} onClick={onOpen}>
      <Icon className="icon" aria-hidden="true" />
      <span className="headline" dir="auto">
        {headlineOf({ ...item, title })}
        {isNew && <span className="hidden">, {texts.alerts.isNew}</span>}
      </span>
      <time dateTime={item.createdAt} title={fullTime(item.createdAt)}>
        {shortTime(item.createdAt)}
      </time>
      <span className="excerpt" dir="auto">
        {bodyOf(isDeleted ? { ...item, body: texts.deleted } : item, where)}
      </span>
    </button>
  );
}
