import { RequestError } from "@talkwire/client";
import type { Chat } from "../../chat/chat";

/**
 * Moves all conversations of a section to another one, or with null out of it, one by one. Rejects with `RequestError`:
 * those that were not moved stay in the section.
 */
export async function changeSection(chat: Chat, from: string, to: string | null): Promise<void> {
  // Favourites and archived conversations have a section too.
  const moved = Object.values(chat.state.getState().conversations).filter(({ section }) => section === from);
  for (const { id } of moved) await prefer(chat, id, to);
}

async function prefer(chat: Chat, id: string, section: string | null): Promise<void> {
  try {
    await chat.conversations.prefer(id, { section });
  } catch (error) {
    if (!(error instanceof RequestError) || error.retryAfterMs === 0) throw error;
    await new Promise((resolve) => setTimeout(resolve, error.retryAfterMs));
    await chat.conversations.prefer(id, { section });
  }
}
