import type { Conversation } from "@talkwire/client";
import { own } from "@talkwire/client/parts";
import { EllipsisVertical, StickyNote } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { texts } from "../../texts";
import { MenuButton } from "../components/menu";
import type { MenuAction } from "../components/menu_action";
import { useChat, useChatState } from "../page/chat_context";
import { startAt } from "../page/page_address";
import { HandOverDialog } from "./hand_over_dialog";
import { close, release, take } from "./handling";
import { deskTexts } from "./texts";
import { isStaffOf } from "./use_desk";
import { useHandlingText } from "./use_handling_text";
import { WaitingTime } from "./waiting_time";
import "./desk.css";

/** Who handles the open conversation, and what the reader can do with it; for members of its teams only. */
export default function DeskBar({ conversation }: { conversation: Conversation }) {
  const isStaff = useChatState((state) => isStaffOf(state, conversation));
  useNotesBeside(conversation);
  return isStaff && conversation.notesOf === undefined ? (
    <Bar key={conversation.id} conversation={conversation} />
  ) : null;
}

/** Shows notes, to which a notification or a search has led, beside the conversation that they are about. */
function useNotesBeside({ notesOf }: Conversation): void {
  const chat = useChat();
  useEffect(() => {
    if (notesOf === undefined) return;
    startAt(notesOf);
    void chat.open(notesOf);
    chat.openPanel({ kind: "notes" });
  }, [chat, notesOf]);
}

function Bar({ conversation }: { conversation: Conversation }) {
  const chat = useChat();
  const { id, handler, state, waitingSince } = conversation;
  const isMine = useChatState(({ me }) => me.id === handler);
  const handling = useHandlingText(conversation);
  const main = useRef<HTMLButtonElement>(null);
  const [isHandingOver, setHandingOver] = useState(false);
  useTypingOf(conversation);
  const mainLabel = isMine ? deskTexts.release : handler == null ? deskTexts.take : deskTexts.takeOver;
  const closeIt = (): void => {
    // The button for it goes.
    void close(chat, id).then((isClosed) => isClosed && main.current?.focus());
  };
  const others: MenuAction[] =
    state === "closed"
      ? []
      : [
          { label: deskTexts.handOver.action, onClick: () => setHandingOver(true) },
          { label: deskTexts.close, onClick: closeIt },
        ];
  return (
    <section className="desk-bar" aria-label={deskTexts.actions}>
      <div className="desk-state">
        <p role="status" className={handler || state === "closed" ? "cut" : "cut unhandled"}>
          {handling}
        </p>
        {waitingSince && <WaitingTime since={waitingSince} />}
      </div>
      <div className="desk-actions">
        <button
          ref={main}
          type="button"
          className={isMine ? undefined : "primary"}
          onClick={() => void (isMine ? release(chat, id) : take(chat, conversation))}
        >
          {mainLabel}
        </button>
        {others.map(({ label, onClick }) => (
          <button key={label} type="button" className="desk-wide" onClick={onClick}>
            {label}
          </button>
        ))}
        <NotesButton conversation={conversation} />
        {others.length > 0 && (
          <span className="desk-narrow">
            <MenuButton icon={EllipsisVertical} label={texts.more} actions={() => others} />
          </span>
        )}
      </div>
      {isHandingOver && <HandOverDialog conversation={conversation} onClose={() => setHandingOver(false)} />}
    </section>
  );
}

/** Opens the team's notes beside the conversation, and shows how many are new. */
function NotesButton({ conversation: { notesId } }: { conversation: Conversation }) {
  const chat = useChat();
  const isShown = useChatState((state) => state.panel?.kind === "notes");
  const unread = useChatState(({ conversations }) => own(conversations, notesId ?? "")?.unreadCount ?? 0);
  const connected = useChatState((state) => state.connected);
  useEffect(() => {
    if (notesId && connected) void chat.conversations.load(notesId);
  }, [chat, notesId, connected]);
  return (
    <button
      type="button"
      className="desk-notes"
      aria-pressed={isShown}
      onClick={() => chat.openPanel(isShown ? null : { kind: "notes" })}
    >
      <StickyNote className="icon" aria-hidden="true" />
      <span className="desk-notes-title">{deskTexts.notes.title}</span>
      {unread > 0 && !isShown && (
        <span className="count usual">
          <span aria-hidden="true">{unread > 99 ? "99+" : unread}</span>
          <span className="hidden">{deskTexts.notes.unread(unread)}</span>
        </span>
      )}
    </button>
  );
}

/** Lets the reader see who is typing in a conversation that is not in their list, while it is open. */
function useTypingOf({ id, listed }: Conversation): void {
  const { client } = useChat();
  const connected = useChatState((state) => state.connected);
  const isUnlisted = listed === false;
  useEffect(() => {
    if (!isUnlisted || !connected) return;
    const send = (name: "conversation:join" | "conversation:leave"): void => {
      // The next connection joins again, and the end of a connection leaves.
      client.core.call(name, { conversationId: id }).catch(() => undefined);
    };
    send("conversation:join");
    return () => send("conversation:leave");
  }, [client, id, isUnlisted, connected]);
}
