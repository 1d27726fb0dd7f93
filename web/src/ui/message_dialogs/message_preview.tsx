import type { Message } from "@talkwire/client";
import { messageSummary } from "../../chat/messages/message_summary";
import { plainText } from "../../chat/messages/plain_text";
import { dayOf, timeOfDay } from "../../time_format";
import { AttachedLine } from "../files/attached_line";
import "./message_dialogs.css";

/** The message that a dialog is about. */
export function MessagePreview({ message }: { message: Message }) {
  return (
    <blockquote className="question-preview">
      <p>
        <bdi>
          <strong>{message.sender.name}</strong>
        </bdi>{" "}
        <time dateTime={message.createdAt}>{`${dayOf(message.createdAt)}, ${timeOfDay(message.createdAt)}`}</time>
      </p>
      <p className="preview-says" dir="auto">
        {plainText(messageSummary(message))}
      </p>
      <AttachedLine message={message} />
    </blockquote>
  );
}
