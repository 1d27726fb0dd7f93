import type { Message } from "@talkwire/client";
import { messageSummary } from "../../chat/messages/message_summary";
import { plainText } from "../../chat/messages/plain_text";
import { dayOf, timeOfDay } from "../../time_format";
import { AttachedLine } from "../files/attached_line";
import { NamesakeHandle } from "../people/person_handle";
import "./message_dialogs.css";

/** The message that a dialog is about. */
export function MessagePreview({ message }: { message: Message }) {
  const { id, name } = message.sender;
  return (
    <blockquote className="question-preview">
      <p>
        <bdi>
          <strong>{name}</strong>
        </bdi>{" "}
        <NamesakeHandle userId={id} name={name} />{" "}
        <time dateTime={message.createdAt}>{`${dayOf(message.createdAt)}, ${timeOfDay(message.createdAt)}`}</time>
      </p>
      <p className="preview-says" dir="auto">
        {plainText(messageSummary(message))}
      </p>
      <AttachedLine message={message} />
    </blockquote>
  );
}
