/** The actions on a message that is not sent yet. */

import { type OutboxEntry, own } from "@talkwire/client/parts";
import { Copy, Pencil, X } from "lucide-react";
import type { Chat } from "../../chat/chat";
import { mayWriteIn } from "../../chat/conversations/writing";
import { texts } from "../../texts";
import type { MenuAction } from "../components/menu_action";
import { copyText } from "../page/clipboard";

/** Returns the actions that the reader may take. */
export function unsentActions(chat: Chat, entry: OutboxEntry): MenuAction[] {
  const { clientMessageId, content, problem } = entry;
  const { conversations, me, blocked } = chat.state.getState();
  const conversation = own(conversations, entry.conversationId);
  const hasField = conversation !== undefined && mayWriteIn(conversation, me, blocked);
  const cancel = (): void => {
    const undo = chat.messages.cancel(clientMessageId);
    chat.showToast(texts.sendingCancelled, undo === null ? undefined : { label: texts.undo, run: undo });
  };
  const list: (MenuAction | false)[] = [
    hasField && { label: texts.edit, icon: Pencil, onClick: () => chat.messages.editUnsent(clientMessageId) },
    content !== "" && { label: texts.copyText, icon: Copy, onClick: () => void copyText(chat, content) },
    // A refused message has a button that discards it.
    problem === null && {
      label: texts.cancelSending,
      icon: X,
      isDangerous: true,
      startsGroup: hasField || content !== "",
      onClick: cancel,
    },
  ];
  return list.filter((action) => action !== false);
}
