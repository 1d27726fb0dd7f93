import type { PendingFile } from "@talkwire/client/parts";
import { texts } from "../../texts";
import { useChat } from "../chat_context";
import { PendingFileView } from "../files/pending_file";

/** The attached files that are not sent yet. */
export function AttachmentTray({ files }: { files: readonly PendingFile[] }) {
  const { uploads } = useChat();
  if (files.length === 0) return null;
  return (
    <ul className="tray" aria-label={texts.attached}>
      {files.map((file) => (
        <li key={file.id}>
          <PendingFileView file={file} onRemove={() => uploads.remove(file.id)} />
        </li>
      ))}
    </ul>
  );
}
