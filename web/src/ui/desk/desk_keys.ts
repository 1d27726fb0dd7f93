/** The keyboard shortcuts of the desk. */

import { deskIn } from "@talkwire/client/desk";
import { useEffect } from "react";
import type { Chat } from "../../chat/chat";
import { onMac } from "../keyboard/focus";
import { useChat } from "../page/chat_context";
import { goTo } from "../page/page_address";
import { close, openOfTeam, take } from "./handling";
import { deskTexts } from "./texts";

export const DESK_SHORTCUTS = [
  { keys: "Alt+Shift+d", label: deskTexts.keys.desk, run: toggleDesk },
  { keys: "Alt+PageDown", label: deskTexts.keys.next, run: (chat: Chat) => move(chat, 1) },
  { keys: "Alt+PageUp", label: deskTexts.keys.previous, run: (chat: Chat) => move(chat, -1) },
  { keys: "Alt+Shift+h", label: deskTexts.keys.take, run: takeOpen },
  { keys: "Alt+Shift+c", label: deskTexts.keys.close, run: closeOpen },
  { keys: "Alt+Shift+n", label: deskTexts.keys.note, run: toggleNotes },
] as const;

/** Lets the shortcuts work, also in the message field. */
export function useDeskKeys(): void {
  const chat = useChat();
  useEffect(() => {
    const pressed = (event: KeyboardEvent): void => {
      if (event.defaultPrevented || event.repeat || document.querySelector("dialog[open], [role=menu]") !== null)
        return;
      const found = DESK_SHORTCUTS.find(({ keys }) => keys === deskKeysOf(event));
      if (found === undefined) return;
      event.preventDefault();
      found.run(chat);
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, [chat]);
}

/** Returns the pressed keys as the table has them. On a Mac, letters with Alt are other characters. */
export function deskKeysOf({ key, code, altKey, shiftKey, ctrlKey, metaKey }: KeyboardEvent, mac = onMac): string {
  if (!altKey || ctrlKey || metaKey) return "";
  const name = mac && code.startsWith("Key") ? code.slice(3) : key;
  return `Alt+${shiftKey ? "Shift+" : ""}${name.length === 1 ? name.toLowerCase() : name}`;
}

function toggleDesk({ state }: Chat): void {
  state.setState(({ deskId, teams }) => ({ deskId: deskId === null ? (teams[0]?.id ?? null) : null }));
}

/** Opens the next waiting conversation, from the open one on. */
function move({ state, client }: Chat, step: 1 | -1): void {
  const { deskId, teams, openId } = state.getState();
  const teamId = deskId ?? teams[0]?.id;
  if (teamId === undefined) return;
  const { conversations } = deskIn(client, teamId).view("waiting");
  const at = conversations.findIndex(({ id }) => id === openId);
  const next = at === -1 ? conversations.at(step === 1 ? 0 : -1) : conversations[at + step];
  if (next !== undefined) goTo(next.id);
}

/** Takes the open conversation. From a colleague, only the button takes it. */
function takeOpen(chat: Chat): void {
  const open = openOfTeam(chat);
  if (open !== undefined && open.handler == null) void take(chat, open);
}

function closeOpen(chat: Chat): void {
  const open = openOfTeam(chat);
  if (open?.state === "open") void close(chat, open.id);
}

function toggleNotes(chat: Chat): void {
  if (openOfTeam(chat) === undefined) return;
  chat.openPanel(chat.state.getState().panel?.kind === "notes" ? null : { kind: "notes" });
}
