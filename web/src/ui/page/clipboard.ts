import type { Chat } from "../../chat/chat";
import { texts } from "../../texts";

/** Copies a text to the clipboard, and returns whether the browser allowed it: not every one does without HTTPS. */
export async function copyText(chat: Chat, text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    chat.showToast(texts.copied);
    return true;
  } catch {
    chat.showNotice(texts.cannotCopy);
    return false;
  }
}
