/**
 * Handles shortcuts of the focused message: the same actions as its buttons and its menu. After a click, letters are meant
 * for the message field.
 */

import type { Message } from "@talkwire/client";
import type { KeyboardEvent } from "react";
import type { Chat } from "../../chat/chat";
import { isTyping, onMac } from "../keyboard/focus";
import { isLedByKeys } from "../keyboard/lead";
import { keysOf, MESSAGE_KEYS } from "../keyboard/shortcuts";
import { actionsOf } from "../message_dialogs/message_actions";

export function handleMessageKey(event: KeyboardEvent<HTMLElement>, chat: Chat, message: Message): void {
  const { currentTarget: article, target } = event;
  // A menu that the message has opened is elsewhere in the document and handles its own keys.
  if (event.defaultPrevented || !article.contains(target as Node) || isTyping(target)) return;
  const key = keysOf(event, onMac);
  if (key.length === 1 && !isLedByKeys()) return;
  const action =
    key === MESSAGE_KEYS.react
      ? () => toReactions(article)
      : actionsOf(chat, message).find((each) => each.key === key)?.onClick;
  if (action === undefined) return;
  event.preventDefault();
  action();
}

/** Opens the emoji picker, otherwise focuses the first reaction button. */
function toReactions(article: HTMLElement): void {
  const all = article.querySelector<HTMLElement>(`.actions [aria-keyshortcuts="${MESSAGE_KEYS.react}"]`);
  if (all !== null) all.click();
  else article.querySelector<HTMLElement>(".actions button")?.focus();
}
