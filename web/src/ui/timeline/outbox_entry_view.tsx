import type { OutboxEntry } from "@talkwire/client/parts";
import { own } from "@talkwire/client/parts";
import { useMemo } from "react";
import { useStore } from "zustand";
import { shortTimeOfDay, timeOfDay } from "../../time_format";
import { useChat, useChatState } from "../chat_context";
import { Avatar } from "../components/avatar";
import { PendingFileView } from "../files/pending_file";
import { PersonButton } from "../people/person_button";
import { MessageText } from "./markdown";
import { QuoteView } from "./quote_view";
import { Delay, Refused, WaitingTick } from "./unsent_marks";

interface Props {
  entry: OutboxEntry;
  /** Whether the message before it has the same sender, who is not named again. */
  continued: boolean;
  /** Whether it is the first of its minute, so that its time is always in sight. */
  startsMinute?: boolean;
}

/** A message that is not sent yet, or that the server refused. It takes the place of the message that it will become. */
export function OutboxEntryView({ entry, continued, startsMinute = false }: Props) {
  const me = useChatState((state) => state.me);
  const writtenAt = new Date(entry.writtenAt).toISOString();
  const hasText = entry.content !== "";
  return (
    <article className={`message mine letter${continued ? " continued" : ""}${startsMinute ? " starts-minute" : ""}`}>
      {continued && <time className="when">{shortTimeOfDay(writtenAt)}</time>}
      {!continued && (
        <>
          <PersonButton userId={me.id} name={me.name} className="face" isExtra>
            <Avatar id={me.id} name={me.name} picture={me.avatar} />
          </PersonButton>
          <header>
            <PersonButton userId={me.id} name={me.name} className="name">
              <bdi>{me.name}</bdi>
            </PersonButton>
            <time>{timeOfDay(writtenAt)}</time>
          </header>
        </>
      )}
      {entry.replyToId !== null && <UnsentQuote conversationId={entry.conversationId} messageId={entry.replyToId} />}
      <div className="said">
        {hasText ? <MessageText content={entry.content} /> : <OutboxEntryFiles entry={entry} />}
        {entry.problem === null && <WaitingTick />}
      </div>
      {hasText && <OutboxEntryFiles entry={entry} />}
      {entry.problem === null && <Delay entry={entry} />}
      {entry.problem !== null && <Refused entry={entry} />}
    </article>
  );
}

/** The message that an unsent one replies to, if it is loaded. */
function UnsentQuote({ conversationId, messageId }: { conversationId: string; messageId: string }) {
  const quoted = useChatState(({ timelines }) =>
    own(timelines, conversationId)?.messages.find(({ id }) => id === messageId),
  );
  if (quoted === undefined) return null;
  const { id, senderId, content = "" } = quoted;
  return <QuoteView quote={{ id, senderId, content }} conversationId={conversationId} />;
}

/** The files of an outbox entry. */
function OutboxEntryFiles({ entry }: { entry: OutboxEntry }) {
  const { uploads, messages } = useChat();
  const pending = useStore(uploads.state);
  const files = useMemo(
    () => pending.filter((file) => file.entryId === entry.clientMessageId),
    [pending, entry.clientMessageId],
  );
  if (files.length === 0) return null;
  return (
    <ul className="tray">
      {files.map((file) => (
        <li key={file.id}>
          <PendingFileView file={file} onRemove={() => messages.detach(entry.clientMessageId, file.id)} />
        </li>
      ))}
    </ul>
  );
}
