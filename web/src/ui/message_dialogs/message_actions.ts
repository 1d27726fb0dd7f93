/** The actions on a message: one list for its buttons, its menu and its shortcuts. */

import type { Message } from "@talkwire/client";
import { EMPTY, isNonMember, may, own, roleOf } from "@talkwire/client/parts";
import {
  Bookmark,
  BookmarkX,
  Check,
  Copy,
  Eye,
  Flag,
  Forward,
  Link,
  MailOpen,
  MessagesSquare,
  Pencil,
  Pin,
  PinOff,
  Reply,
  SmilePlus,
  Trash2,
  X,
} from "lucide-react";
import { endOf } from "../../chat/cards/card_rules";
import type { Chat } from "../../chat/chat";
import { mayWriteIn } from "../../chat/conversations/writing";
import type { Composing } from "../../chat/page_core";
import { texts } from "../../texts";
import { cardLabels } from "../cards/labels";
import type { MenuAction } from "../components/menu_action";
import { panelCoversConversation } from "../components/panel_layout";
import { MESSAGE_KEYS } from "../keyboard/shortcuts";
import { copyText } from "../page/clipboard";
import { linkTo } from "../page/page_address";

export interface MessageAction extends MenuAction {
  /** The shortcut's `event.key`; ui/keyboard/shortcuts.ts lists it. */
  key?: string;
  /** Whether it has a button of its own, before the menu; "wide": not in a narrow window. */
  isFrequent?: boolean | "wide";
}

/** Returns whether something would be unread from a message on: the reader's own messages never are. */
function canBeUnread(chat: Chat, { conversationId, senderId, seq }: Message): boolean {
  const { me, timelines } = chat.state.getState();
  if (senderId !== me.id) return true;
  const { messages, atEnd } = own(timelines, conversationId) ?? EMPTY;
  return !atEnd || messages.some((each) => each.seq > seq && each.senderId !== me.id);
}

/** Returns the actions that the reader may take, in the order of the menu. */
export function actionsOf(chat: Chat, message: Message): MessageAction[] {
  if (message.deletedAt !== undefined) return [];
  const { me, conversations } = chat.state.getState();
  const conversation = own(conversations, message.conversationId);
  const isMine = me.id === message.senderId;
  const mayWrite = mayWriteBeside(chat, message);
  const isGrowing = message.state === "streaming";
  const isSaved = chat.saved.has(message.conversationId, message.id);
  const isGroup = conversation !== undefined && conversation.kind !== "direct";
  const runs = isGroup && may(conversation.kind, roleOf(conversation, me), "manage");
  const ask = (kind: "delete" | "end" | "forward" | "reactions" | "receipts" | "report") => () =>
    chat.openMessageDialog({ kind, message });
  const answering: (MessageAction | false)[] = [
    mayWrite && {
      label: texts.reply,
      icon: Reply,
      key: MESSAGE_KEYS.reply,
      isFrequent: true,
      onClick: () => reply(chat, message),
    },
    // Anyone who may not write can still read a thread.
    (mayWrite || (message.replyCount ?? 0) > 0) &&
      message.threadId === undefined &&
      // The panel of a thread would take the place of the notes.
      message.notesOf === undefined && {
        label: mayWrite ? texts.replyInThread : texts.thread,
        icon: MessagesSquare,
        key: MESSAGE_KEYS.thread,
        isFrequent: "wide",
        onClick: () => chat.openPanel({ kind: "thread", rootId: message.id }),
      },
    !isGrowing && { label: texts.forward, icon: Forward, key: MESSAGE_KEYS.forward, onClick: ask("forward") },
  ];
  const others: (MessageAction | false)[] = [
    isMine &&
      mayWrite &&
      !isGrowing &&
      message.forwardedFrom === undefined &&
      message.card === undefined && {
        label: texts.edit,
        icon: Pencil,
        key: MESSAGE_KEYS.edit,
        onClick: () => compose(chat, "edit", message),
      },
    (runs || conversation?.kind === "direct") && {
      label: message.pinned ? texts.unpin : texts.pin,
      icon: message.pinned ? PinOff : Pin,
      onClick: () => chat.messages.pin(message),
    },
    {
      label: isSaved ? texts.saved.remove : texts.saved.save,
      icon: isSaved ? BookmarkX : Bookmark,
      key: MESSAGE_KEYS.save,
      onClick: () => void chat.messages.save(message, !isSaved),
    },
    message.content
      ? {
          label: texts.copyText,
          icon: Copy,
          key: MESSAGE_KEYS.copy,
          onClick: () => void copyText(chat, message.content ?? ""),
        }
      : false,
    {
      label: texts.copyLink,
      icon: Link,
      onClick: () => void copyText(chat, linkTo(message.conversationId, message.id)),
    },
    canBeUnread(chat, message) && {
      label: texts.markUnread,
      icon: MailOpen,
      key: MESSAGE_KEYS.unread,
      onClick: () => void chat.messages.markUnread(message.conversationId, message.id),
    },
    (message.reactions?.length ?? 0) > 0 && { label: texts.whoReacted, icon: SmilePlus, onClick: ask("reactions") },
    // Who has read a thread is not known.
    isMine && isGroup && message.threadId === undefined && { label: texts.seenBy, icon: Eye, onClick: ask("receipts") },
  ];
  const end = endOf(message, conversation, me);
  const last: (MessageAction | false)[] = [
    end !== null && { label: cardLabels[end], icon: end === "close" ? Check : X, onClick: ask("end") },
    !isMine && { label: texts.report.action, icon: Flag, onClick: ask("report") },
    (isMine || runs) && {
      // It is not only hidden from the reader.
      label: isMine ? texts.delete : texts.deleteForAll,
      icon: Trash2,
      key: MESSAGE_KEYS.delete,
      isDangerous: true,
      onClick: ask("delete"),
    },
  ];
  return [...answering, ...startingGroup(others), ...startingGroup(last)].filter((action) => action !== false);
}

/** Returns the actions that there are, the first of them below a line. */
function startingGroup(actions: readonly (MessageAction | false)[]): MessageAction[] {
  const [first, ...rest] = actions.filter((action) => action !== false);
  return first === undefined ? [] : [{ ...first, startsGroup: true }, ...rest];
}

/** Replies to a message, where the reader can write. */
export function reply(chat: Chat, message: Message): void {
  if (mayWriteBeside(chat, message)) compose(chat, "reply", message);
}

/** Whether there is a message field in the conversation of a message. */
function mayWriteBeside(chat: Chat, { conversationId }: Message): boolean {
  const { me, blocked, conversations } = chat.state.getState();
  const conversation = own(conversations, conversationId);
  return conversation !== undefined && !isNonMember(conversation, me) && mayWriteIn(conversation, me, blocked);
}

/** A reply in a thread is edited and replied to in its panel, any other message in the conversation. */
function compose(chat: Chat, kind: Composing["kind"], message: Message): void {
  const { panel } = chat.state.getState();
  const rootId = message.threadId;
  if (rootId === undefined) {
    if (panelCoversConversation()) chat.openPanel(null);
  } else if (panel?.kind !== "thread" || panel.rootId !== rootId) {
    chat.openPanel({ kind: "thread", rootId });
  }
  chat.messages.compose({ kind, message });
}
