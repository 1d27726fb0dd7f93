import type { Message } from "@talkwire/client";
import { useCallback } from "react";
import { texts } from "../../texts";
import { fullTime } from "../../time_format";
import { MessageText } from "../markdown/markdown";
import { useChat } from "../page/chat_context";
import { LoadedDialog, useLoading } from "./loaded_dialog";

interface Props {
  message: Message;
  onClose: () => void;
}

/** The versions of a message, newest first. */
export default function EditHistory({ message: { id }, onClose }: Props) {
  const { messages } = useChat();
  const { items, problem } = useLoading(useCallback(() => messages.versions(id), [messages, id]));
  return (
    <LoadedDialog title={texts.history} isLoading={items === null} problem={problem} onClose={onClose}>
      <ol className="versions">
        {items?.toReversed().map(({ version, content, createdAt }) => (
          <li key={version}>
            <p className="version">
              <strong>{version === 1 ? texts.original : texts.version(version)}</strong>{" "}
              <time dateTime={createdAt}>{fullTime(createdAt)}</time>
            </p>
            <MessageText content={content} />
          </li>
        ))}
      </ol>
    </LoadedDialog>
  );
}
