import type { Conversation, Mute } from "@talkwire/client";
import { atComposer, placeOf } from "@talkwire/client/parts";
import { type ReactNode, useEffect } from "react";
import { useStore } from "zustand";
import { texts } from "../../texts";
import { fullTime } from "../../time_format";
import { useChat } from "../page/chat_context";
import { copyText } from "../page/clipboard";

/** Why the reader cannot write. */
export type Refusal =
  | { readonly why: "outside" | "readOnly" | "unknown" | "erased" | "gone" }
  | { readonly why: "muted"; readonly mute: Mute }
  | { readonly why: "blocked"; readonly userId: string; readonly name: string };

interface Props {
  conversation: Conversation;
  threadId: string | undefined;
  refusal: Refusal;
}

/** Says why the reader cannot write, and what they had written until then. */
export default function CannotWrite({ conversation, threadId, refusal }: Props) {
  const place = placeOf(conversation.id, threadId);
  return (
    <>
      <Reason conversation={conversation} refusal={refusal} />
      {refusal.why === "gone" ? <LostDraft place={place} /> : <KeptDraft key={threadId} place={place} />}
    </>
  );
}

function Reason({ conversation, refusal }: Omit<Props, "threadId">) {
  switch (refusal.why) {
    case "outside":
      return <Outside conversation={conversation} />;
    case "muted":
      return <Muted id={conversation.id} mute={refusal.mute} />;
    case "blocked":
      return <Blocked userId={refusal.userId} name={refusal.name} />;
    case "readOnly":
      return <p className="read-only">{texts.places.readOnly}</p>;
    case "erased":
      return <p className="read-only">{texts.people.writingToErased}</p>;
    case "gone":
      return <p className="read-only">{texts.threadWasDeleted}</p>;
    default:
      return <p className="read-only" />;
  }
}

/** A draft that cannot be sent. It comes back with the composer. */
function KeptDraft({ place }: { place: string }) {
  const chat = useChat();
  const text = chat.drafts.peek(place);
  return text === "" ? null : <NotSent text={text} />;
}

/** The draft of a thread in which nobody can write any more. */
function LostDraft({ place }: { place: string }) {
  const chat = useChat();
  const { drafts, uploads } = chat;
  // A change of what has a draft shows this again.
  useStore(drafts.threads);
  const files = atComposer(useStore(uploads.state), place);
  const text = drafts.peek(place);
  if (text === "" && files.length === 0) return null;
  const discard = (): void => {
    drafts.removeAt(place);
    for (const { id } of files) uploads.remove(id);
    // The files are gone, as are those of a message that is cancelled.
    const undo = files.length > 0 ? undefined : { label: texts.undo, run: () => drafts.save(place, text) };
    chat.showToast(texts.draftDiscarded, undo);
  };
  return (
    <NotSent text={[text, ...files.map(({ name }) => name)].filter((each) => each !== "").join(" · ")} copied={text}>
      <button type="button" className="quiet" onClick={discard}>
        {texts.discard}
      </button>
    </NotSent>
  );
}

/** What was not sent, and a button that copies it. `copied`: what is copied, where that is not all. */
function NotSent({ text, copied = text, children }: { text: string; copied?: string; children?: ReactNode }) {
  const chat = useChat();
  return (
    <div className="kept-draft">
      <b>{texts.leftBehind.title}</b>
      <span className="kept-text" dir="auto">
        {text}
      </span>
      {copied !== "" && (
        <button type="button" className="quiet" onClick={() => void copyText(chat, copied)}>
          {texts.copyText}
        </button>
      )}
      {children}
    </div>
  );
}

/** A reader who is not a member, such as an operator, joins before they write. */
function Outside({ conversation }: { conversation: Conversation }) {
  const { conversations, moderation, showNotice } = useChat();
  const { id } = conversation;
  const join = (): void => {
    moderation
      .join(id)
      .then(() => conversations.load(id))
      .catch((error: Error) => showNotice(error.message));
  };
  return (
    <div className="read-only">
      <p>{texts.places.notMember}</p>
      {conversation.public && (
        <button type="button" className="primary" onClick={join}>
          {texts.places.join}
        </button>
      )}
    </div>
  );
}

function Blocked({ userId, name }: { userId: string; name: string }) {
  const { people, showNotice } = useChat();
  const unblock = (): void => {
    people.unblock(userId).catch((error: Error) => showNotice(error.message));
  };
  return (
    <div className="read-only">
      <p>{texts.people.youBlocked(name)}</p>
      <button type="button" onClick={unblock}>
        {texts.people.unblock}
      </button>
    </div>
  );
}

/** The longest timeout of browsers. */
const LONGEST_MS = 2 ** 31 - 1;

/** The draft stays. */
function Muted({ id, mute: { until, reason } }: { id: string; mute: Mute }) {
  const { conversations } = useChat();
  useEffect(() => {
    if (until === undefined) return;
    const leftMs = Date.parse(until) - Date.now();
    if (leftMs > LONGEST_MS) return;
    const timer = setTimeout(() => conversations.unmuted(id), leftMs);
    return () => clearTimeout(timer);
  }, [conversations, id, until]);
  return (
    <p className="read-only" role="status">
      {texts.places.youAreMuted(until === undefined ? null : fullTime(until), reason)}
    </p>
  );
}
