import { own } from "@talkwire/client/parts";
import type { Chat } from "../../chat/chat";
import { NO_QUERY } from "../../chat/search/search";

/** Searches messages of all conversations: beside the open conversation, otherwise in the list. */
export function searchEverywhere(chat: Chat, text: string): void {
  const { conversations, openId } = chat.state.getState();
  if (openId === null || own(conversations, openId) === undefined) {
    chat.searchList(text);
    document.querySelector<HTMLElement>("aside [type=search]")?.focus();
    return;
  }
  void chat.search.search({ ...NO_QUERY, text });
  chat.openPanel({ kind: "search" });
  // It takes the focus by itself unless it is open already.
  document.querySelector<HTMLElement>(".panel .message-search [type=search]")?.focus();
}
