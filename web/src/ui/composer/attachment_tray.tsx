import type { PendingFile } from "@talkwire/client/parts";
import { texts } from "../../texts";
import { PendingFileView } from "../files/pending_file";
import { useChat } from "../page/chat_context";

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
