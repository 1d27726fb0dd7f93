import { newestFirst } from "@talkwire/client/parts";
import { useEffect } from "react";
import type { Chat } from "../../chat/chat";
import { nextConversation } from "../../chat/conversations/next_conversation";
import { focusComposer, isEmptyComposer, isTyping, onMac } from "../keyboard/focus";
import { followLead, isLedByKeys, MESSAGES } from "../keyboard/lead";
import { isPlain, keysOf, type ShortcutName, shortcutOf } from "../keyboard/shortcuts";
import { useChat, useChatState } from "../page/chat_context";
import { lazyPart } from "../page/lazy_part";
import { goTo } from "../page/page_address";

export const QuickSwitcher = lazyPart(() => import("./quick_switcher"));
const ShortcutList = lazyPart(() => import("./shortcut_list"));
const WaitingList = lazyPart(() => import("../sidebar/waiting_list"));
const ThreadList = lazyPart(() => import("../sidebar/thread_list"));

/** Shortcuts that work everywhere, and the overlays. */
export function Keyboard() {
  const chat = useChat();
  const overlay = useChatState((state) => state.overlay);
  useEffect(followLead, []);
  useEffect(() => {
    const pressed = (event: KeyboardEvent): void => {
      const keys = keysOf(event, onMac);
      if (event.defaultPrevented || isInFront(event.target) || (isPlain(keys) && isTyping(event.target))) return;
      const name = shortcutOf(keys);
      const action = name && EVERYWHERE[name];
      // A text without a field is meant for the message field.
      if (action === undefined && isLetter(event) && isNowhere(event.target)) focusComposer(event.target);
      if (action === undefined) return;
      event.preventDefault();
      action(chat, event);
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, [chat]);
  const close = (): void => chat.openOverlay(null);
  return (
    <>
      {overlay === "switcher" && <QuickSwitcher onClose={close} />}
      {overlay === "shortcuts" && <ShortcutList onClose={close} />}
      {overlay === "threads" && <ThreadList onClose={close} />}
      {overlay === "waiting" && <WaitingList onClose={close} />}
    </>
  );
}

/** The other shortcuts belong to the focused message or to the composer. */
const EVERYWHERE: Partial<Record<ShortcutName, (chat: Chat, event: KeyboardEvent) => void>> = {
  switch: (chat) => chat.openOverlay("switcher"),
  help: (chat) => chat.openOverlay("shortcuts"),
  search,
  next: (chat) => move(chat, 1),
  previous: (chat) => move(chat, -1),
  nextUnread: (chat) => move(chat, 1, true),
  previousUnread: (chat) => move(chat, -1, true),
  leave,
};

/** Whether a key writes something visible. */
function isLetter({ key, ctrlKey, metaKey, altKey }: KeyboardEvent): boolean {
  return key.length === 1 && key !== " " && !ctrlKey && !metaKey && !altKey;
}

/** Whether letters do nothing there: on the page, on a list of messages, and on a message that was clicked. */
function isNowhere(target: EventTarget | null): target is Element {
  if (!(target instanceof Element)) return false;
  return target.matches("body, [role=log]") || (!isLedByKeys() && target.closest(MESSAGES) !== null);
}

/** Searches in the open conversation, otherwise in all. */
function search(chat: Chat): void {
  if (chat.state.getState().openId === null) document.querySelector<HTMLElement>("aside [type=search]")?.focus();
  else chat.openPanel({ kind: "search" });
}

function move(chat: Chat, step: 1 | -1, unreadOnly = false): void {
  const { conversations, openId } = chat.state.getState();
  const next = nextConversation(newestFirst(conversations), openId, step, unreadOnly);
  if (next !== undefined) goTo(next.id);
}

/**
 * Closes one thing at a time: the panel, then the search of the list. Then it marks the conversation as read, or leads to
 * the newest message. In a text field, it only closes the panel and the search, unless it is an empty message field.
 */
function leave(chat: Chat, event: KeyboardEvent): void {
  const { panel, listQuery, openId, keptUnread, watched, skips } = chat.state.getState();
  // A key that is held would close all of it, and read what is unread.
  if (event.repeat) return;
  if (panel !== null) {
    chat.openPanel(null);
  } else if (listQuery !== "") {
    chat.searchList("");
  } else if (isTyping(event.target) && !isEmptyComposer(event.target)) {
    return;
  } else if (openId !== null && (keptUnread === openId || (watched && skips))) {
    void chat.markRead(openId);
  } else if (openId !== null) {
    void chat.messages.toNewest(openId);
    focusComposer();
  }
}

/** Returns whether a dialog, menu or picker handles keys itself. It may have closed and left the document by now. */
function isInFront(target: EventTarget | null): boolean {
  if (document.querySelector("dialog[open], [role=menu]") !== null) return true;
  return target instanceof Element && target.closest("[role=dialog], [role=listbox], [role=menu]") !== null;
}
