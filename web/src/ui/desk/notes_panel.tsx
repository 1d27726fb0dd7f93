import { type Conversation, type Message, type Room, Talkwire } from "@talkwire/client";
import { deskIn } from "@talkwire/client/desk";
import { type Client, own } from "@talkwire/client/parts";
import { SendHorizontal, StickyNote } from "lucide-react";
import { type FormEvent, type KeyboardEvent, useEffect, useLayoutEffect, useRef, useState } from "react";
import { useStore } from "zustand";
import { useShallow } from "zustand/react/shallow";
import { texts } from "../../texts";
import { dayOf } from "../../time_format";
import { nameOf } from "../components/conversation_names";
import { EmptyState } from "../components/empty_state";
import { PanelFrame } from "../components/panel_frame";
import { MessageInput } from "../composer/message_input";
import { byTouch, focusComposer, isComposing } from "../keyboard/focus";
import { useChat, useChatState } from "../page/chat_context";
import { useWindowFocus } from "../page/use_window_focus";
import { DayLine } from "../timeline/day_line";
import { MessageView } from "../timeline/message_view";
import { OutboxEntryView } from "../timeline/outbox_entry_view";
import { ThreadContext } from "../timeline/thread_context";
import { useGrowth } from "../timeline/use_growth";
import { actionOf, DeskLine } from "./desk_line";
import { deskTexts } from "./texts";
import { isStaffOf } from "./use_desk";
import "./desk.css";

const { notes: words } = deskTexts;
const NO_MESSAGES: readonly Message[] = [];
/** Pixels from the end within which the list follows new notes. */
const NEAR_END = 80;

/** The team's notes beside a conversation. The first one makes the conversation that has them. */
export default function NotesPanel({ conversation }: { conversation: Conversation }) {
  const isStaff = useChatState((state) => isStaffOf(state, conversation));
  const { notesId } = conversation;
  const room = useChatState(({ conversations }) => own(conversations, notesId ?? ""));
  useEffect(() => {
    if (!byTouch) focusComposer(document.querySelector(".panel .panel-content"));
  }, []);
  if (!isStaff) return null;
  return (
    <PanelFrame
      title={words.title}
      subtitle={
        <p className="subtitle cut">
          <bdi>{nameOf(conversation)}</bdi>
        </p>
      }
      footer={
        room === undefined ? (
          <FirstNote conversation={conversation} />
        ) : (
          <MessageInput key={room.id} conversation={room} placeholder={words.write} />
        )
      }
    >
      {notesId ? (
        <Notes key={notesId} id={notesId} about={conversation} />
      ) : (
        <EmptyState icon={StickyNote} title={words.none} isSmall>
          <p>{words.hint}</p>
        </EmptyState>
      )}
    </PanelFrame>
  );
}

/** The field for the first note, before there is a conversation with a message field of its own. */
function FirstNote({ conversation: { id, teams } }: { conversation: Conversation }) {
  const { client } = useChat();
  const [text, setText] = useState("");
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const send = async (): Promise<void> => {
    const teamId = teams?.[0]?.teamId;
    if (text.trim() === "" || busy || teamId === undefined) return;
    setBusy(true);
    setProblem("");
    try {
      await deskIn(client, teamId).sendNote(id, text.trim());
      setText("");
    } catch (error) {
      setProblem((error as Error).message);
    }
    setBusy(false);
  };
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    void send();
  };
  const pressed = (event: KeyboardEvent): void => {
    if (event.key !== "Enter" || event.shiftKey || byTouch || isComposing(event.nativeEvent)) return;
    event.preventDefault();
    void send();
  };
  return (
    <form className="composer first-note" onSubmit={submit}>
      <div className="box">
        <textarea
          rows={1}
          dir="auto"
          aria-label={words.field}
          placeholder={words.write}
          value={text}
          onChange={({ target }) => setText(target.value)}
          onKeyDown={pressed}
        />
        <button
          type="submit"
          className="send"
          title={words.send}
          aria-label={words.send}
          disabled={busy || text.trim() === ""}
        >
          <SendHorizontal className="icon" aria-hidden="true" />
        </button>
      </div>
      <div className="trouble">
        <p className="problem" role="alert">
          {problem}
        </p>
      </div>
    </form>
  );
}

