import { plainOf } from "../../chat/messages/plain";
import { summaryOf } from "../../chat/messages/summary";
import type { Message } from "../../server/payloads";
import { fullTime } from "../times";
import "./questions.css";

/** The message that a question is about. */
export function Preview({ message }: { message: Message }) {
  return (
    <blockquote className="question-preview">
      <p>
        <bdi>
          <strong>{message.sender.name}</strong>
        </bdi>{" "}
        <time dateTime={message.createdAt}>{fullTime(message.createdAt)}</time>
      </p>
      <p className="preview-says" dir="auto">
        {plainOf(summaryOf(message))}
      </p>
    </blockquote>
  );
}
