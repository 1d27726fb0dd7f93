import type { Chat } from "../chat/chat";
import { texts } from "../texts";

/** Copies a text to the clipboard, which not every browser allows without HTTPS. */
export async function copyText(chat: Chat, text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    chat.announce(texts.copied);
  } catch {
    chat.showNotice(texts.cannotCopy);
  }
}
