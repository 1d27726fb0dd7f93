import { RequestError } from "@talkwire/client";
import type { Chat } from "../../chat/chat";
import { texts } from "../../texts";

/**
 * Moves all conversations of a section to another one, one by one. Rejects with `RequestError`: those that were not moved
 * stay in the section.
 */
export async function renameSection(chat: Chat, from: string, to: string): Promise<void> {
  await move(chat, idsIn(chat, from), to);
}

/** Moves all conversations out of a section, and offers to undo that. A problem is shown as a notice. */
export async function removeSection(chat: Chat, name: string): Promise<void> {
  const ids = idsIn(chat, name);
  const moved = async (to: string | null): Promise<boolean> => {
    try {
      await move(chat, ids, to);
      return true;
    } catch (error) {
      chat.showNotice((error as Error).message);
      return false;
    }
  };
  const undo = { label: texts.undo, run: () => void moved(name) };
  if (await moved(null)) chat.showToast(texts.places.sections.removed(name), undo);
}

/** Favourites and archived conversations have a section too. */
function idsIn(chat: Chat, name: string): string[] {
  return Object.values(chat.state.getState().conversations).flatMap(({ id, section }) =>
    section === name ? [id] : [],
  );
}

async function move(chat: Chat, ids: readonly string[], section: string | null): Promise<void> {
  for (const id of ids) await prefer(chat, id, section);
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
