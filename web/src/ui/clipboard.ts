import type { Chat } from "../chat/chat";
import { texts } from "../texts";

/** Puts a text where it can be pasted from; not every browser lets a page without HTTPS. */
export async function copyText(chat: Chat, text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    chat.announce(texts.copied);
  } catch {
    chat.warn(texts.cannotCopy);
  }
}
