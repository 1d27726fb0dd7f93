import type { PendingFile } from "@talkwire/client/parts";
import { Paperclip } from "lucide-react";
import { useRef } from "react";
import { texts } from "../../texts";
import { IconButton } from "../components/icon_button";
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

/** A button that opens the file chooser for several files. */
export function AttachButton({ onFiles }: { onFiles: (files: readonly File[]) => void }) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <IconButton icon={Paperclip} label={texts.attach} onClick={() => input.current?.click()} />
      <input
        ref={input}
        type="file"
        multiple
        hidden
        onChange={(event) => {
          onFiles([...(event.target.files ?? [])]);
          // The reader may choose the same file again.
          event.target.value = "";
        }}
      />
    </>
  );
}
