import { useMemo } from "react";
import { useStore } from "zustand";
import type { Letter } from "../../chat/outbox/outbox";
import { useChat } from "../context";
import { PendingFileView } from "../files/pending_file";

/** The files that a letter waits for. */
export function LetterFiles({ letter }: { letter: Letter }) {
  const { uploads, messages } = useChat();
  const pending = useStore(uploads.state);
  const files = useMemo(
    () => pending.filter((file) => file.letterId === letter.clientMessageId),
    [pending, letter.clientMessageId],
  );
  if (files.length === 0) return null;
  return (
    <ul className="tray">
      {files.map((file) => (
        <li key={file.id}>
          <PendingFileView file={file} onRemove={() => messages.detach(letter.clientMessageId, file.id)} />
        </li>
      ))}
    </ul>
  );
}