/** The notes, oldest first, with those that are not sent yet. */
function Notes({ id, about }: { id: string; about: Conversation }) {
  const { messages: sent } = useChat();
  const timeline = useChatState(({ timelines }) => own(timelines, id));
  const outbox = useStore(
    sent.outbox,
    useShallow((all) => all.filter(({ conversationId }) => conversationId === id)),
  );
  const room = useRoom(id);
  const notes = timeline?.messages ?? NO_MESSAGES;
  const list = useFollowed(notes.length + outbox.length);
  useGrowth(
    list,
    notes.some(({ state }) => state === "streaming"),
    false,
  );
  useReadNotes(id, notes.at(-1)?.seq);
  if (timeline === undefined)
    return (
      <p className="note" role="status">
        {texts.loading}
      </p>
    );
  return (
    <ThreadContext value={true}>
      <div className="thread" ref={list}>
        <p className="note notes-hint">{words.hint}</p>
        {!timeline.atStart && (
          <button type="button" className="quiet" onClick={() => void room.loadOlder()}>
            {texts.olderReplies}
          </button>
        )}
        <ul>
          {notes.map((note, index) => (
            <li key={note.id} className="row">
              {startsDay(note, notes[index - 1]) && <DayLine at={note.createdAt} level="h3" />}
              <Note note={note} about={about} />
            </li>
          ))}
          {outbox.map((entry) => (
            <li key={entry.clientMessageId}>
              <OutboxEntryView entry={entry} continued={false} />
            </li>
          ))}
        </ul>
      </div>
    </ThreadContext>
  );
}

function Note({ note, about }: { note: Message; about: Conversation }) {
  const done = actionOf(note);
  if (done !== undefined) return <DeskLine line={note} done={done} about={about} />;
  return <MessageView message={note} continued={false} />;
}

function startsDay({ createdAt }: Message, before: Message | undefined): boolean {
  return before === undefined || dayOf(before.createdAt) !== dayOf(createdAt);
}

const talkwires = new WeakMap<Client, Talkwire>();

/** Returns the library's object for a client: one only, since it follows the client's events without end. */
function talkwireOf(client: Client): Talkwire {
  const talkwire = talkwires.get(client) ?? new Talkwire({ client });
  talkwires.set(client, talkwire);
  return talkwire;
}

/** Returns the room of the notes, which loads the newest ones, and keeps them loaded while they are shown. */
function useRoom(id: string): Room {
  const { client, messages } = useChat();
  const talkwire = talkwireOf(client);
  const isMissing = useChatState(({ timelines, connected }) => connected && own(timelines, id) === undefined);
  useEffect(() => {
    const end = talkwire.conversation(id).on("change", () => undefined);
    return () => {
      end();
      talkwire.release(id);
    };
  }, [talkwire, id]);
  useEffect(() => {
    // The page forgets what it has loaded when it was away for long.
    if (isMissing) messages.loadNewest(id).catch(() => undefined);
  }, [messages, id, isMissing]);
  return talkwire.conversation(id);
}

/** Marks the notes as read while the reader looks at them. */
function useReadNotes(id: string, lastSeq: number | undefined): void {
  const { messages } = useChat();
  const hasFocus = useWindowFocus();
  useEffect(() => {
    if (hasFocus && lastSeq !== undefined) messages.markRead(id).catch(() => undefined);
  }, [messages, id, hasFocus, lastSeq]);
}

/** Keeps the end of a list in sight while the reader is there. */
function useFollowed(count: number) {
  const list = useRef<HTMLDivElement>(null);
  const isFollowing = useRef(true);
  useEffect(() => {
    const scroller = list.current?.parentElement;
    if (scroller == null) return;
    const scrolled = (): void => {
      isFollowing.current = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < NEAR_END;
    };
    scroller.addEventListener("scroll", scrolled);
    return () => scroller.removeEventListener("scroll", scrolled);
  }, []);
  // biome-ignore lint/correctness/useExhaustiveDependencies: runs when there are more notes
  useLayoutEffect(() => {
    const scroller = list.current?.parentElement;
    if (scroller != null && isFollowing.current) scroller.scrollTop = scroller.scrollHeight;
  }, [count]);
  return list;
}
