/** The actions on a message that is not sent yet. */

import { type OutboxEntry, own } from "@talkwire/client/parts";
import { Copy, Pencil, X } from "lucide-react";
import type { Chat } from "../../chat/chat";
import { mayWriteIn } from "../../chat/conversations/writing";
import { texts } from "../../texts";
import type { MenuAction } from "../components/menu_action";
import { focusComposer } from "../keyboard/focus";
import { copyText } from "../page/clipboard";

/** Returns the actions that the reader may take. `within`: where the message is. */
export function unsentActions(chat: Chat, entry: OutboxEntry, within: () => Element | null): MenuAction[] {
  const { clientMessageId, content, problem } = entry;
  const { composing, conversations, me, blocked } = chat.state.getState();
  const conversation = own(conversations, entry.conversationId);
  const hasField = conversation !== undefined && mayWriteIn(conversation, me, blocked) && composing?.kind !== "edit";
  const edit = async (): Promise<void> => {
    const place = within()?.closest(".panel") ?? null;
    const undo = await chat.messages.takeBackToComposer(clientMessageId);
    if (undo !== null) chat.showToast(texts.takenBack, { label: texts.undo, run: undo });
    focusComposer(place);
  };
  const cancel = (): void => {
    const undo = chat.messages.cancel(clientMessageId);
    chat.showToast(texts.sendingCancelled, undo === null ? undefined : { label: texts.undo, run: undo });
  };
  const list: (MenuAction | false)[] = [
    hasField && { label: texts.edit, icon: Pencil, onClick: () => void edit() },
    content !== "" && { label: texts.copyText, icon: Copy, onClick: () => void copyText(chat, content) },
    // A refused message has a button that discards it.
    problem === null && { label: texts.cancelSending, icon: X, isDangerous: true, onClick: cancel },
  ];
  return list.filter((action) => action !== false);
}
