import type { OutboxEntry } from "@talkwire/client/parts";
import { useMemo } from "react";
import { useStore } from "zustand";
import { texts } from "../../texts";
import { useChat, useChatState } from "../chat_context";
import { Avatar } from "../components/avatar";
import { PendingFileView } from "../files/pending_file";
import { problemText } from "../files/problem_text";
import { MessageText } from "./markdown";

/** A message that is not sent yet, or that the server refused. */
export function OutboxEntryView({ entry }: { entry: OutboxEntry }) {
  const { messages } = useChat();
  const me = useChatState((state) => state.me);
  return (
    <article className="message mine letter">
      <Avatar id={me.id} name={me.name} picture={me.avatar} />
      <header>
        <span className="name">
          <bdi>{me.name}</bdi>
        </span>
      </header>
      {entry.content !== "" && <MessageText content={entry.content} />}
      <OutboxEntryFiles entry={entry} />
      {entry.problem === null ? (
        <small className="state">{texts.sending}</small>
      ) : (
        <p className="problem" role="alert">
          {texts.notSent(problemText(entry))}{" "}
          <button type="button" className="quiet" onClick={() => messages.retry(entry.clientMessageId)}>
            {texts.retry}
          </button>
          <button type="button" className="quiet" onClick={() => messages.discard(entry.clientMessageId)}>
            {texts.discard}
          </button>
        </p>
      )}
    </article>
  );
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
